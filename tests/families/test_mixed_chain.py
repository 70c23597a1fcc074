"""HR-NAS's block and chains of it: costs, units, and what is refused."""

import copy

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nastoolkit.families.mixed_chain import MixedChain, MixedConv, SideBySide

ONLY = np.array([], dtype=np.int64)
HR_NAS = {  # blocks of the published network: input and output channels, stride, pixels, channels of kernels 3, 5 and 7
    (24, 24, 1, 112): (32, 12, 1),
    (36, 72, 2, 28): (15, 17, 17),
    (144, 144, 1, 7): (178, 110, 124),
}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("out_channels", [3, 5])
def test_costs_are_counted_and_those_of_units_add_up(stride, out_channels):
    spec = MixedConv(3, ((1, 2), (3, 4), (5, 1)), out_channels, stride, 9)
    block, x = spec.build(), torch.randn(1, 3, 9, 9)
    with FlopCounterMode(display=False) as counter:
        out = block(x)
    assert counter.get_total_flops() == 2 * spec.macs == 2 * spec.unit_macs.sum() and len(spec.unit_macs) == 7
    assert spec.params == sum(weight.numel() for weight in block.parameters())
    assert out.shape == (1, out_channels, (9 + stride - 1) // stride, (9 + stride - 1) // stride)


def test_kernels_work_side_by_side_on_their_own_channels():
    layers, x = SideBySide([(1, 2), (3, 3)], 1), torch.randn(2, 5, 4, 4)
    torch.testing.assert_close(layers(x), torch.cat([layers[0](x[:, :2]), layers[1](x[:, 2:])], 1))


def test_the_input_is_added_only_where_shapes_agree():
    same, wider = (MixedConv(4, ((3, 2),), n, 1, 5).build().eval() for n in (4, 6))
    x = torch.randn(1, 4, 5, 5)
    with torch.no_grad():
        for block in (same, wider):
            block.project.bn.weight.zero_()
        assert torch.equal(same(x), x) and (wider(x) == 0).all()


@pytest.mark.parametrize(("shape", "channels"), HR_NAS.items())
def test_published_blocks_are_blocks_of_ours_with_fewer_units(shape, channels):
    n_in, n_out, stride, size = shape
    found = MixedConv(n_in, tuple(zip((3, 5, 7), channels, strict=True)), n_out, stride, size)
    whole = MixedConv(n_in, tuple((kernel, 4 * n_in // 3) for kernel in (3, 5, 7)), n_out, stride, size)
    assert all(n <= most for (_, n), (_, most) in zip(found.kernels, whole.kernels, strict=True))
    assert found.macs == found.unit_macs.sum() < whole.macs


def test_a_chain_is_one_network_with_its_costs():
    family = MixedChain((1, 16), 7, [[4, 2], [6, 2], [6, 1]], (1, 3), 2)
    network = family.build(ONLY)
    assert network(torch.randn(2, 1, 16, 16)).shape == (2, 7) and family.space.n_genes == 0
    assert sum(weight.numel() for weight in network.parameters()) == family.params(ONLY)
    assert [spec.kernels for spec in dict(family.plan(ONLY)).values() if isinstance(spec, MixedConv)] == [
        ((1, 4), (3, 4)),
        ((1, 6), (3, 6)),
    ]
    assert copy.deepcopy(family).fingerprint == family.fingerprint


@pytest.mark.parametrize("blocks", [[], [[4, 2]], [[4, 2], [6]]])
def test_chains_without_blocks_are_refused(blocks):
    with pytest.raises(ValueError, match="^blocks are channels and stride of a first convolution and of one block or more"):
        MixedChain((1, 16), 7, blocks, (3,), 2)


@pytest.mark.parametrize("wrong", [0, -1])
def test_counts_below_one_are_refused(wrong):
    for blocks, expansion in (([[4, wrong], [6, 1]], 2), ([[4, 1], [wrong, 1]], 2), ([[4, 1], [6, 1]], wrong)):
        with pytest.raises(ValueError, match="from 1|at least 1"):
            MixedChain((1, 16), 7, blocks, (3,), expansion)
