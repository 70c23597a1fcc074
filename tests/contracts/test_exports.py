"""The export of every class of networks in FAMILIES: what ONNX Runtime and a reader of the safetensors file get.

Of families of one class that with the shortest network is exported, as a long one takes many seconds; its layers are the same.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from nastoolkit.export import export_network, network_card, onnx_difference
from nastoolkit.families import FAMILIES

SMALLER = {  # files of hundreds of MB otherwise
    "hat-iwslt": {"vocabulary": 100, "source_vocabulary": 90, "encoder_layers": (3,)},
    "vit-b16": {"dim": 48, "head_dim": 4},
}


def shortest_of_each_class():
    """The families by class, the longest first, so that the shortest is what remains; and the one with two embeddings."""
    families = [make() for make in FAMILIES.values()]
    families.sort(key=lambda family: len(family.plan(family.space.smallest)), reverse=True)
    return ["hat-iwslt", *{type(family): family.name for family in families}.values()]


@pytest.fixture(params=shortest_of_each_class(), scope="module")
def exported(request, supernet_of, tmp_path_factory):
    family = FAMILIES[request.param]()
    family = type(family)(family.name, replace(family.table, **SMALLER.get(request.param, {})))
    genotype = family.space.smallest
    network = supernet_of(family).eval().extract(genotype)
    folder = tmp_path_factory.mktemp("export")
    made = export_network(network, family.example_inputs(genotype, n=2), folder, network_card(family, genotype, {}))
    return family, genotype, network, made


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3])
def test_onnx_runtime_gives_the_same_outputs_for_any_batch_size(exported, n):
    family, genotype, network, made = exported
    inputs = family.example_inputs(genotype, n, seed=5)
    with torch.no_grad():
        largest = float(network(inputs).abs().max())
    assert largest > 1e-3 and onnx_difference(network, inputs, made.files[0]) <= 1e-5 * max(1.0, largest)


@pytest.mark.slow
def test_the_weights_and_the_card_rebuild_the_network(exported):
    family, genotype, network, made = exported
    card = json.loads(made.files[2].read_text())
    rebuilt = family.build(np.array(card["genotype"])).eval()
    rebuilt.load_state_dict(load_file(made.files[1]))
    inputs = family.example_inputs(genotype, n=2, seed=6)
    with torch.no_grad():
        assert torch.equal(rebuilt(inputs), network(inputs))
    assert family.space.encode(card["options"]).tolist() == card["genotype"]
    assert card["params"] == family.params(genotype)
