"""The Transformer encoder of elastic BERT and ViT: choices and slots for depth, attention heads and feed-forward width.

A shallower encoder keeps the first layers, a narrower layer the first heads and hidden units; the number of channels between
layers is one for all, and may be a choice, too.

[DyNAS-T] https://github.com/IntelLabs/DyNAS-T, commit 251cb5e, search spaces ``bert_base_sst2`` and ``vit_base_imagenet``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from nastoolkit.families.base import Slot
from nastoolkit.families.transformer_blocks import EncoderLayer
from nastoolkit.space import Choice


@dataclass(frozen=True, kw_only=True)
class EncoderTable:
    """What the elastic encoders of language and images have in common.

    Attributes:
        dim: Channels between layers.
        head_dim: Channels of queries, keys and values in a head.
        layers: Options of the depth.
        heads: Options of every layer.
        ffn: Hidden units of the feed-forward network, options of every layer.
        n_classes: Outputs.
        eps: Number that layer normalisation adds to variances.
        dims: Options of the channels between layers, up to ``dim``; none makes them no choice.
    """

    dim: int
    head_dim: int
    layers: tuple[int, ...]
    heads: tuple[int, ...]
    ffn: tuple[int, ...]
    n_classes: int
    eps: float
    dims: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.dims and max(self.dims) != self.dim:
            raise ValueError(f"dim is the largest of dims, got {self.dim} and {self.dims}")


def encoder_choices(table: EncoderTable) -> list[Choice]:
    """The width, the depth, then heads and hidden units of every layer, which matter where the network is so deep."""
    choices = [Choice(name, table.dims) for name in width_of(table)] + [Choice("layers", table.layers)]
    for number in range(1, max(table.layers) + 1):
        deep_enough = tuple(depth for depth in table.layers if depth >= number)
        when = None if deep_enough == table.layers else ("layers", deep_enough)
        choices += [Choice(f"layer{number}.heads", table.heads, when), Choice(f"layer{number}.ffn", table.ffn, when)]
    return choices


def width_of(table: EncoderTable) -> tuple[str, ...]:
    """Name of the choice of channels between layers, if there is one."""
    return ("dim",) if table.dims else ()


def encoder_slots(table: EncoderTable, layer: Callable[..., EncoderLayer]) -> list[Slot]:
    """A slot for every layer; ``layer`` takes heads, hidden units, and channels if they are a choice, and returns a spec."""
    return [_slot(number, width_of(table), layer) for number in range(1, max(table.layers) + 1)]


def _slot(number: int, width: tuple[str, ...], layer: Callable[..., EncoderLayer]) -> Slot:
    def spec(depth: int, *options: int) -> EncoderLayer | None:
        return layer(*options) if number <= depth else None

    return Slot(f"encoder.layer{number}", ("layers", f"layer{number}.heads", f"layer{number}.ffn", *width), spec)


class FirstToken(nn.Module):
    """``(n, length, dim)`` to ``(n, dim)``."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return x[:, 0]
