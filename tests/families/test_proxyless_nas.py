import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.families import FAMILIES
from nastoolkit.supernets import Supernet
from nastoolkit.supernets.sharing import KernelTransform

# Counts of sub-networks of ofa_proxyless_d234_e346_k357_w1.3, equal in all blocks: run in the code of
# github.com/mit-han-lab/once-for-all at commit f03b267, convolutions and linear layers counted as torchprofile does.
RELEASED = [  # kernel, expansion, depth, resolution, params, MACs
    (7, 6, 4, 224, 7_942_056, 1_004_908_032),
    (7, 6, 4, 128, 7_942_056, 329_253_888),
    (5, 6, 4, 160, 7_611_432, 457_996_800),
    (3, 6, 4, 160, 7_391_016, 420_979_200),
    (3, 3, 2, 224, 3_718_832, 265_526_256),
    (3, 3, 2, 128, 3_718_832, 87_823_104),
]


@pytest.fixture(scope="module")
def family():
    return FAMILIES["ofa-proxyless-w1.3"]()


def encode(family, kernel, expand, depth, resolution):
    """The genotype with the same kernel, expansion and depth everywhere; the depth of the last stage is left out."""
    options = {"resolution": resolution} | {f"stage{stage}.depth": depth for stage in range(1, 6)}
    for name in family.space.names:
        options |= {name: kernel} if name.endswith(".kernel") else {name: expand} if name.endswith(".expand") else {}
    return family.space.encode(options)


@pytest.mark.parametrize(("kernel", "expand", "depth", "resolution", "params", "macs"), RELEASED)
def test_counts_of_the_released_networks(family, kernel, expand, depth, resolution, params, macs):
    genotype = encode(family, kernel, expand, depth, resolution)
    assert (family.params(genotype), family.macs(genotype)) == (params, macs)


def test_the_ends_of_the_space(family):
    np.testing.assert_array_equal(family.space.largest, encode(family, 7, 6, 4, 224))
    np.testing.assert_array_equal(family.space.smallest, encode(family, 3, 3, 2, 128))


def test_the_number_of_subnetworks(family):
    # Five stages as in [Cai2020], Section 3.1, and the kernel and expansion of a last block; 25 input sizes.
    assert family.space.size == 25 * (9**2 + 9**3 + 9**4) ** 5 * 9


def test_the_supernet_has_the_released_number_of_weights(family):
    supernet = Supernet(family, KernelTransform())
    assert sum(parameter.numel() for parameter in supernet.parameters()) == 7_956_882


def test_rows_of_the_table(family):
    plan = dict(family.plan(family.space.largest))
    first = [plan[f"stage{stage}.block1"] for stage in range(1, 7)]
    assert [plan["stem"].out_channels, plan["first_block"].out_channels] == [40, 24]
    assert [spec.out_channels for spec in first] == [32, 56, 104, 128, 248, 416]
    assert [spec.stride for spec in first] == [2, 2, 2, 1, 2, 1]
    assert [spec.input_size for spec in first] == [112, 56, 28, 14, 14, 7] and plan["pool"].input_size == 7
    assert list(plan)[-4:] == ["stage6.block1", "feature_mix", "pool", "classifier"]
    assert plan["feature_mix"].norm and plan["feature_mix"].out_channels == 1664


def test_activations_and_normalisation(family):
    with torch.device("meta"):
        modules = list(family.build(family.space.largest).modules())
    acts = [m for m in modules if isinstance(m, nn.Module) and type(m).__module__ == "torch.nn.modules.activation"]
    norms = [m for m in modules if isinstance(m, nn.BatchNorm2d)]
    assert {type(act) for act in acts} == {nn.ReLU6} and len(acts) == 2 + 2 * 21 + 1
    assert {norm.eps for norm in norms} == {1e-3} and len(norms) == 3 + 3 * 21 + 1


def test_the_last_stage_has_one_block_with_its_own_kernel_and_expansion(family):
    space = family.space
    options = space.decode(space.smallest)
    assert options["stage6.depth"] == 1 and "stage6.block2.kernel" not in space.names
    plan = dict(family.plan(space.encode({**options, "stage6.block1.kernel": 5, "stage6.block1.expand": 4})))
    assert (plan["stage6.block1"].kernel, plan["stage6.block1"].mid_channels) == (5, 4 * 248)
