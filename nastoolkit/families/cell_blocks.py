"""Block specs of cells: operations that keep channels and pixels, and the blocks between cells.

[Dong2020] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
[He2016] K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, Figure 2.
[Liu2019] H. Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019, Section 3.1.1.
[Zela2020] A. Zela et al., "Understanding and Robustifying Differentiable Architecture Search", ICLR 2020, Section 3.

Differs from the papers in: separable convolutions have learnt scales of batch normalisation, in a search too. Else nothing;
the order of layers follows the released code.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import nn

from nastoolkit.blocks import Conv, Pool, output_size


class Zeros(nn.Module):
    """The module of :class:`Zero`."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Zeros of the same shape."""
        return torch.zeros_like(x)


class Zero(Pool):
    """An operation that returns zeros."""

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return Zeros()


class Skip(Pool):
    """An operation that returns its input."""

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return nn.Identity()


class AvgPool(Pool):
    """Mean over 3x3 pixels, counting only pixels inside the image."""

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


class NoiseLike(nn.Module):
    """The module of a :class:`Noise`."""

    always_draws = True  # see :func:`nastoolkit.randomness.repeatable`

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normally distributed numbers of the same shape, new ones at every call."""
        return torch.randn_like(x)


class Noise(Pool):
    """Nothing comes through but random numbers, while trained and later on: it can only harm ([Zela2020], space S4)."""

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return NoiseLike()


class ReluConv(Conv):
    """ReLU, convolution and batch normalisation, in this order."""

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return nn.Sequential(OrderedDict(relu=nn.ReLU()) | dict(super().build().named_children()))


@dataclass(frozen=True)
class SepConv:
    """A separable convolution, twice: ReLU, k x k for each channel, 1x1 across channels, batch normalisation ([Liu2019])."""

    channels: int
    kernel: int
    input_size: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 2 * (self.channels * self.kernel**2 + self.channels**2 + 2 * self.channels)

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 2 * (self.channels * self.kernel**2 + self.channels**2) * self.input_size**2

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.channels, self.input_size, self.input_size

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        channels, kernel, layers = self.channels, self.kernel, OrderedDict[str, nn.Module]()
        for turn in (1, 2):
            layers[f"relu{turn}"] = nn.ReLU()
            layers[f"depthwise{turn}"] = nn.Conv2d(channels, channels, kernel, 1, kernel // 2, groups=channels, bias=False)
            layers[f"pointwise{turn}"] = nn.Conv2d(channels, channels, 1, bias=False)
            layers[f"bn{turn}"] = nn.BatchNorm2d(channels)
        return nn.Sequential(layers)


@dataclass(frozen=True)
class Reduction:
    """A residual block with twice the channels and half the pixels; its shortcut pools, then projects without normalising."""

    channels: int
    input_size: int

    @property
    def _convs(self) -> tuple[ReluConv, ReluConv]:
        wide, half = 2 * self.channels, output_size(self.input_size, 2)
        return ReluConv(self.channels, wide, 3, 2, self.input_size, "none"), ReluConv(wide, wide, 3, 1, half, "none")

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return sum(conv.params for conv in self._convs) + 2 * self.channels**2

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`; the shortcut is projected after pooling."""
        return sum(conv.macs for conv in self._convs) + 2 * self.channels**2 * output_size(self.input_size, 2) ** 2

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.channels, self.input_size, self.input_size

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return ReductionBlock(self)


class ReductionBlock(nn.Module):
    """The module of a :class:`Reduction`: children ``conv1``, ``conv2`` and ``shortcut``."""

    def __init__(self, spec: Reduction) -> None:
        super().__init__()
        self.conv1, self.conv2 = (conv.build() for conv in spec._convs)
        project = nn.Conv2d(spec.channels, 2 * spec.channels, 1, bias=False)
        self.shortcut = nn.Sequential(OrderedDict(pool=nn.AvgPool2d(2, ceil_mode=True), conv=project))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, h, w)`` to ``(n, 2 channels, ceil(h / 2), ceil(w / 2))``."""
        return self.conv2(self.conv1(x)) + self.shortcut(x)


class NormRelu(Pool):
    """Batch normalisation and ReLU."""

    @property
    def params(self) -> int:  # type: ignore[override]
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 2 * self.channels

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return nn.Sequential(OrderedDict(bn=nn.BatchNorm2d(self.channels), relu=nn.ReLU()))
