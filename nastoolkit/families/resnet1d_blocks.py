"""Blocks of residual networks over time: views of a skeleton, groups of convolutions, attention over channels and frames.

[Xu2018] Y. Xu et al., "Ensemble One-dimensional Convolution Neural Networks for Skeleton-based Action Recognition", IEEE
Signal Processing Letters 2018, arXiv 1801.02475.

Differs from the paper in: kernels are odd; the first convolution is normalised, and blocks that attend have the same order of
layers as the others; weights of channels and of frames are multiplied by their number, so that their mean is 1. The released
code applies the softmax of frames to an axis of size 1, where it does nothing; here it goes over time.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from nastoolkit.blocks import output_size

JOINTS, TRANSPOSED, DIFFERENCES = "joints", "transposed", "differences"
VIEWS = (JOINTS, TRANSPOSED, DIFFERENCES)


@dataclass(frozen=True)
class View:
    """What a stream sees of a skeleton: some channels, as they are, with time and channels exchanged, or as differences."""

    kind: str
    picked: tuple[int, ...]
    channels: int
    length: int
    params: ClassVar[int] = 0
    macs: ClassVar[int] = 0

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, 1, length)``."""
        return self.channels, 1, self.length

    @property
    def output(self) -> tuple[int, int]:
        """Channels and length after it."""
        seen = (len(self.picked), self.length)
        return seen[::-1] if self.kind == TRANSPOSED else seen

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return Viewed(self)


class Viewed(nn.Module):
    """The module of a :class:`View`."""

    def __init__(self, view: View) -> None:
        super().__init__()
        self.kind, self.picked = view.kind, list(view.picked)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, 1, length)`` to what the stream sees; the first difference is 0."""
        x = x[:, self.picked]
        if self.kind == TRANSPOSED:
            return x.transpose(1, 3)
        return torch.diff(x, dim=3, prepend=x[..., :1]) if self.kind == DIFFERENCES else x


@dataclass(frozen=True)
class ChannelGate:
    """Attention to a frame's channels: two layers and a softmax over channels weight the inputs."""

    channels: int
    length: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 4 * self.channels**2 + 3 * self.channels

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 4 * self.channels**2 * self.length

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, 1, length)``."""
        return self.channels, 1, self.length

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return Attention(self.channels, self.channels, 1, bias=True)


class Attention(nn.Module):
    """Multiplies ``(n, channels, 1, length)`` by weights from two layers at each frame.

    Args:
        channels: Channels of the inputs.
        n_weights: Weights of a frame: one for each channel, or a single one.
        axis: Axis over which the weights' softmax goes: 1 for channels, 3 for time.
        bias: Whether the last layer has a bias; over time it would change nothing.
    """

    def __init__(self, channels: int, n_weights: int, axis: int, bias: bool) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, 2 * channels, 1), nn.Conv2d(2 * channels, n_weights, 1, bias=bias)
        self.axis = axis

    def weights(self, x: torch.Tensor) -> torch.Tensor:
        """Weights ``(n, n_weights, 1, length)`` that sum to 1 over the axis."""
        hidden = self.reduce(x)
        return self.expand(torch.tanh(hidden) if self.axis == 1 else torch.relu(hidden)).softmax(self.axis)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, 1, length)`` to the same shape."""
        weights = self.weights(x)
        return x * weights * weights.shape[self.axis]


@dataclass(frozen=True)
class ResidualGroup:
    """Convolutions over time that are added to their input, or to its projection; with ``attends``, frames are weighted."""

    in_channels: int
    out_channels: int
    kernel: int
    stride: int
    length: int
    n_layers: int
    dropout: float
    attends: bool

    @property
    def projects(self) -> bool:
        """Whether the input needs a convolution to have the shape of the output."""
        return self.stride > 1 or self.in_channels != self.out_channels

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        out = self.out_channels
        attention = (2 * out**2 + 4 * out) * self.attends
        return self._weights + 2 * out * self.n_layers + self.in_channels * out * self.projects + attention

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        out = self.out_channels
        each_frame = self._weights + self.in_channels * out * self.projects + (2 * out**2 + 2 * out) * self.attends
        return each_frame * output_size(self.length, self.stride)

    @property
    def _weights(self) -> int:
        """Weights of the convolutions over time."""
        return (self.in_channels + (self.n_layers - 1) * self.out_channels) * self.out_channels * self.kernel

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(in_channels, 1, length)``."""
        return self.in_channels, 1, self.length

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return Residual1d(self)


class Residual1d(nn.Module):
    """The module of a :class:`ResidualGroup`: children ``layers``, ``shortcut`` and ``attention``."""

    def __init__(self, group: ResidualGroup) -> None:
        super().__init__()
        out = group.out_channels
        sizes = [(group.in_channels, group.stride)] + [(out, 1)] * (group.n_layers - 1)
        layers = (_layer(channels, out, group.kernel, stride, group.dropout) for channels, stride in sizes)
        self.layers = nn.Sequential(*layers)
        projection = nn.Conv2d(group.in_channels, out, 1, (1, group.stride), bias=False) if group.projects else None
        self.shortcut = projection or nn.Identity()
        self.attention = Attention(out, 1, 3, bias=False) if group.attends else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, in_channels, 1, length)`` to ``(n, out_channels, 1, ceil(length / stride))``."""
        return self.attention(self.layers(x) + self.shortcut(x))


def _layer(in_channels: int, out_channels: int, kernel: int, stride: int, dropout: float) -> nn.Module:
    convolution = nn.Conv2d(in_channels, out_channels, (1, kernel), (1, stride), (0, kernel // 2), bias=False)
    return nn.Sequential(
        OrderedDict(conv=convolution, bn=nn.BatchNorm2d(out_channels), act=nn.ReLU(), dropout=nn.Dropout(dropout))
    )


@dataclass(frozen=True)
class TimePool:
    """Batch normalisation, ReLU, and the mean over time."""

    channels: int
    length: int
    macs: ClassVar[int] = 0

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 2 * self.channels

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, 1, length)``."""
        return self.channels, 1, self.length

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return nn.Sequential(OrderedDict(bn=nn.BatchNorm2d(self.channels), act=nn.ReLU(), pool=nn.AdaptiveAvgPool2d(1)))
