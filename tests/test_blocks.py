from dataclasses import replace

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
    describe_block,
    make_divisible,
    output_size,
)
from nastoolkit.families.mbconv_blocks import MBConv

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
