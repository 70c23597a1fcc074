"""The Transformer encoder of elastic BERT and ViT: choices and slots for depth, attention heads and feed-forward width.

A shallower encoder keeps the first layers, a narrower layer the first heads and hidden units; layers leave the number of
channels between them as it is.

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
    """

    dim: int
    head_dim: int
    layers: tuple[int, ...]
    heads: tuple[int, ...]
    ffn: tuple[int, ...]
    n_classes: int
    eps: float


def encoder_choices(table: EncoderTable) -> list[Choice]:
    """The depth, then heads and hidden units of every layer, which matter where the network is so deep."""
    choices = [Choice("layers", table.layers)]
    for number in range(1, max(table.layers) + 1):
        deep_enough = tuple(depth for depth in table.layers if depth >= number)
        when = None if deep_enough == table.layers else ("layers", deep_enough)
        choices += [Choice(f"layer{number}.heads", table.heads, when), Choice(f"layer{number}.ffn", table.ffn, when)]
    return choices


def encoder_slots(table: EncoderTable, layer: Callable[[int, int], EncoderLayer]) -> list[Slot]:
    """A slot for every layer; ``layer`` takes heads and hidden units and returns the spec."""
    return [_slot(number, layer) for number in range(1, max(table.layers) + 1)]


def _slot(number: int, layer: Callable[[int, int], EncoderLayer]) -> Slot:
    def spec(depth: int, heads: int, ffn: int) -> EncoderLayer | None:
        return layer(heads, ffn) if number <= depth else None

    return Slot(f"encoder.layer{number}", ("layers", f"layer{number}.heads", f"layer{number}.ffn"), spec)


class FirstToken(nn.Module):
    """``(n, length, dim)`` to ``(n, dim)``."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return x[:, 0]
