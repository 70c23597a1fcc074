"""Cells with any operations in the macro skeleton of NAS-Bench-201.

[Dong2020] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020,
Section 2 and Figure 1.
[Zela2020] A. Zela et al., "Understanding and Robustifying Differentiable Architecture Search", ICLR 2020, Section 3: the
operations of the spaces S2 (skip connections and separable convolutions) and S4 (noise and separable convolutions).

Differs from the paper in: operations are ordered by their MACs, so that the first and the last network of the space are the
cheapest and the most expensive; the names of choices and operations are those of :mod:`nastoolkit.published`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import BlockSpec, Classifier, Conv, GlobalPool
from nastoolkit.families.assembly import nest
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.cell_blocks import AvgPool, Noise, NormRelu, Reduction, ReluConv, SepConv, Skip, Zero
from nastoolkit.space import Choice, SearchSpace

OPERATIONS: dict[str, Callable[[int, int], BlockSpec]] = {  # of channels and of height and width, both of which they keep
    "none": Zero,
    "skip_connect": Skip,
    "avg_pool_3x3": AvgPool,
    "nor_conv_1x1": lambda channels, size: ReluConv(channels, channels, 1, 1, size, "none"),
    "nor_conv_3x3": lambda channels, size: ReluConv(channels, channels, 3, 1, size, "none"),
    "noise": Noise,
    "sep_conv_3x3": lambda channels, size: SepConv(channels, 3, size),
}
OF_NAS_BENCH_201 = ("none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A cell and its skeleton.

    Attributes:
        channels: Channels of the stem and the first stage; each later stage has twice as many as the one before.
        n_cells: Number of cells in a stage.
        n_stages: Number of stages, with a residual block of stride 2 between them.
        n_nodes: Number of nodes in a cell, including its input; each takes inputs from all nodes before it.
        operations: Keys of ``OPERATIONS`` from which an edge chooses.

    Raises:
        ValueError: An operation is unknown, or there is none.
    """

    image_channels: int
    image_size: int
    n_classes: int
    channels: int
    n_cells: int
    n_stages: int = 3
    n_nodes: int = 4
    operations: tuple[str, ...] = OF_NAS_BENCH_201

    def __post_init__(self) -> None:
        if unknown := [name for name in self.operations if name not in OPERATIONS]:
            raise ValueError(f"unknown operation {unknown[0]!r}; known: {', '.join(OPERATIONS)}")
        if not self.operations:
            raise ValueError("an edge needs at least one operation to choose from")

    @property
    def edges(self) -> tuple[str, ...]:
        """Names of a cell's edges, which are also the names of the choices."""
        return tuple(f"node{node}.input{source}" for node in range(1, self.n_nodes) for source in range(node))

    @property
    def by_cost(self) -> tuple[str, ...]:
        """The operations, those with few MACs first."""
        return tuple(sorted(self.operations, key=lambda name: OPERATIONS[name](self.channels, self.image_size).macs))


NAS_BENCH_201 = Table(image_channels=3, image_size=32, n_classes=10, channels=16, n_cells=5)
DIGITS = Table(image_channels=1, image_size=16, n_classes=10, channels=8, n_cells=1)


class CellsFamily(Family):
    """Networks whose cells are all alike. The choices ``node{i}.input{j}`` give an operation to each edge of the cell.

    Args:
        name: Key in ``FAMILIES``.
        table: The cell and its skeleton.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        space = SearchSpace(Choice(edge, table.by_cost, kind="operation") for edge in table.edges)
        super().__init__(name, space, tuple(_slots(table)))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)

    @property
    def largest(self) -> np.ndarray:
        """The genotype ``(d,)`` with the most expensive operation (in MACs) on every edge."""
        return self.space.largest

    def assemble(self, blocks: Mapping[str, nn.Module]) -> nn.Module:
        """See :class:`Family`; stages are chains of cells, and hooks can be attached to each stage and each :class:`Cell`."""
        return nest(nn.Sequential(), blocks, {path: Cell for path in self._cells})

    @property
    def _cells(self) -> set[str]:
        return {slot.name.rsplit(".", 2)[0] for slot in self.slots if slot.choices}


class Cell(nn.Sequential):
    """A graph: its children are the nodes, and their children are the operations on the edges from earlier nodes."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The last node's output; each node is the sum of its operations' outputs for earlier nodes."""
        nodes = [x]
        for node in self.children():
            inputs = [operation(source) for source, operation in zip(nodes, node.children(), strict=True)]
            nodes.append(sum(inputs[1:], inputs[0]))
        return nodes[-1]


def _slots(table: Table) -> list[Slot]:
    channels, size = table.channels, table.image_size
    slots = [_fixed("stem", Conv(table.image_channels, channels, 3, 1, size, "none"))]
    for stage in range(1, table.n_stages + 1):
        if stage > 1:
            slots.append(_fixed(f"reduction{stage - 1}", Reduction(channels, size)))
            channels, size = 2 * channels, (size + 1) // 2
        for cell in range(1, table.n_cells + 1):
            slots += [_edge(f"stage{stage}.cell{cell}", edge, channels, size) for edge in table.edges]
    head: dict[str, BlockSpec] = {
        "norm": NormRelu(channels, size),
        "pool": GlobalPool(channels, size),
        "classifier": Classifier(channels, table.n_classes),
    }
    return slots + [_fixed(name, spec) for name, spec in head.items()]


def _edge(cell: str, edge: str, channels: int, size: int) -> Slot:
    return Slot(f"{cell}.{edge}", (edge,), lambda operation: OPERATIONS[operation](channels, size))


def _fixed(name: str, spec: BlockSpec) -> Slot:
    return Slot(name, (), lambda: spec)
