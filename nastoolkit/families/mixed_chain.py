"""Chains of HR-NAS's blocks, which have depthwise convolutions of several kernels side by side: networks without choices.

[Ding2021] M. Ding et al., "HR-NAS: Searching Efficient High-Resolution Neural Architectures with Lightweight Transformers",
CVPR 2021, Section 3.2; a search unit is one channel of a depthwise convolution.

Differs from the paper in: one branch of one resolution, without transformers beside the convolutions.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import BlockSpec, Classifier, Conv, GlobalPool, Residual, convolution, output_size
from nastoolkit.families.base import Family, Slot
from nastoolkit.space import SearchSpace
from nastoolkit.support.counts import whole


class SideBySide(nn.ModuleList):
    """Depthwise convolutions that each take their own channels of the input; their outputs follow each other.

    Args:
        kernels: Kernel and number of channels of each.
        stride: Stride of all.
    """

    def __init__(self, kernels: Sequence[tuple[int, int]], stride: int) -> None:
        super().__init__(nn.Conv2d(n, n, k, stride, k // 2, groups=n, bias=False) for k, n in kernels)
        self.sizes = [n for _, n in kernels]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, h, w)`` to as many channels."""
        return torch.cat([layer(part) for layer, part in zip(self, x.split(self.sizes, 1), strict=True)], 1)


@dataclass(frozen=True)
class MixedConv:
    """Expand (1x1), depthwise convolutions of several kernels side by side, project (1x1), and a skip where shapes agree.

    Attributes:
        kernels: Kernel and number of channels of each depthwise convolution.
    """

    in_channels: int
    kernels: tuple[tuple[int, int], ...]
    out_channels: int
    stride: int
    input_size: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        ends = self.in_channels + self.out_channels
        return sum(n * (ends + 4 + kernel**2) for kernel, n in self.kernels) + 2 * self.out_channels

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return int(self.unit_macs.sum())

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.in_channels, self.input_size, self.input_size

    @property
    def unit_macs(self) -> np.ndarray:
        """MACs ``(n_units,)`` of each channel, with its parts of the other two convolutions; their sum is the block's."""
        before, after = self.input_size**2, output_size(self.input_size, self.stride) ** 2
        areas = np.concatenate([np.full(n, kernel**2) for kernel, n in self.kernels])
        return self.in_channels * before + (areas + self.out_channels) * after

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        n_units = sum(n for _, n in self.kernels)
        layers = OrderedDict[str, nn.Module](expand=convolution(self.in_channels, n_units, 1, 1, act="relu"))
        layers |= OrderedDict(depthwise=SideBySide(self.kernels, self.stride), bn=nn.BatchNorm2d(n_units), act=nn.ReLU())
        layers["project"] = convolution(n_units, self.out_channels, 1, 1, act="none")
        is_residual = self.stride == 1 and self.in_channels == self.out_channels
        return (Residual if is_residual else nn.Sequential)(layers)


class MixedChain(Family):
    """A convolution, blocks, and a classifier; all of it is one network, so genotypes are empty.

    Args:
        image: Channels of images, and their height and width.
        n_classes: Number of classes.
        blocks: Output channels and stride of the first convolution, whose kernel is 3, and of each block.
        kernels: Kernels of each block.
        expansion: Units of a block for each of its input channels, shared out evenly among its kernels.

    Raises:
        ValueError: There is no block, or a number is below 1.
    """

    def __init__(
        self, image: Sequence[int], n_classes: int, blocks: Sequence[Sequence[int]], kernels: Sequence[int], expansion: int
    ) -> None:
        if len(blocks) < 2 or any(len(block) != 2 for block in blocks):
            raise ValueError(f"blocks are channels and stride of a first convolution and of one block or more, got {blocks}")
        self._arguments = (image, n_classes, blocks, kernels, expansion)
        (channels, size), (stem, *others) = image, [[whole("blocks", number) for number in block] for block in blocks]
        specs: dict[str, BlockSpec] = {"stem": Conv(channels, stem[0], 3, stem[1], size, "relu")}
        channels, size = stem[0], output_size(size, stem[1])
        for number, (wide, stride) in enumerate(others, 1):
            n = max(1, whole("expansion", expansion) * channels // len(kernels))
            specs[f"block{number}"] = MixedConv(channels, tuple((kernel, n) for kernel in kernels), wide, stride, size)
            channels, size = wide, output_size(size, stride)
        specs |= {"pool": GlobalPool(channels, size), "classifier": Classifier(channels, n_classes)}
        super().__init__("mixed-chain", SearchSpace([]), tuple(_fixed(name, spec) for name, spec in specs.items()))

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return MixedChain, self._arguments


def _fixed(name: str, spec: BlockSpec) -> Slot:
    return Slot(name, (), lambda: spec)
