import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.families import FAMILIES
from nastoolkit.measurements import peak_memory_mb


@pytest.mark.parametrize("batch", [1, 100])
def test_a_chain_of_linear_layers_in_closed_form(batch):
    network = nn.Sequential(nn.Linear(1000, 2000, bias=False), nn.ReLU(), nn.Linear(2000, 10, bias=False))
    weights, inputs, hidden = 1000 * 2000 + 2000 * 10, 1000 * batch, 2 * 2000 * batch
    assert peak_memory_mb(network, torch.randn(batch, 1000)) == pytest.approx(4e-6 * (weights + inputs + hidden), rel=1e-3)


def test_larger_sub_networks_need_more(tiny):
    peaks = [peak_memory_mb(tiny.build(g), tiny.example_inputs(g, 4)) for g in (tiny.space.smallest, tiny.space.largest)]
    assert tiny.size_mb(tiny.space.smallest) < peaks[0] < peaks[1]


def activations_kb(network, inputs):
    weights = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    return 1e3 * peak_memory_mb(network, inputs) - weights / 1e3


def test_peak_of_activations_from_the_plan_is_that_of_the_blocks_of_built_networks(tiny):
    genotypes = np.stack([tiny.space.smallest, tiny.space.largest, *tiny.space.sample(4, np.random.default_rng(0))])
    for genotype, peak in zip(genotypes, tiny.peak_kb(genotypes), strict=True):
        network, inputs = tiny.build(genotype), tiny.example_inputs(genotype)
        blocks, shown = [network.get_submodule(name) for name, _ in tiny.plan(genotype)], inputs
        needed, largest = [], inputs.nbytes
        for block in blocks:
            needed.append(activations_kb(block.eval(), shown))
            shown = block(shown).detach()
            largest = max(largest, shown.nbytes)
        assert peak == pytest.approx(max(needed))
        assert peak <= activations_kb(network, inputs) <= peak + (inputs.nbytes + largest) / 1e3 + 1e-9


def test_costs_of_blocks_are_added_or_compared(tiny):
    genotypes = tiny.space.sample(5, np.random.default_rng(1))
    costs = [[spec.macs for _, spec in tiny.plan(genotype)] for genotype in genotypes]
    np.testing.assert_array_equal(tiny.tabulate(lambda spec: spec.macs, combine="max")(genotypes), list(map(max, costs)))
    np.testing.assert_array_equal(tiny.tabulate(lambda spec: spec.macs)(genotypes), list(map(sum, costs)))
    with pytest.raises(ValueError, match=r"combined by \['max', 'sum'\], got 'mean'"):
        tiny.tabulate(lambda spec: spec.macs, combine="mean")


def test_networks_that_are_no_chains_have_no_peak_from_the_plan():
    family = FAMILIES["bert-base"]()
    with pytest.raises(ValueError, match="are not chains of blocks"):
        family.peak_kb(family.space.smallest)
