"""Residual networks whose choice is where they pool, in several copies ([Javan2023], Section 4; see the package)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations, pairwise

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import BlockSpec, Classifier, Conv, GlobalPool, Pool, convolution
from nastoolkit.families import Family
from nastoolkit.families.places import Slot
from nastoolkit.space import Choice, SearchSpace


@dataclass(frozen=True, kw_only=True)
class PoolingTable:
    """A residual network, and how many copies of its weights there are.

    Attributes:
        widths: Channels of the stem and of each block after it; they do not depend on where the network pools.
        n_stages: Number of resolutions, each half of the one before.
        n_copies: Number of copies of all weights.

    Raises:
        ValueError: There are more resolutions than units, more copies than configurations, or too few pixels.
    """

    image_channels: int
    image_size: int
    n_classes: int
    widths: tuple[int, ...]
    n_stages: int = 3
    n_copies: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if not 1 <= self.n_stages <= len(self.widths):
            raise ValueError(f"{len(self.widths)} units cannot have {self.n_stages} resolutions: each has one unit or more")
        if not 1 <= self.n_copies <= len(self.configurations):
            raise ValueError(
                f"{self.n_copies} copies for {len(self.configurations)} configurations: there is one copy or more, and none "
                "without a configuration of its own"
            )
        if self.image_size < 2 ** (self.n_stages - 1):
            raise ValueError(f"{self.image_size} pixels cannot be halved {self.n_stages - 1} times")

    @property
    def configurations(self) -> tuple[str, ...]:
        """Numbers of units at each resolution, such as ``4-3-3``, in ascending order."""
        n = len(self.widths)
        starts = combinations(range(1, n), self.n_stages - 1)
        return tuple("-".join(str(end - start) for start, end in pairwise([0, *places, n])) for places in starts)

    @property
    def default(self) -> str:
        """The configuration with about as many units at each resolution; those of ResNet20 are ``4-3-3``."""
        rest, more = divmod(len(self.widths), self.n_stages)
        return "-".join(str(rest + (stage < more)) for stage in range(self.n_stages))


RESNET20 = PoolingTable(image_channels=3, image_size=32, n_classes=10, widths=(16,) * 4 + (32,) * 3 + (64,) * 3)


class PoolingFamily(Family):
    """The networks; choices ``pooling``, a configuration, and ``copy``, which weights it has.

    A copy is an option without an order, so that a supernet has weights for each; the network is the same with all of them.
    """

    def __init__(self, name: str, table: PoolingTable) -> None:
        self.table = table
        pooling = Choice("pooling", table.configurations, ordered=True, kind="pooling")
        space = SearchSpace([pooling, Choice("copy", tuple(range(table.n_copies)), ordered=False)])
        super().__init__(name, space, tuple(_slots(table)))

    def __reduce__(self) -> tuple[type, tuple[str, PoolingTable]]:
        return type(self), (self.name, self.table)

    @cached_property
    def space(self) -> SearchSpace:
        """See :class:`Family`; the same network with other weights is no twin."""
        return self._choices

    @property
    def largest(self) -> np.ndarray:
        """A genotype ``(d,)``: all configurations have all weights."""
        return self.space.largest


def units_at(configuration: str) -> list[int]:
    """How often the input of each unit has been halved."""
    return [stage for stage, n in enumerate(configuration.split("-")) for _ in range(int(n))]


def _slots(table: PoolingTable) -> list[Slot]:
    """Units in order, a pool before each that may have one."""
    both, last = ("pooling", "copy"), table.widths[-1]
    stem = Conv(table.image_channels, table.widths[0], 3, 1, table.image_size, "relu")
    slots = [Slot("stem", ("copy",), lambda _: stem)]
    for unit, (before, width) in enumerate(pairwise(table.widths), start=1):
        slots.append(Slot(f"pool{unit}", ("pooling",), partial(_pool, before, table.image_size, unit)))
        slots.append(Slot(f"block{unit}", both, partial(_block, before, width, table.image_size, unit)))
    slots.append(Slot("pool", (), lambda: GlobalPool(last, table.image_size // 2 ** (table.n_stages - 1))))
    return [*slots, Slot("classifier", ("copy",), lambda _: Classifier(last, table.n_classes))]


def _pool(channels: int, image_size: int, unit: int, configuration: str) -> BlockSpec | None:
    before, now = units_at(configuration)[unit - 1 : unit + 1]
    return Halving(channels, image_size // 2**before) if now > before else None


def _block(before: int, width: int, image_size: int, unit: int, configuration: str, _copy: int) -> BlockSpec:
    return BasicBlock(before, width, image_size // 2 ** units_at(configuration)[unit])


class Halving(Pool):
    """Maximum over 2x2 pixels."""

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return nn.MaxPool2d(2)


@dataclass(frozen=True)
class BasicBlock:
    """Two 3x3 convolutions added to the input, or to its projection where channels change; then ReLU."""

    in_channels: int
    out_channels: int
    input_size: int

    @property
    def projects(self) -> bool:
        """Whether the shortcut has a 1x1 convolution."""
        return self.in_channels != self.out_channels

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        into, out = self.in_channels, self.out_channels
        return 9 * out * (into + out) + 4 * out + (into * out + 2 * out) * self.projects

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        into, out = self.in_channels, self.out_channels
        return (9 * out * (into + out) + into * out * self.projects) * self.input_size**2

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(channels, height, width)``."""
        return self.in_channels, self.input_size, self.input_size

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return BasicBlockModule(self)


class BasicBlockModule(nn.Module):
    """The module of a :class:`BasicBlock`: children ``body`` and ``shortcut``."""

    def __init__(self, spec: BasicBlock) -> None:
        super().__init__()
        into, out = spec.in_channels, spec.out_channels
        layers = OrderedDict(conv1=convolution(into, out, 3, 1, act="relu"), conv2=convolution(out, out, 3, 1, act="none"))
        self.body = nn.Sequential(layers)
        self.shortcut = convolution(into, out, 1, 1, act="none") if spec.projects else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, in_channels, h, w)`` to ``(n, out_channels, h, w)``."""
        return torch.relu(self.body(x) + self.shortcut(x))
