"""Blocks of networks over time: convolutions of frames ``(n, channels, 1, length)``, and pooling by attention.

[Desplanques2020] B. Desplanques et al., "ECAPA-TDNN: Emphasized Channel Attention, Propagation and Aggregation in TDNN Based
Speaker Verification", Interspeech 2020, Section 3.
[Gao2019] S.-H. Gao et al., "Res2Net: A New Multi-scale Backbone Architecture", TPAMI 2019: groups that add up.
[Okabe2018] K. Okabe et al., "Attentive Statistics Pooling for Deep Speaker Embedding", Interspeech 2018.

Differs from the papers in: only the order of channels. The channels of a layer's groups alternate, so that the first channels
of a layer are the first ones of each group; the means and deviations of pooling alternate, too. A convolution of several
blocks' outputs is a sum of convolutions, one for each block.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

LEAST_VARIANCE = 1e-9


def time_convolution(in_channels: int, out_channels: int, kernel: int = 1, dilation: int = 1) -> nn.Module:
    """Convolution over time that keeps the length, ReLU and batch normalisation, as children ``conv``, ``act`` and ``bn``."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(conv=_convolution(in_channels, out_channels, kernel, dilation))
    return nn.Sequential(layers | {"act": nn.ReLU(), "bn": nn.BatchNorm2d(out_channels)})


def _convolution(in_channels: int, out_channels: int, kernel: int = 1, dilation: int = 1) -> nn.Conv2d:
    padding, over_time = kernel // 2 * dilation, (1, dilation)
    return nn.Conv2d(in_channels, out_channels, (1, kernel), padding=(0, padding), dilation=over_time, bias=False)


@dataclass(frozen=True)
class TimeConv:
    """A convolution over time with ReLU and batch normalisation."""

    in_channels: int
    out_channels: int
    kernel: int
    length: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.in_channels * self.out_channels * self.kernel + 2 * self.out_channels

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.in_channels * self.out_channels * self.kernel * self.length

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, 1, length)``."""
        return self.in_channels, 1, self.length

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return time_convolution(self.in_channels, self.out_channels, self.kernel)


@dataclass(frozen=True)
class SERes2:
    """A pointwise convolution, groups that each see the one before, a pointwise convolution, and channel attention.

    The last group passes unchanged. ``dilation`` is that of the groups' convolutions.
    """

    channels: int
    mid_channels: int
    kernel: int
    length: int
    groups: int
    dilation: int

    @property
    def hidden(self) -> int:
        """Width of the channel attention's bottleneck."""
        return self.channels // 4

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        width = self.mid_channels // self.groups
        pointwise = 2 * self.channels * self.mid_channels + 2 * (self.channels + self.mid_channels)
        grouped = (self.groups - 1) * (width**2 * self.kernel + 2 * width)
        return pointwise + grouped + 2 * self.channels * self.hidden + self.channels + self.hidden

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`; channel attention counts once."""
        grouped = (self.groups - 1) * (self.mid_channels // self.groups) ** 2 * self.kernel
        each_frame = 2 * self.channels * self.mid_channels + grouped
        return each_frame * self.length + 2 * self.channels * self.hidden

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, 1, length)``."""
        return self.channels, 1, self.length

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["first"] = time_convolution(self.channels, self.mid_channels)
        layers["groups"] = Res2Groups(self.mid_channels // self.groups, self.groups, self.kernel, self.dilation)
        layers["last"] = time_convolution(self.mid_channels, self.channels)
        layers["excite"] = ChannelAttention(self.channels, self.hidden)
        return nn.Sequential(layers)


class Res2Groups(nn.Sequential):
    """Groups of channels: the output of a convolution is added to the input of the next one ([Gao2019])."""

    def __init__(self, width: int, n_groups: int, kernel: int, dilation: int) -> None:
        super().__init__(*(time_convolution(width, width, kernel, dilation) for _ in range(n_groups - 1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, 1, length)`` to the same shape; channel c is in group c modulo the number of groups."""
        *taken, passed = (group.movedim(3, 1) for group in x.movedim(1, 3).unflatten(3, (-1, len(self) + 1)).unbind(4))
        outputs = [self[0](taken[0])]
        for convolution, group in zip(list(self)[1:], taken[1:], strict=True):
            outputs.append(convolution(group + outputs[-1]))
        last = [group.movedim(1, 3) for group in (*outputs, passed)]  # channels last in memory, which is faster
        return torch.stack(last, dim=4).flatten(3, 4).movedim(3, 1)


class ChannelAttention(nn.Module):
    """Mean over time, two linear layers, a sigmoid for each channel."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Linear(channels, hidden), nn.Linear(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, 1, length)`` to the same shape."""
        scale = torch.sigmoid(self.expand(torch.relu(self.reduce(x.mean((2, 3))))))
        return x * scale[:, :, None, None]


@dataclass(frozen=True)
class Aggregation:
    """A convolution of the concatenated outputs of all blocks to more channels, and ReLU."""

    in_channels: int
    out_channels: int
    n_blocks: int
    length: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.n_blocks * self.in_channels * self.out_channels

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.params * self.length

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(n_blocks * in_channels, 1, length)``."""
        return self.n_blocks * self.in_channels, 1, self.length

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return SumOfConvolutions(_convolution(self.in_channels, self.out_channels) for _ in range(self.n_blocks))


class SumOfConvolutions(nn.ModuleList):
    """A convolution for each part of the channels, their sum, and ReLU."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, n_blocks * in_channels, 1, length)`` to ``(n, out_channels, 1, length)``."""
        first, *others = (convolution(part) for convolution, part in zip(self, x.chunk(len(self), 1), strict=True))
        return torch.relu(sum(others, first))


@dataclass(frozen=True)
class AttentivePool:
    """Means and standard deviations over time, weighted for each channel by attention ([Okabe2018])."""

    channels: int
    hidden: int
    length: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 2 * self.channels * self.hidden

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`; the weighted sums do not count."""
        return self.params * self.length

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, 1, length)``."""
        return self.channels, 1, self.length

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return AttentiveStatistics(self.channels, self.hidden)


class AttentiveStatistics(nn.Module):
    """The module of an :class:`AttentivePool`."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.reduce, self.expand = _convolution(channels, hidden), _convolution(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, 1, length)`` to ``(n, 2 * channels)``: the mean and the deviation of each channel, alternating."""
        attention = self.expand(torch.tanh(self.reduce(x))).softmax(dim=3)
        mean = (attention * x).sum((2, 3))
        variance = (attention * x.square()).sum((2, 3)) - mean.square()
        return torch.stack([mean, variance.clamp(min=LEAST_VARIANCE).sqrt()], dim=2).flatten(1)


@dataclass(frozen=True)
class Embedding:
    """A linear layer between two batch normalisations."""

    features: int
    out_features: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 2 * self.features + (self.features + 1) * self.out_features + 2 * self.out_features

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.features * self.out_features

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(features,)``."""
        return (self.features,)

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        norms = {"bn1": nn.BatchNorm1d(self.features), "bn2": nn.BatchNorm1d(self.out_features)}
        return nn.Sequential(
            OrderedDict(bn1=norms["bn1"], linear=nn.Linear(self.features, self.out_features), bn2=norms["bn2"])
        )


@dataclass(frozen=True)
class CosineClassifier:
    """Cosines of the angles between an embedding and the direction of each class."""

    features: int
    n_classes: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.features * self.n_classes

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.features * self.n_classes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(features,)``."""
        return (self.features,)

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return nn.Sequential(OrderedDict(linear=CosineLinear(self.features, self.n_classes, bias=False)))


class CosineLinear(nn.Linear):
    """A linear layer of unit vectors, whose inputs are normalised to unit vectors too."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, features)`` to cosines ``(n, n_classes)``."""
        return functional.linear(functional.normalize(x), functional.normalize(self.weight))
