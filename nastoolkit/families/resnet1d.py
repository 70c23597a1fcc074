"""Elastic residual networks over time for skeletons: one or several streams, each of which has its own view.

[Xu2018] Y. Xu et al., "Ensemble One-dimensional Convolution Neural Networks for Skeleton-based Action Recognition", IEEE
Signal Processing Letters 2018, arXiv 1801.02475: the Base-Net, and networks of several
Base-Nets whose probabilities are multiplied.

Differs from the paper in: see :mod:`nastoolkit.families.resnet1d_blocks`. A normalised product of softmax outputs is the
softmax of the sum of all logits, and so all streams share one linear layer, which adds up their logits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import nn

from nastoolkit.blocks import Classifier, output_size
from nastoolkit.families.assembly import nest
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.resnet1d_blocks import JOINTS, TRANSPOSED, ChannelGate, ResidualGroup, TimePool, View
from nastoolkit.families.tdnn_blocks import TimeConv
from nastoolkit.space import Choice, SearchSpace

STRIDES = (1, 2, 2)  # of the groups, of which each has twice the channels of the one before


@dataclass(frozen=True, kw_only=True)
class Table:
    """A supernet's table.

    Attributes:
        channels: Coordinates of all joints.
        length: Frames of the input.
        streams: Kind of view, one of ``VIEWS``, and the channels that it sees, for each stream.
        attends: Whether streams weight channels and frames.
        widths: Options for the channels of the first group.
        depths: Options for the number of convolutions in a group.
        kernels: Options for the number of frames that a convolution sees, odd.
        dropout: Share of values that are set to 0 in training.
        n_classes: Number of classes.
    """

    channels: int
    length: int
    streams: tuple[tuple[str, tuple[int, ...]], ...]
    attends: bool = False
    widths: tuple[int, ...] = (8, 16)
    depths: tuple[int, ...] = (1, 2)
    kernels: tuple[int, ...] = (3, 5)
    dropout: float = 0.1
    n_classes: int = 12


ALL = tuple(range(45))
TWO_STREAMS = Table(channels=45, length=48, streams=((JOINTS, ALL), (TRANSPOSED, ALL)))
ATTENTION = Table(channels=45, length=48, streams=((JOINTS, ALL),), attends=True)


class ResNet1dFamily(Family):
    """The networks of a table, with choices ``width``, ``depth`` and ``kernel`` for all streams alike.

    Args:
        name: Key in ``FAMILIES``.
        table: The paper's table, or a smaller one of the same form.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        choices = [Choice("width", table.widths), Choice("depth", table.depths), Choice("kernel", table.kernels)]
        streams = [slot for number in range(len(table.streams)) for slot in _stream(table, number)]
        n_features = len(table.streams) * 2 ** (len(STRIDES) - 1)
        head = Slot("classifier", ("width",), lambda width: Classifier(n_features * width, table.n_classes))
        super().__init__(name, SearchSpace(choices), (*streams, head))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)

    def assemble(self, blocks: Mapping[str, nn.Module]) -> nn.Module:
        """See :class:`Family`; a :class:`Streams`."""
        return nest(Streams(), blocks)


class Streams(nn.Sequential):
    """Streams that all see the input, and a classifier of their features, which alternate."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, channels, 1, length)`` to logits ``(n, n_classes)``."""
        *streams, classifier = self.children()
        return classifier(torch.stack([stream(x) for stream in streams], dim=2).flatten(1, 2))


def _stream(table: Table, number: int) -> Iterator[Slot]:
    """The blocks of a stream, from its view to its pool."""
    kind, picked = table.streams[number]
    name, view = f"stream{number + 1}", View(kind, picked, table.channels, table.length)
    channels, length = view.output
    lengths = list(accumulate(STRIDES, output_size, initial=length))
    yield Slot(f"{name}.view", (), lambda: view)
    if table.attends:
        yield Slot(f"{name}.gate", (), lambda: ChannelGate(channels, length))
    yield Slot(f"{name}.stem", ("width", "kernel"), lambda width, kernel: TimeConv(channels, width, kernel, length))
    for place in range(len(STRIDES)):
        yield _group(table, f"{name}.group{place + 1}", place, lengths[place])
    yield Slot(f"{name}.pool", ("width",), lambda width: TimePool(width * 2 ** (len(STRIDES) - 1), lengths[-1]))


def _group(table: Table, name: str, place: int, length: int) -> Slot:
    def spec(width: int, depth: int, kernel: int) -> ResidualGroup:
        in_channels, out_channels = width * 2 ** max(place - 1, 0), width * 2**place
        return ResidualGroup(in_channels, out_channels, kernel, STRIDES[place], length, depth, table.dropout, table.attends)

    return Slot(name, ("width", "depth", "kernel"), spec)
