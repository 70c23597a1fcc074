import json
import shutil

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from nastoolkit.export import export_network, load_network, network_card, onnx_difference
from nastoolkit.families import FAMILIES
from nastoolkit.supernets import calibrate_batchnorm


@pytest.fixture(scope="module")
def exported(tiny, supernet_of, tmp_path_factory):
    """A calibrated sub-network, its genotype, its inputs, and what its export made."""
    generator = torch.Generator().manual_seed(0)
    genotype = tiny.space.sample(1, np.random.default_rng(4))[0]
    inputs = torch.randn(4, *tiny.input_shape(genotype), generator=generator)
    network = calibrate_batchnorm(supernet_of(tiny).extract(genotype), [inputs])
    folder = tmp_path_factory.mktemp("export") / "new"
    card = network_card(tiny, genotype, {"accuracy_top1_validation": 12.5})
    return network, genotype, inputs, export_network(network, inputs, folder, card)


@pytest.mark.parametrize("n", [1, 4, 7])
@torch.inference_mode()
def test_onnx_runtime_gives_the_same_outputs_for_any_batch_size(exported, n):
    network, _, inputs, made = exported
    batch = torch.randn(n, *inputs.shape[1:], generator=torch.Generator().manual_seed(n))
    session = onnxruntime.InferenceSession(made.files[0], providers=["CPUExecutionProvider"])
    (outputs,) = session.run(None, {session.get_inputs()[0].name: batch.numpy()})
    expected = network(batch).numpy()
    assert outputs.shape == (n, 10) and np.abs(expected).max() > 0.1
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-4)
    assert onnx_difference(network, batch, made.files[0]) == pytest.approx(np.abs(outputs - expected).max())


def test_three_files_and_the_card(exported, tiny):
    _, genotype, _, made = exported
    assert [file.name for file in made.files] == ["network.onnx", "network.safetensors", "network.json"]
    assert sorted(file.name for file in made.files[0].parent.iterdir()) == sorted(file.name for file in made.files)
    card = json.loads(made.files[2].read_text())
    assert card["family"] == "tiny" and card["genotype"] == genotype.tolist() and card["accuracy_top1_validation"] == 12.5
    np.testing.assert_array_equal(tiny.space.encode(card["options"]), genotype)
    assert list(card["plan"]) == [name for name, _ in tiny.plan(genotype)]
    assert (card["params"], card["macs"]) == (tiny.params(genotype), tiny.macs(genotype))
    assert card["onnx_max_abs_difference"] == made.max_abs_difference <= 1e-4


@torch.inference_mode()
def test_the_safetensors_file_holds_the_whole_network(exported, tiny):
    network, genotype, inputs, made = exported
    again = tiny.build(genotype)
    again.load_state_dict(load_file(made.files[1]))
    assert torch.equal(again.eval()(inputs), network(inputs))


@torch.inference_mode()
def test_a_folder_alone_gives_the_network_back(exported, tiny, monkeypatch):
    network, genotype, inputs, made = exported
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    again = load_network(made.files[0].parent)
    assert torch.equal(load_network(made.files[0].parent, tiny)(inputs), network(inputs))
    assert not again.training and torch.equal(again(inputs), network(inputs))
    card = json.loads(made.files[2].read_text())
    assert card["input_shape"] == list(inputs.shape[1:]) and card["n_outputs"] == len(network(inputs)[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "nets"}, "unknown family 'nets'; known: .*digits-mbv3"),
        ({"family_fingerprint": "0"}, "was exported when family 'tiny' had other networks"),
        ({"genotype": "largest"}, "do not fit its card"),
    ],
)
def test_a_folder_that_does_not_fit_is_told(exported, tiny, monkeypatch, tmp_path, change, message):
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    for file in exported[3].files:
        shutil.copy(file, tmp_path)
    card = json.loads((tmp_path / "network.json").read_text()) | change
    card["genotype"] = tiny.space.largest.tolist() if card["genotype"] == "largest" else card["genotype"]
    (tmp_path / "network.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match=message):
        load_network(tmp_path)


class Whimsical(nn.Module):
    """Gives other outputs at every call."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return x + self.calls


def test_an_export_that_computes_something_else_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="network.onnx differs from PyTorch by .*more than 1e-04"):
        export_network(Whimsical(), torch.randn(2, 3), tmp_path, {})
    assert not list(tmp_path.iterdir())
