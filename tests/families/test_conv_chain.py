"""Chains of convolutions; what all families keep is in contracts/test_families.py."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.families.conv_chain import FEW_SHOT, ConvChainFamily
from nastoolkit.supernets import KernelTransform, Slice, Supernet, chain


def test_layers_have_their_kernels_widths_and_strides():
    family = ConvChainFamily("x", replace(FEW_SHOT, image_channels=3, strides=(1, 2, 2), widths=(4, 6)))
    network = family.build(np.array([0, 1, 2, 0, 1, 1])).eval()
    kernels = [network.get_submodule(f"layer{layer}.conv").weight.shape for layer in (1, 2, 3)]
    assert [tuple(shape) for shape in kernels] == [(6, 3, 1, 1), (4, 6, 5, 5), (6, 4, 3, 3)]
    shapes, x = [], torch.zeros(1, 3, 14, 14)
    for child in network.children():
        shapes.append(tuple((x := child(x)).shape[1:]))
    assert shapes == [(6, 14, 14), (4, 7, 7), (6, 4, 4), (6, 1, 1), (5,)] and family.space.size == 6**3


def test_smaller_kernels_are_the_middle_of_larger_ones_by_every_rule_for_kernels():
    family = ConvChainFamily("x", FEW_SHOT)
    for rule in (Slice(), chain(KernelTransform(), Slice())):
        supernet = Supernet(family, rule)
        middle = supernet.shared.get_submodule("layer1.conv").weight[:8, :, 2:3, 2:3]
        assert torch.equal(supernet.weights(family.space.smallest)["layer1.conv.weight"], middle)


def test_what_cannot_be_a_chain_is_told():
    with pytest.raises(ValueError, match="^a chain has at least one convolution, got no strides$"):
        replace(FEW_SHOT, strides=())
    with pytest.raises(ValueError, match=r"^kernels are odd, got \(3, 4\)$"):
        replace(FEW_SHOT, kernels=(3, 4))
