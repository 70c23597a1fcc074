"""Layers that each choose an inverted bottleneck; what all families keep is in contracts/test_families.py."""

from dataclasses import replace

import pytest
import torch

from nastoolkit.families.mbconv_layers import DIGITS, MBConvLayersFamily, parsed
from nastoolkit.supernets import Supernet


def test_every_layer_has_weights_for_each_operation():
    family = MBConvLayersFamily("x", replace(DIGITS, operations=("mb4_k5", "mb1_k3")))
    layer = Supernet(family).shared.get_submodule("stage2.layer1")
    assert family.space.size == 2**9 and set(dict(layer.named_children())) == {"mb1_k3", "mb4_k5"}
    assert family.table.by_cost == ("mb1_k3", "mb4_k5") and layer.mb4_k5.depthwise.conv.weight.shape == (32, 1, 5, 5)


def test_stages_have_their_channels_and_strides():
    family = MBConvLayersFamily("x", replace(DIGITS, n_layers=(1, 2, 1), stem_stride=1, strides=(2, 1, 2)))
    network = family.build(family.largest).eval()
    shapes = [tuple(part.shape[1:]) for part in _outputs(network, torch.zeros(1, 1, 16, 16))]
    assert shapes == [(8, 16, 16), (8, 8, 8), (16, 8, 8), (32, 4, 4), (32, 1, 1), (10,)]


def _outputs(network, x):
    for child in network.children():
        yield (x := child(x))


@pytest.mark.parametrize("name", ["mb4", "mb0_k3", "mb4_k4", "conv_k3"])
def test_an_operation_has_a_name_of_its_form(name):
    with pytest.raises(ValueError, match=f"^an operation is named mb<expansion>_k<odd kernel>, such as mb4_k5, got '{name}'$"):
        parsed(name)


def test_stages_that_differ_in_number_are_told():
    with pytest.raises(ValueError, match="^each stage needs channels, a stride, and layers"):
        replace(DIGITS, strides=(1, 2))
    with pytest.raises(ValueError, match="^each stage needs channels, a stride, and layers"):
        replace(DIGITS, operations=())
