"""Search spaces as released, what the skip of a spatial reduction is, and tables that cannot be."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from nastoolkit.blocks import HiddenChannels
from nastoolkit.families import FAMILIES
from nastoolkit.families.multi_stage_blocks import SpatialReduction
from nastoolkit.families.multi_stage_vit import DIGITS, SMALL, TINY, MultiStageViTFamily


def test_options_are_those_of_the_released_spaces():
    assert [stage.dims for stage in TINY.stages] == [
        (256, 224, 192, 176, 160),
        (512, 448, 384, 352, 320),
        (1024, 896, 768, 704, 640),
    ]
    assert TINY.stages[1].ffn == (1536, 1408, 1280, 1152, 1024, 896, 768)
    assert [stage.head_dim * heads for stage in TINY.stages for heads in stage.heads[::3]] == [192, 96, 576, 288, 768, 384]
    assert [stage.dims for stage in SMALL.stages[::2]] == [(320, 280, 240, 220, 200), (1280, 1120, 960, 880, 800)]
    assert SMALL.stages[0].ffn == (960, 880, 800, 720, 640, 560, 480)
    assert [stage.head_dim * stage.heads[-1] for stage in SMALL.stages] == [160, 480, 640]


def test_the_number_of_sub_networks():
    # In each stage 5 widths; 3 layers of 4 x 7 options; 3 that have as many or are not there. With 7 layers, one more.
    assert FAMILIES["vit-resnas-tiny"]().space.size == (5 * 28**3 * 29**3) ** 3
    assert FAMILIES["vit-resnas-small"]().space.size == (5 * 28**4 * 29**3) ** 3


def test_every_second_layer_may_go():
    family = FAMILIES["digits-multi-stage-vit"]()
    assert [name for name, _ in family.plan(family.space.smallest)] == [
        *("patches", "stage1.layer1", "stage2.reduction", "stage2.layer1", "stage3.reduction", "stage3.layer1", "classifier"),
    ]
    lengths = {name: spec.input_shape[0] for name, spec in family.plan(family.space.largest) if ".layer2" in name}
    assert list(lengths.values()) == [17, 5, 2]


@torch.no_grad()
def test_the_skip_is_pooled_patches_with_zeros_for_new_channels():
    block = SpatialReduction(3, 5, 2).build()
    for weight in block.parameters():
        weight.zero_()
    x = torch.randn(2, 17, 3)
    image = x[:, 1:].reshape(2, 4, 4, 3)
    pooled = (image[:, ::2, ::2] + image[:, 1::2, ::2] + image[:, ::2, 1::2] + image[:, 1::2, 1::2]) / 4
    wanted = functional.pad(torch.cat([x[:, :1], pooled.reshape(2, 4, 3)], dim=1), (0, 2))
    torch.testing.assert_close(block(x), wanted)
    block.has_skip = False
    assert not block(x).any()


@torch.no_grad()
def test_what_a_reduction_computes_is_a_convolution_of_normalised_patches():
    block = SpatialReduction(3, 5, 2, has_skip=False).build()
    block.positions.normal_()
    x = torch.randn(2, 17, 3)
    normed = functional.layer_norm(x, (3,), eps=1e-6)
    image = functional.pad(normed[:, 1:].reshape(2, 4, 4, 3), (0, 0, 1, 1, 1, 1))
    corner = torch.einsum("nhwi,oihw->no", image[:, 2:5, 2:5], block.conv.weight) + block.conv.bias + block.positions[3]
    torch.testing.assert_close(block(x)[:, 4], corner)
    torch.testing.assert_close(block(x)[:, 0], normed[:, 0] @ block.token.weight.T + block.token.bias)


def test_a_layer_knows_its_heads_as_groups():
    family = FAMILIES["digits-multi-stage-vit"]()
    layer = dict(family.plan(family.space.largest))["stage2.layer1"]
    units, heads = layer.hidden_channels
    assert units == HiddenChannels(("ffn.project.weight", 1), (("ffn.expand.weight", 0), ("ffn.expand.bias", 0)))
    assert heads.group == 16 and heads.ranked_by == ("attention.output.weight", 1) and len(heads.others) == 6


def test_the_skip_and_more_layers_are_values_of_the_table():
    deep = replace(DIGITS, stages=tuple(replace(stage, n_layers=4) for stage in DIGITS.stages))
    one, other = MultiStageViTFamily("deep", deep), MultiStageViTFamily("plain", replace(DIGITS, has_skip=False))
    largest = one.space.largest
    assert sum(".layer" in name for name, _ in one.plan(largest)) == 12
    np.testing.assert_array_equal(other.macs(other.largest), FAMILIES["digits-multi-stage-vit"]().macs(other.largest))
    assert one.fingerprint != other.fingerprint != FAMILIES["digits-multi-stage-vit"]().fingerprint


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"image_size": 30}, "30 pixels in patches of 8 do not divide, and then 2 times in halves"),
        ({"image_size": 48}, "48 pixels in patches of 8 do not divide, and then 2 times in halves"),
        ({"stages": DIGITS.stages[::-1]}, "channels never shrink between stages, got (96, 80, 64) and then (64, 48, 32)"),
    ],
)
def test_tables_that_cannot_be(changed, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        replace(DIGITS, **changed)
    assert str(error.value) == message
