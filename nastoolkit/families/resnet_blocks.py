"""Block specs of ResNet-D: bottlenecks whose shortcut pools before it projects, and the stem's parts.

[He2016] K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, Figure 5.
[He2019] T. He et al., "Bag of Tricks for Image Classification with Convolutional Neural Networks", CVPR 2019, Section 4.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn

from nastoolkit.blocks import Conv, HiddenChannels, Pool, Residual, convolution, norm_of, output_size


@dataclass(frozen=True)
class Bottleneck:
    """Three convolutions (1x1, 3x3, 1x1) added to the input, or to its pooled projection with ``downsample``; then ReLU."""

    in_channels: int
    mid_channels: int
    out_channels: int
    stride: int
    input_size: int
    downsample: bool = False

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        mid, out = self.mid_channels, self.out_channels
        shortcut = (self.in_channels * out + 2 * out) * self.downsample
        return self.in_channels * mid + 9 * mid**2 + mid * out + 4 * mid + 2 * out + shortcut

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`; the shortcut is projected after pooling."""
        mid, pixels = self.mid_channels, output_size(self.input_size, self.stride) ** 2
        shortcut = self.in_channels * self.out_channels * self.downsample
        return self.in_channels * mid * self.input_size**2 + (9 * mid**2 + mid * self.out_channels + shortcut) * pixels

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.in_channels, self.input_size, self.input_size

    @property
    def hidden_channels(self) -> tuple[HiddenChannels, ...]:
        """Output channels of the first and of the second convolution; a slice takes the same number of both."""
        first = HiddenChannels(("conv2.conv.weight", 1), (("conv1.conv.weight", 0), *norm_of("conv1.bn")))
        second = HiddenChannels(("conv3.conv.weight", 1), (("conv2.conv.weight", 0), *norm_of("conv2.bn")))
        return second, first

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return BottleneckBlock(self)


class BottleneckBlock(nn.Module):
    """The module of a :class:`Bottleneck`: children ``conv1``, ``conv2``, ``conv3`` and ``downsample``."""

    def __init__(self, spec: Bottleneck) -> None:
        super().__init__()
        mid, out = spec.mid_channels, spec.out_channels
        self.conv1 = convolution(spec.in_channels, mid, 1, 1, act="relu")
        self.conv2 = convolution(mid, mid, 3, spec.stride, act="relu")
        self.conv3 = convolution(mid, out, 1, 1, act="none")
        self.downsample = _downsample(spec.in_channels, out, spec.stride) if spec.downsample else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, in_channels, h, w)`` to ``(n, out_channels, ceil(h / stride), ceil(w / stride))``."""
        return torch.relu(self.conv3(self.conv2(self.conv1(x))) + self.downsample(x))


def _downsample(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    """[He2019], ResNet-D: average pooling, so that the 1x1 convolution skips no pixel."""
    layers = OrderedDict(pool=nn.AvgPool2d(stride, ceil_mode=True))
    return nn.Sequential(layers | dict(convolution(in_channels, out_channels, 1, 1, act="none").named_children()))


class ResidualConv(Conv):
    """A convolution whose activated output is added to its input; it keeps channels and pixels."""

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return Residual(OrderedDict(super().build().named_children()))


class MaxPool(Pool):
    """Maximum over 3x3 pixels with stride 2."""

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return nn.MaxPool2d(3, 2, 1)
