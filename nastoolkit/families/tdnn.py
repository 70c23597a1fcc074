"""Time-delay neural networks that tell speakers apart, with elastic depth, kernels and widths: EfficientTDNN's space.

[Wang2021] R. Wang et al., "EfficientTDNN: Efficient Architecture Search for Speaker Recognition", arXiv 2103.13581.
[Desplanques2020] B. Desplanques et al., "ECAPA-TDNN", Interspeech 2020: the network that it starts from.

Differs from the papers in: nothing; layers, channels and counts follow the released code, except that its counts of operations
have two more for every number that is normalised. Networks return embeddings, or with ``n_classes``, cosines to the directions
of training speakers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from nastoolkit.families.assembly import nest
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.tdnn_blocks import Aggregation, AttentivePool, CosineClassifier, Embedding, SERes2, TimeConv
from nastoolkit.space import Choice, SearchSpace


@dataclass(frozen=True, kw_only=True)
class Table:
    """A supernet's table.

    Attributes:
        n_mels: Channels of the input: bands of a mel spectrogram.
        length: Frames of the input.
        depths: Options for the number of blocks.
        widths: Options for the channels of the first layer, and in the middle of each block.
        kernels: Options for the number of frames that the convolutions of the first layer and of each block see.
        aggregated: Options for the channels after the blocks' outputs are joined.
        groups: Number of groups of channels in a block.
        hidden: Channels of the pooling's attention.
        dim: Size of an embedding.
        n_classes: Number of training speakers; 0 for networks that return embeddings.
    """

    n_mels: int
    length: int
    depths: tuple[int, ...]
    widths: tuple[int, ...]
    kernels: tuple[int, ...]
    aggregated: tuple[int, ...]
    groups: int
    hidden: int
    dim: int
    n_classes: int = 0


COARSE = Table(
    n_mels=80,
    length=300,
    depths=(2, 3, 4),
    widths=(128, 176, 256, 384, 512),
    kernels=(1, 3, 5),
    aggregated=(384, 536, 768, 1152, 1536),
    groups=8,
    hidden=128,
    dim=192,
)
SPEAKERS = Table(  # 1 second, few bands and channels; widths in steps of 4, of which a supernet may be trained on some
    n_mels=24,
    length=100,
    depths=(1, 2, 3),
    widths=tuple(range(8, 33, 4)),
    kernels=(1, 3, 5),
    aggregated=tuple(range(16, 65, 8)),
    groups=4,
    hidden=16,
    dim=32,
    n_classes=201,
)


class TDNNFamily(Family):
    """The networks of a table.

    Choices: ``depth``, ``layer1.width`` and ``layer1.kernel``; for each block ``block{b}.width`` and ``.kernel``, of which a
    network has the first ``depth``; and ``aggregation.width``.

    Args:
        name: Key in ``FAMILIES``.
        table: The paper's table, or a smaller one of the same form.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        self.uncounted = tuple(slot.name for slot in _head(table) if slot.name == "classifier")
        blocks = [_block(table, number) for number in range(1, max(table.depths) + 1)]
        super().__init__(name, SearchSpace(_choices(table)), (_first_layer(table), *blocks, *_head(table)))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)

    def assemble(self, blocks: Mapping[str, nn.Module]) -> nn.Module:
        """See :class:`Family`; a :class:`TDNN`."""
        return nest(TDNN(), blocks)


class TDNN(nn.Sequential):
    """A first layer, then blocks, each of which sees the sum of all layers before it, and a head."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, n_mels, 1, length)`` to embeddings ``(n, dim)``, or to cosines ``(n, n_classes)``."""
        x, parts = self.embedding_of(x), dict(self.named_children())
        return parts["classifier"](x) if "classifier" in parts else x

    def embedding_of(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, n_mels, 1, length)`` to embeddings ``(n, dim)``."""
        parts = dict(self.named_children())
        outputs = [parts["layer1"](x.contiguous(memory_format=torch.channels_last))]
        total = outputs[0]
        for block in (part for name, part in parts.items() if name.startswith("block")):
            outputs.append(block(outputs[-1]) + total)
            total = total + outputs[-1]
        return parts["embedding"](parts["pooling"](parts["aggregation"](torch.cat(outputs[1:], dim=1))))


def _choices(table: Table) -> list[Choice]:
    choices = [Choice("depth", table.depths)]
    for number in range(max(table.depths) + 1):
        deep_enough = tuple(depth for depth in table.depths if depth >= number)
        when = None if deep_enough == table.depths else ("depth", deep_enough)
        place = f"block{number}" if number else "layer1"
        choices += [Choice(f"{place}.width", table.widths, when), Choice(f"{place}.kernel", table.kernels, when)]
    return [*choices, Choice("aggregation.width", table.aggregated)]


def _first_layer(table: Table) -> Slot:
    return Slot("layer1", ("layer1.width", "layer1.kernel"), lambda w, k: TimeConv(table.n_mels, w, k, table.length))


def _block(table: Table, number: int) -> Slot:
    def spec(depth: int, channels: int, mid: int, kernel: int) -> SERes2 | None:
        if depth < number:
            return None
        return SERes2(channels, mid, kernel, table.length, table.groups, dilation=number + 1)

    name = f"block{number}"
    return Slot(name, ("depth", "layer1.width", f"{name}.width", f"{name}.kernel"), spec)


def _head(table: Table) -> list[Slot]:
    def aggregation(depth: int, channels: int, width: int) -> Aggregation:
        return Aggregation(channels, width, depth, table.length)

    width = ("aggregation.width",)
    slots = [
        Slot("aggregation", ("depth", "layer1.width", *width), aggregation),
        Slot("pooling", width, lambda width: AttentivePool(width, table.hidden, table.length)),
        Slot("embedding", width, lambda width: Embedding(2 * width, table.dim)),
    ]
    if table.n_classes:
        slots.append(Slot("classifier", (), lambda: CosineClassifier(table.dim, table.n_classes)))
    return slots
