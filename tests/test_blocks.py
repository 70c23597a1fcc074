from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nastoolkit.blocks import (
    ACTIVATIONS,
    Classifier,
    Conv,
    GlobalPool,
    MBConv,
    SqueezeExcite,
    describe_block,
    make_divisible,
    output_size,
)

CHANNELS, KERNELS, STRIDES, SIZES = st.integers(1, 40), st.sampled_from([1, 3, 5, 7]), st.integers(1, 3), st.integers(1, 20)
ACTS = st.sampled_from(sorted(ACTIVATIONS))
CONVS = st.builds(Conv, CHANNELS, CHANNELS, KERNELS, STRIDES, SIZES, ACTS, norm=st.booleans())


@st.composite
def mbconvs(draw):
    narrow, expand = draw(CHANNELS), draw(st.booleans())
    wide = draw(st.integers(narrow, 6 * narrow)) if expand else narrow
    same, squeeze = draw(st.booleans()), draw(st.booleans())
    out = narrow if same else draw(CHANNELS)
    return MBConv(narrow, wide, out, draw(KERNELS), draw(STRIDES), draw(SIZES), draw(ACTS), squeeze, expand)


SPECS = CONVS | mbconvs() | st.builds(GlobalPool, CHANNELS, SIZES) | st.builds(Classifier, CHANNELS, CHANNELS)


@pytest.mark.parametrize(
    ("value", "divisor", "rounded"),
    [(3, 8, 8), (8, 8, 8), (8.8, 8, 8), (11, 8, 16), (12, 8, 16), (19.2, 8, 24), (28.8, 8, 32), (134.4, 8, 136), (5, 4, 8)],
)
def test_channels_are_rounded_as_mobilenet_v2_does(value, divisor, rounded):
    assert make_divisible(value, divisor) == rounded


@given(st.floats(1, 5000), st.integers(1, 16))
def test_rounding_takes_away_a_tenth_at_most(value, divisor):
    rounded = make_divisible(value, divisor)
    assert rounded % divisor == 0 and 0.9 * value <= rounded <= value + divisor


@given(SPECS)
def test_counts_are_those_of_the_built_block(spec):
    with torch.device("meta"):
        block = spec.build().eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            block(torch.empty(1, *spec.input_shape))
    assert spec.params == sum(parameter.numel() for parameter in block.parameters())
    assert spec.macs == counter.get_total_flops() / 2
    assert spec == type(spec)(**vars(spec)) and hash(spec) == hash(type(spec)(**vars(spec)))


@given(CONVS | mbconvs())
def test_convolutions_give_the_channels_and_pixels_they_say(spec):
    size = output_size(spec.input_size, spec.stride)
    with torch.device("meta"):
        outputs = spec.build().eval()(torch.empty(2, *spec.input_shape))
    assert outputs.shape == (2, spec.out_channels, size, size)


def test_pool_and_classifier():
    x = torch.randn(2, 5, 3, 3)
    pooled = GlobalPool(5, 3).build()(x)
    torch.testing.assert_close(pooled, x.mean((2, 3), keepdim=True))
    classifier = Classifier(5, 7).build()
    weight, bias = classifier.parameters()
    torch.testing.assert_close(classifier(pooled), pooled[:, :, 0, 0] @ weight.T + bias)


@pytest.mark.parametrize(
    ("out_channels", "stride", "residual"), [(16, 1, True), (16, 2, False), (24, 1, False)], ids=["same", "smaller", "wider"]
)
def test_the_input_is_added_where_shapes_agree(out_channels, stride, residual):
    spec = MBConv(16, 32, out_channels, 3, stride, 8, "relu", squeeze_excite=True)
    block = spec.build().eval()
    nn.init.zeros_(block.project.bn.weight)
    x = torch.randn(2, 16, 8, 8)
    assert spec.residual is residual
    outputs = block(x)
    assert torch.equal(outputs, x if residual else torch.zeros_like(outputs))


@pytest.mark.parametrize(("mid", "hidden"), [(72, 24), (120, 32), (480, 120), (672, 168), (960, 240)])
def test_squeeze_excite_is_as_wide_as_in_mobilenet_v3_large(mid, hidden):
    # [Howard2019], Table 1: the widths of the released MobileNetV3-Large.
    spec = MBConv(40, mid, 40, 5, 1, 14, "relu", squeeze_excite=True)
    assert spec.hidden == hidden == spec.build().excite.reduce.out_channels
    assert MBConv(40, mid, 40, 5, 1, 14, "relu", squeeze_excite=False).hidden == 0


def test_squeeze_excite_weighs_channels_by_their_means():
    layer, x = SqueezeExcite(4, 3), torch.randn(2, 4, 5, 5)
    weights = [tensor.detach().numpy().squeeze() for tensor in layer.parameters()]
    hidden = np.maximum(x.numpy().mean((2, 3)) @ weights[0].T + weights[1], 0)
    scale = np.clip((hidden @ weights[2].T + weights[3]) / 6 + 0.5, 0, 1)
    np.testing.assert_allclose(layer(x).detach().numpy(), x.numpy() * scale[:, :, None, None], rtol=1e-5, atol=1e-6)


def test_layers_follow_the_paper():
    block = MBConv(16, 64, 24, 5, 2, 8, "h_swish", squeeze_excite=True).build()
    assert list(dict(block.named_children())) == ["expand", "depthwise", "excite", "project"]
    assert list(dict(block.expand.named_children())) == list(dict(block.depthwise.named_children())) == ["conv", "bn", "act"]
    assert list(dict(block.project.named_children())) == ["conv", "bn"]
    assert block.depthwise.conv.groups == 64 and block.depthwise.conv.stride == (2, 2)
    assert isinstance(block.depthwise.act, nn.Hardswish) and block.project.conv.bias is None
    assert "expand" not in dict(MBConv(16, 16, 16, 3, 1, 8, "relu", False, expand=False).build().named_children())


@pytest.mark.parametrize(
    "spec", [Conv(3, 8, 3, 2, 9, "relu"), MBConv(8, 16, 8, 3, 1, 9, "relu", False)], ids=["conv", "mbconv"]
)
def test_the_eps_of_batch_normalisation_changes_the_block_but_no_cost(spec):
    changed = replace(spec, eps=1e-3)
    for block, eps in ((spec.build(), 1e-5), (changed.build(), 1e-3)):
        assert {module.eps for module in block.modules() if isinstance(module, nn.BatchNorm2d)} == {eps}
    assert changed != spec and repr(changed) == repr(spec)
    assert (changed.params, changed.macs) == (spec.params, spec.macs)


def test_a_block_in_a_few_signs():
    specs = [MBConv(24, 96, 32, 5, 1, 8, "relu", True), Conv(1, 8, 3, 2, 32, "relu"), GlobalPool(160, 4), Classifier(192, 10)]
    described = ["MBConv 5x5, 24-96-32", "Conv 3x3, 1-8", "GlobalPool, 160", "Classifier, 192-10"]
    assert [describe_block(spec) for spec in specs] == described
