"""Key names and folders of Hugging Face, and DyNAS-T's names; whole files are held against others' code in test_golden.py."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertForPreTraining, BertForSequenceClassification, BertModel

from nastoolkit.checkpoints import FORMATS, CheckpointError, dynast_vit, huggingface
from nastoolkit.families import FAMILIES
from nastoolkit.families.bert import BASE, BertFamily
from nastoolkit.supernets import load_pretrained, load_supernet

BERT = [
    ("bert.embeddings.word_embeddings.weight", "embeddings.tokens.weight"),
    ("bert.embeddings.position_embeddings.weight", "embeddings.positions.weight"),
    ("bert.embeddings.token_type_embeddings.weight", "embeddings.types.weight"),
    ("bert.embeddings.LayerNorm.weight", "embeddings.norm.weight"),
    ("bert.encoder.layer.0.attention.self.query.weight", "encoder.layer1.attention.query.weight"),
    ("bert.encoder.layer.9.attention.self.value.bias", "encoder.layer10.attention.value.bias"),
    ("bert.encoder.layer.1.attention.output.dense.weight", "encoder.layer2.attention.output.weight"),
    ("bert.encoder.layer.1.attention.output.LayerNorm.gamma", "encoder.layer2.attention_norm.weight"),
    ("bert.encoder.layer.1.intermediate.dense.bias", "encoder.layer2.ffn.expand.bias"),
    ("bert.encoder.layer.1.output.dense.weight", "encoder.layer2.ffn.project.weight"),
    ("bert.encoder.layer.1.output.LayerNorm.beta", "encoder.layer2.ffn_norm.bias"),
    ("bert.pooler.dense.weight", "pooler.linear.weight"),
    ("classifier.bias", "classifier.linear.bias"),
]
VIT = [
    ("vit.embeddings.cls_token", "patches.class_token"),
    ("vit.embeddings.position_embeddings", "patches.positions"),
    ("vit.embeddings.patch_embeddings.projection.bias", "patches.conv.bias"),
    ("vit.encoder.layer.0.attention.attention.key.weight", "encoder.layer1.attention.key.weight"),
    ("vit.encoder.layer.11.attention.output.dense.weight", "encoder.layer12.attention.output.weight"),
    ("vit.encoder.layer.0.intermediate.dense.weight", "encoder.layer1.ffn.expand.weight"),
    ("vit.encoder.layer.0.output.dense.bias", "encoder.layer1.ffn.project.bias"),
    ("vit.encoder.layer.0.layernorm_before.weight", "encoder.layer1.attention_norm.weight"),
    ("vit.encoder.layer.0.layernorm_after.bias", "encoder.layer1.ffn_norm.bias"),
    ("vit.layernorm.weight", "classifier.norm.weight"),
    ("classifier.weight", "classifier.linear.weight"),
]
DYNAST = [
    ("class_token", "patches.class_token"),
    ("conv_proj.weight", "patches.conv.weight"),
    ("encoder.pos_embedding.weight", "patches.positions"),
    ("encoder.layers.encoder_layer_0.ln_1.weight", "encoder.layer1.attention_norm.weight"),
    ("encoder.layers.encoder_layer_0.self_attention.query.bias", "encoder.layer1.attention.query.bias"),
    ("encoder.layers.encoder_layer_0.attention_output.dense.bias", "encoder.layer1.attention.output.bias"),
    ("encoder.layers.encoder_layer_0.attention_output.LayerNorm.weight", "encoder.layer1.output_norm.weight"),
    ("encoder.layers.encoder_layer_11.ln_2.bias", "encoder.layer12.ffn_norm.bias"),
    ("encoder.layers.encoder_layer_0.mlp.linear_1.weight", "encoder.layer1.ffn.expand.weight"),
    ("encoder.layers.encoder_layer_0.mlp.linear_2.weight", "encoder.layer1.ffn.project.weight"),
    ("encoder.ln.bias", "classifier.norm.bias"),
    ("heads.head.weight", "classifier.linear.weight"),
]
TINY = replace(BASE, vocabulary=60, positions=24, length=16, dim=32, head_dim=8, layers=(1, 2), heads=(2, 4), ffn=(24, 48))
CONFIG = BertConfig(
    vocab_size=60,
    max_position_embeddings=24,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=48,
)


@pytest.mark.parametrize(
    ("released", "theirs", "ours"), [(huggingface, *row) for row in BERT + VIT] + [(dynast_vit, *row) for row in DYNAST]
)
def test_names(released, theirs, ours):
    assert list(released.translate({theirs: torch.zeros(1)})) == [ours]


@pytest.mark.parametrize(("released", "rows"), [(huggingface, BERT), (huggingface, VIT), (dynast_vit, DYNAST)])
def test_each_format_knows_its_own(released, rows):
    assert [other for other in FORMATS.values() if other.recognise(dict(rows))] == [released]


def test_numbers_of_positions_are_no_weights():
    assert not huggingface.translate({"bert.embeddings.position_ids": torch.arange(5)[None]})
    assert not dynast_vit.translate({"encoder.position_ids": torch.arange(5)[None]})


@pytest.fixture
def folder(monkeypatch, saved, tmp_path):
    """A classifier in one safetensors file, as ``save_pretrained`` writes it."""
    monkeypatch.setitem(FAMILIES, "tiny-bert", partial(BertFamily, "tiny-bert", TINY))
    saved(BertForSequenceClassification(CONFIG), tmp_path)
    return tmp_path


def keep_whole(folder):
    return folder


def name_the_file(folder):
    return folder / "model.safetensors"


def split(folder):
    saved = BertForSequenceClassification.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    saved.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 2
    return folder


def pickle_it(folder):
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    return folder


def give_old_names(folder):
    """Without a prefix, with TensorFlow's names of normalisation and a buffer."""
    tensors = load_file(folder / "model.safetensors")
    old = {
        key.removeprefix("bert.").replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): t
        for key, t in tensors.items()
    }
    save_file({**old, "embeddings.position_ids": torch.arange(24)[None]}, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("change", [keep_whole, name_the_file, split, pickle_it, give_old_names])
def test_all_ways_to_save_give_the_same_weights(folder, change):
    saved = load_file(folder / "model.safetensors")
    expected = {ours: saved[theirs] for theirs, ours in BERT if theirs in saved}
    shared = load_supernet("tiny-bert", change(folder)).shared.state_dict()
    assert len(expected) > 9 and all(torch.equal(shared[name], tensor) for name, tensor in expected.items())


def test_half_precision_is_read(folder):
    tensors = {name: tensor.half() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(tensors, folder / "model.safetensors")
    shared = load_supernet("tiny-bert", folder).shared.state_dict()
    assert torch.equal(shared["pooler.linear.weight"], tensors["bert.pooler.dense.weight"].float())


@pytest.mark.parametrize(
    ("network", "missing", "unexpected"),
    [
        (BertForPreTraining, ["classifier.linear.bias", "classifier.linear.weight"], ["cls.predictions.bias"]),
        (partial(BertModel, add_pooling_layer=False), ["classifier.linear.weight", "pooler.linear.weight"], []),
    ],
)
def test_a_network_that_is_no_classifier_is_an_error_that_lists_what_differs(folder, saved, network, missing, unexpected):
    saved(network(CONFIG), folder)
    with pytest.raises(CheckpointError, match="does not fit this family") as error:
        load_supernet("tiny-bert", folder)
    problems = str(error.value)
    assert all(f"missing {name}" in problems for name in missing)
    assert all(f"unexpected {name}" in problems for name in unexpected) and "encoder" not in problems


def test_a_pretrained_network_gets_a_new_head_and_keeps_all_else(folder, saved):
    saved(BertForPreTraining(CONFIG), folder)
    theirs = load_file(folder / "model.safetensors")
    supernet = load_pretrained("tiny-bert", folder, 3)
    assert supernet.family.n_outputs == 3 and not supernet.training
    shared = supernet.shared.state_dict()
    expected = {ours: theirs[name] for name, ours in BERT if name in theirs and not ours.startswith("classifier")}
    assert len(expected) > 8 and all(torch.equal(shared[name], tensor) for name, tensor in expected.items())
    assert shared["classifier.linear.weight"].std() > 0


def test_a_classifier_gets_another_head(folder):
    shared, other = (load("tiny-bert", folder).shared for load in (load_supernet, partial(load_pretrained, n_classes=2)))
    differ = [name for name, weight in shared.state_dict().items() if not torch.equal(weight, other.state_dict()[name])]
    assert differ == ["classifier.linear.weight", "classifier.linear.bias"]


def test_a_pretrained_network_of_other_sizes_is_told(folder, saved):
    saved(BertForPreTraining(BertConfig(**{**CONFIG.to_dict(), "num_hidden_layers": 1})), folder)
    with pytest.raises(CheckpointError, match=r"does not fit this family:\n  missing encoder.layer2"):
        load_pretrained("tiny-bert", folder, 3)


def test_a_folder_without_weights_says_what_it_lacks(tmp_path):
    with pytest.raises(CheckpointError, match=f"the folder {tmp_path} has none of model.safetensors, pytorch_model.bin"):
        load_supernet("bert-base", tmp_path)


def test_a_shard_that_is_missing_is_named(folder):
    lost = sorted(split(folder).glob("model-*.safetensors"))[1]
    lost.unlink()
    with pytest.raises(CheckpointError, match=f"there is no file {lost}"):
        load_supernet("tiny-bert", folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"weight_map": []}), json.dumps({"weight_map": {}})])
def test_an_index_that_lists_no_files_is_named(tmp_path, content):
    (tmp_path / "model.safetensors.index.json").write_text(content)
    with pytest.raises(CheckpointError, match="model.safetensors.index.json lists no files of weights"):
        load_supernet("bert-base", tmp_path)
