"""Configurations, the networks that they give, and copies of the weights that share nothing."""

from dataclasses import replace
from math import comb

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from nastoolkit.supernets import Supernet
from nastoolkit.systems.balanced_mixture import PoolingFamily, PoolingTable
from nastoolkit.systems.balanced_mixture.pooling import RESNET20, units_at

TABLE = PoolingTable(image_channels=1, image_size=8, n_classes=3, widths=(2, 2, 3, 4, 4))
FAMILY = PoolingFamily("poolings", TABLE)
COPIES = PoolingFamily("poolings", replace(TABLE, n_copies=3))


@given(st.integers(1, 8), st.integers(1, 4))
def test_configurations_are_all_ways_to_share_units_out(n_units, n_stages):
    if n_stages > n_units:
        return
    table = replace(TABLE, widths=(2,) * n_units, n_stages=n_stages)
    units = [tuple(map(int, name.split("-"))) for name in table.configurations]
    assert len(units) == len(set(units)) == comb(n_units - 1, n_stages - 1) and units == sorted(units)
    assert all(sum(one) == n_units and min(one) > 0 and len(one) == n_stages for one in units)


def test_the_36_configurations_of_resnet20():
    assert len(RESNET20.configurations) == 36 and {"1-1-8", "4-3-3", "8-1-1"} < set(RESNET20.configurations)
    assert RESNET20.default == "4-3-3" and TABLE.default == "2-2-1"
    family = PoolingFamily("resnet20", RESNET20)
    default = np.array([RESNET20.configurations.index("4-3-3"), 0])
    assert family.params(default) == 269_722 + (16 * 32 + 64) + (32 * 64 + 128)  # He et al.'s 0.27 M, and two projections
    assert len({int(n) for n in family.params(np.stack([np.arange(36), np.zeros(36, int)], axis=1))}) == 1


@pytest.mark.parametrize("place", range(len(TABLE.configurations)))
def test_networks_have_the_resolutions_parameters_and_macs_that_are_said(place):
    genotype = np.array([place, 0])
    network, sizes = FAMILY.build(genotype), []
    for name, block in network.named_children():
        if name == "stem" or name.startswith("block"):
            block.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.shape[-1]))
    with FlopCounterMode(display=False) as counter:
        network(torch.randn(2, 1, 8, 8))
    halved = units_at(TABLE.configurations[place])
    assert sizes == [8 // 2**n for n in halved] and sorted(set(halved)) == [0, 1, 2]
    assert sum(p.numel() for p in network.parameters()) == FAMILY.params(genotype)
    assert counter.get_total_flops() == 2 * 2 * FAMILY.macs(genotype)


def test_one_copy_is_plain_sharing_and_several_share_nothing():
    one, three = Supernet(FAMILY, seed=1), Supernet(COPIES, seed=1)
    count = sum(p.numel() for p in one.parameters())
    assert count == FAMILY.params(np.array([0, 0])) and sum(p.numel() for p in three.parameters()) == 3 * count
    x = torch.randn(4, 1, 8, 8)
    outputs = [three.eval()(x, np.array([2, copy])) for copy in range(3)]
    assert not torch.equal(outputs[0], outputs[1]) and not torch.equal(outputs[1], outputs[2])
    outputs[1].sum().backward()
    owners = {name.split(".")[2] for name, p in three.named_parameters() if p.grad is not None}
    assert owners == {"1"}


def test_copies_are_networks_of_the_same_plan_and_no_twins():
    genotypes = np.array([[3, copy] for copy in range(3)])
    assert COPIES.space.canonical(genotypes).tolist() == genotypes.tolist()
    assert len({COPIES.plan(genotype) for genotype in genotypes}) == 1
    assert COPIES.plan(genotypes[2]) == FAMILY.plan(np.array([3, 0])) and COPIES.space.size == 18


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_copies": 7}, "^7 copies for 6 configurations: there is one copy or more, and none without a configuration"),
        ({"n_copies": 0}, "^0 copies for 6 configurations"),
        ({"n_stages": 6}, "^5 units cannot have 6 resolutions: each has one unit or more$"),
        ({"image_size": 3}, "^3 pixels cannot be halved 2 times$"),
    ],
)
def test_networks_that_do_not_exist_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(TABLE, **changes)
