"""HAT's fairseq checkpoints, written here under the released names; equality with the original code is in test_golden.py."""

import argparse
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from nastoolkit.checkpoints import FORMATS, CheckpointError, hat
from nastoolkit.families.hat import IWSLT, WMT
from nastoolkit.supernets import load_supernet

VOCABULARY = 12
TABLES = {
    "hat-wmt": replace(WMT, vocabulary=VOCABULARY),
    "hat-iwslt": replace(IWSLT, vocabulary=VOCABULARY, source_vocabulary=VOCABULARY + 1),
}
SOURCE, TARGET = "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"
NAMES = [
    ("encoder.layers.0.self_attn.out_proj.weight", "encoder.layer1.attention.output.weight"),
    ("encoder.layers.0.self_attn_layer_norm.bias", "encoder.layer1.attention_norm.bias"),
    ("encoder.layers.5.fc1.weight", "encoder.layer6.ffn.expand.weight"),
    ("decoder.layers.1.fc2.bias", "decoder.layer2.ffn.project.bias"),
    ("decoder.layers.1.final_layer_norm.weight", "decoder.layer2.ffn_norm.weight"),
    ("decoder.layers.2.encoder_attn.out_proj.bias", "decoder.layer3.cross.output.bias"),
    ("decoder.layers.2.encoder_attn_layer_norm.weight", "decoder.layer3.cross_norm.weight"),
    ("decoder.embed_out", "output.weight"),
]


@pytest.fixture(scope="module", params=["hat-wmt", "hat-iwslt"])
def released(request, hat_state):
    return request.param, hat_state(TABLES[request.param])


@dataclass
class Meter:
    """Stands for fairseq's meters of training."""

    total: object
    count: float


@pytest.mark.parametrize(("theirs", "ours"), NAMES)
def test_names(theirs, ours):
    assert list(hat.translate({theirs: torch.zeros(1)})) == [ours]


def test_each_format_knows_its_own(released):
    assert [name for name, other in FORMATS.items() if other.recognise(released[1])] == ["hat"]


def test_a_fairseq_checkpoint_loads_whole(released, tmp_path, monkeypatch):
    name, state = released
    options = argparse.Namespace(arch="transformersuper_wmt_en_de", encoder_embed_choice=[640, 512], lr=[1e-7], fp16=True)
    meters = {"train_loss": Meter(torch.ones(1), 3.5), "wps": Meter(np.float64(7.0), 1)}
    kept = {"optimizer_history": [{"num_updates": 40_000}], "extra_state": {"train_meters": meters, "epoch": 3}}
    torch.save({"args": options, "model": state, **kept}, tmp_path / "checkpoint.pt", _use_new_zipfile_serialization=False)
    monkeypatch.delattr(f"{__name__}.Meter")  # nobody has fairseq
    supernet = load_supernet(name, tmp_path / "checkpoint.pt")
    shared, separate = supernet.shared.state_dict(), name == "hat-iwslt"
    assert supernet.family.table.vocabulary == VOCABULARY
    assert torch.equal(shared["source_embedding.weight" if separate else "embedding.weight"], state[SOURCE])
    assert not separate or torch.equal(shared["target_embedding.weight"], state[TARGET])
    assert not separate or torch.equal(shared["output.weight"], state["decoder.embed_out"])
    assert (
        supernet(supernet.family.example_inputs(supernet.family.space.smallest), supernet.family.space.smallest)
        .isfinite()
        .all()
    )


def test_projections_are_taken_apart(released):
    state = released[1]
    ours, fused = hat.translate(state), "decoder.layers.3.encoder_attn.in_proj_"
    for kind in ("weight", "bias"):
        parts = [ours[f"decoder.layer4.cross.{part}.{kind}"] for part in ("query", "key", "value")]
        assert [len(part) for part in parts] == [512] * 3 and torch.equal(torch.cat(parts), state[fused + kind])
    assert not [key for key in ours if "in_proj" in key or "version" in key or "_float_tensor" in key]


def test_what_is_stored_twice_must_be_the_same(tmp_path, hat_state):
    state = hat_state(TABLES["hat-wmt"])
    state[TARGET][3, 5] += 1e-3
    torch.save({"model": state}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="missing embedding.weight\n.*unexpected source_emb.*\n.*unexpected target_emb"):
        load_supernet("hat-wmt", tmp_path / "checkpoint.pt")


def test_all_that_does_not_fit_is_listed_at_once(tmp_path, hat_state):
    state = hat_state(TABLES["hat-wmt"])
    del state["encoder.layers.0.fc1.bias"]
    state["decoder.layers.6.fc1.bias"] = torch.zeros(3072)
    state["decoder.layers.0.self_attn.in_proj_weight"] = torch.zeros(1536, 512)
    torch.save({"model": state}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError) as error:
        load_supernet("hat-wmt", tmp_path / "checkpoint.pt")
    assert [line.strip() for line in str(error.value).splitlines()[1:]] == [
        *(
            f"decoder.layer1.attention.{part}.weight has shape (512, 512), not (512, 640)"
            for part in ("key", "query", "value")
        ),
        "missing encoder.layer1.ffn.expand.bias",
        "unexpected decoder.layer7.ffn.expand.bias",
    ]


class Secret:
    """Something that a checkpoint has no business to bring."""


def test_a_command_line_that_holds_other_objects_is_not_loaded(tmp_path):
    torch.save({"args": argparse.Namespace(secret=Secret()), "model": {}}, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="Secret"):
        load_supernet("hat-wmt", tmp_path / "checkpoint.pt")
