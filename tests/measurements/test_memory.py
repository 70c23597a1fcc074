import pytest
import torch
from torch import nn

from nastoolkit.measurements import peak_memory_mb


@pytest.mark.parametrize("batch", [1, 100])
def test_a_chain_of_linear_layers_in_closed_form(batch):
    network = nn.Sequential(nn.Linear(1000, 2000, bias=False), nn.ReLU(), nn.Linear(2000, 10, bias=False))
    weights, inputs, hidden = 1000 * 2000 + 2000 * 10, 1000 * batch, 2 * 2000 * batch
    assert peak_memory_mb(network, torch.randn(batch, 1000)) == pytest.approx(4e-6 * (weights + inputs + hidden), rel=1e-3)


def test_larger_sub_networks_need_more(tiny):
    peaks = [peak_memory_mb(tiny.build(g), tiny.example_inputs(g, 4)) for g in (tiny.space.smallest, tiny.space.largest)]
    assert tiny.size_mb(tiny.space.smallest) < peaks[0] < peaks[1]
