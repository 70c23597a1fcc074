"""Blocks of MobileNets: the inverted bottleneck, and channel attention.

[Howard2019] A. Howard et al., "Searching for MobileNetV3", ICCV 2019.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import torch
from torch import nn

from nastoolkit.blocks import EPS, HiddenChannels, Residual, convolution, make_divisible, norm_of, output_size


class SqueezeExcite(nn.Module):
    """Channel attention of MobileNetV3: mean, two 1x1 convolutions with biases, hard sigmoid ([Howard2019], Section 5.3)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.expand = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, h, w)`` to the same shape."""
        scale = self.expand(torch.relu(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * nn.functional.hardsigmoid(scale)


@dataclass(frozen=True)
class MBConv:
    """Mobile inverted bottleneck: expand (1x1), depthwise (k x k), optional squeeze-excite, project (1x1), optional skip.

    ``mid_channels`` is the width of the depthwise convolution; without ``expand`` it equals ``in_channels``. ``eps`` is as in
    :class:`nastoolkit.blocks.Conv`.
    """

    in_channels: int
    mid_channels: int
    out_channels: int
    kernel: int
    stride: int
    input_size: int
    act: str
    squeeze_excite: bool
    expand: bool = True
    eps: float = field(default=EPS, repr=False)

    @property
    def hidden(self) -> int:
        """Width of the squeeze-excite bottleneck, a quarter of the middle channels; 0 without squeeze-excite."""
        return make_divisible(self.mid_channels // 4) if self.squeeze_excite else 0

    @property
    def residual(self) -> bool:
        """Whether the input is added to the output, which it is if their shapes agree."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def hidden_channels(self) -> tuple[HiddenChannels, ...]:
        """The middle channels, if the block expands to them, and those of squeeze-excite."""
        excite = (("excite.reduce.weight", 1), ("excite.expand.weight", 0), ("excite.expand.bias", 0)) * self.squeeze_excite
        layers = (("expand.conv.weight", 0), ("depthwise.conv.weight", 0), *norm_of("expand.bn"), *norm_of("depthwise.bn"))
        middle = HiddenChannels(("project.conv.weight", 1), layers + excite)
        squeezed = HiddenChannels(("excite.expand.weight", 1), (("excite.reduce.weight", 0), ("excite.reduce.bias", 0)))
        return (middle,) * self.expand + (squeezed,) * self.squeeze_excite

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        mid, out = self.mid_channels, self.out_channels
        expand = (self.in_channels * mid + 2 * mid) * self.expand
        excite = (2 * mid * self.hidden + mid + self.hidden) * self.squeeze_excite
        return expand + mid * self.kernel**2 + 2 * mid + excite + mid * out + 2 * out

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`; squeeze-excite counts at one pixel."""
        mid, pixels = self.mid_channels, output_size(self.input_size, self.stride) ** 2
        expand = self.in_channels * mid * self.input_size**2 * self.expand
        return expand + mid * self.kernel**2 * pixels + 2 * mid * self.hidden + mid * self.out_channels * pixels

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.in_channels, self.input_size, self.input_size

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        mid, act, eps = self.mid_channels, self.act, self.eps
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if self.expand:
            layers["expand"] = convolution(self.in_channels, mid, 1, 1, act=act, eps=eps)
        layers["depthwise"] = convolution(mid, mid, self.kernel, self.stride, act=act, depthwise=True, eps=eps)
        if self.squeeze_excite:
            layers["excite"] = SqueezeExcite(mid, self.hidden)
        layers["project"] = convolution(mid, self.out_channels, 1, 1, act="none", eps=eps)
        return Residual(layers) if self.residual else nn.Sequential(layers)
