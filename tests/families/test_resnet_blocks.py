import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nastoolkit.blocks import output_size
from nastoolkit.families.resnet_blocks import Bottleneck, MaxPool, ResidualConv

CHANNELS, SIZES = st.integers(1, 40), st.integers(1, 20)


@st.composite
def bottlenecks(draw):
    downsample = draw(st.booleans())
    narrow = draw(CHANNELS)
    wide, stride = (draw(CHANNELS), draw(st.integers(1, 3))) if downsample else (narrow, 1)
    return Bottleneck(narrow, draw(CHANNELS), wide, stride, draw(SIZES), downsample)


@given(bottlenecks())
def test_counts_and_shapes_are_those_of_the_built_block(spec):
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        block = spec.build().eval()
        outputs = block(torch.empty(2, *spec.input_shape))
    size = output_size(spec.input_size, spec.stride)
    assert outputs.shape == (2, spec.out_channels, size, size)
    assert spec.params == sum(parameter.numel() for parameter in block.parameters())
    assert 2 * spec.macs == counter.get_total_flops() / 2


def test_without_its_last_layer_a_bottleneck_is_its_shortcut():
    x = torch.randn(2, 8, 5, 5)
    plain = Bottleneck(8, 4, 8, 1, 5).build().eval()
    smaller = Bottleneck(8, 4, 8, 2, 5, downsample=True).build().eval()
    for block in (plain, smaller):
        nn.init.zeros_(block.conv3.bn.weight)
    assert torch.equal(plain(x), torch.relu(x))
    nn.init.dirac_(smaller.downsample.conv.weight)
    means = [[x[:, :, i : i + 2, j : j + 2].mean((2, 3)) for j in (0, 2, 4)] for i in (0, 2, 4)]
    expected = torch.stack([torch.stack(row, -1) for row in means], -2)
    torch.testing.assert_close(smaller(x), torch.relu(expected) / (1 + 1e-5) ** 0.5)


def test_the_stem_adds_what_its_second_convolution_found():
    spec, x = ResidualConv(4, 4, 3, 1, 5, "relu"), torch.randn(2, 4, 5, 5)
    layer = spec.build().eval()
    assert list(dict(layer.named_children())) == ["conv", "bn", "act"]
    torch.testing.assert_close(layer(x), x + layer.act(layer.bn(layer.conv(x))))
    assert "ResidualConv" in repr(spec) and sum(p.numel() for p in layer.parameters()) == spec.params


def test_the_pool_takes_the_largest_of_nine():
    x = torch.randn(1, 2, 5, 5)
    pooled = MaxPool(2, 5).build()(x)
    assert pooled.shape == (1, 2, 3, 3) and torch.equal(pooled[:, :, 1, 1], x[:, :, 1:4, 1:4].amax((2, 3)))
