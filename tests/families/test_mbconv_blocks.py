import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.families.mbconv_blocks import MBConv, SqueezeExcite


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
