import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.measurements.proxies.synflow import flow, without_norms


def test_the_flow_of_a_chain_is_the_product_of_its_absolute_weights_once_for_each_layer():
    first, second = torch.randn(3, 2), torch.randn(4, 3)
    network = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 4, bias=False))
    network[0].weight.data, network[2].weight.data = first.clone(), second.clone()
    paths = (second.abs() @ first.abs()).sum().item()
    assert flow(network, torch.ones(1, 2)) == pytest.approx(2 * paths, rel=1e-5)


def test_nothing_stands_in_the_place_of_normalisation():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sequential(nn.BatchNorm2d(2), nn.ReLU()))
    kinds = [type(part) for part in without_norms(network).modules()]
    assert nn.BatchNorm2d not in kinds and nn.Identity in kinds


def test_weights_that_lead_nowhere_carry_no_flow():
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False))
    network[1].weight.data = torch.tensor([[1.0, 0.0]])
    network[0].weight.data = torch.tensor([[0.0, 0.0], [5.0, 5.0]])
    assert flow(network, torch.ones(1, 2)) == 0 and np.isfinite(flow(network, torch.zeros(1, 2)))
