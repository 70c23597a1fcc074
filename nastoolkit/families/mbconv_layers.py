"""Chains of mobile inverted bottlenecks in which every layer chooses an operation, with weights of its own for each.

[Li2020] C. Li et al., "Block-wisely Supervised Neural Architecture Search with Knowledge Distillation", CVPR 2020,
arXiv 1911.13053: stages of such layers, whose outputs have a teacher's channels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from nastoolkit.blocks import BlockSpec, Classifier, Conv, GlobalPool, output_size
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.mbconv_blocks import MBConv
from nastoolkit.space import Choice, SearchSpace

OPERATION = re.compile(r"mb([1-9]\d*)_k([1-9]\d*)")


def parsed(operation: str) -> tuple[int, int]:
    """Expansion and kernel of an operation, such as 4 and 5 of ``mb4_k5``.

    Raises:
        ValueError: It is no such name, or the kernel is even.
    """
    found = OPERATION.fullmatch(operation)
    if found is None or int(found[2]) % 2 == 0:
        raise ValueError(f"an operation is named mb<expansion>_k<odd kernel>, such as mb4_k5, got {operation!r}")
    return int(found[1]), int(found[2])


@dataclass(frozen=True, kw_only=True)
class LayersTable:
    """Stages of layers.

    Attributes:
        stem: Channels of the first convolution, 3x3.
        stem_stride: Its stride.
        channels: Output channels of each stage, and of all of its layers.
        strides: Stride of each stage's first layer.
        n_layers: Number of layers of each stage.
        operations: Names such as ``mb4_k5`` from which a layer chooses.
        squeeze_excite: Whether layers have channel attention.

    Raises:
        ValueError: Stages differ in number, there is none, or an operation is no such name.
    """

    image_channels: int
    image_size: int
    n_classes: int
    stem: int
    stem_stride: int
    channels: tuple[int, ...]
    strides: tuple[int, ...]
    n_layers: tuple[int, ...]
    operations: tuple[str, ...]
    act: str = "relu"
    squeeze_excite: bool = False

    def __post_init__(self) -> None:
        lengths = [len(each) for each in (self.channels, self.strides, self.n_layers)]
        if len(set(lengths)) > 1 or not min(*lengths, len(self.operations), *self.n_layers):
            given = f"channels {self.channels}, strides {self.strides}, layers {self.n_layers}, operations {self.operations}"
            raise ValueError(f"each stage needs channels, a stride, and layers with operations to choose from, got {given}")
        for operation in self.operations:
            parsed(operation)

    @property
    def by_cost(self) -> tuple[str, ...]:
        """The operations, those with few MACs first."""
        return tuple(sorted(self.operations, key=parsed))


DIGITS = LayersTable(
    image_channels=1,
    image_size=16,
    n_classes=10,
    stem=8,
    stem_stride=2,
    channels=(8, 16, 32),
    strides=(1, 2, 2),
    n_layers=(3, 3, 3),
    operations=("mb1_k3", "mb1_k5", "mb4_k3", "mb4_k5"),
)


class MBConvLayersFamily(Family):
    """The networks of a table. The choices ``stage{s}.layer{l}`` give an operation to each layer.

    Args:
        name: Key in ``FAMILIES``.
        table: Stages and operations.
    """

    def __init__(self, name: str, table: LayersTable) -> None:
        self.table = table
        slots = _slots(table)
        space = SearchSpace(
            Choice(slot.name, table.by_cost, kind="operation", ordered=False) for slot in slots if slot.choices
        )
        super().__init__(name, space, tuple(slots))

    def __reduce__(self) -> tuple[type, tuple[str, LayersTable]]:
        return type(self), (self.name, self.table)

    @property
    def largest(self) -> np.ndarray:
        """The genotype ``(d,)`` with the largest expansion, and of these the largest kernel, in every layer."""
        return self.space.largest


def _slots(table: LayersTable) -> list[Slot]:
    stem = Conv(table.image_channels, table.stem, 3, table.stem_stride, table.image_size, table.act)
    slots = [Slot("stem", (), lambda: stem)]
    before, size = table.stem, output_size(table.image_size, table.stem_stride)
    for stage, (channels, stride, n) in enumerate(zip(table.channels, table.strides, table.n_layers, strict=True), start=1):
        for layer in range(1, n + 1):
            slots.append(_layer(table, f"stage{stage}.layer{layer}", before, channels, stride if layer == 1 else 1, size))
            before, size = channels, output_size(size, stride) if layer == 1 else size
    head: dict[str, BlockSpec] = {"pool": GlobalPool(before, size), "classifier": Classifier(before, table.n_classes)}
    return slots + [Slot("pool", (), lambda: head["pool"]), Slot("classifier", (), lambda: head["classifier"])]


def _layer(table: LayersTable, name: str, before: int, channels: int, stride: int, size: int) -> Slot:
    def spec(operation: str) -> MBConv:
        expansion, kernel = parsed(operation)
        how = {"squeeze_excite": table.squeeze_excite, "expand": expansion > 1}
        return MBConv(before, before * expansion, channels, kernel, stride, size, table.act, **how)

    return Slot(name, (name,), spec)
