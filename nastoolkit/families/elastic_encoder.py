"""The Transformer encoder of elastic BERT and ViT: choices and slots for depth, attention heads and feed-forward width.

A shallower encoder keeps the first layers, or layers spread over all; a narrower layer keeps the first heads and hidden units.
The number of channels between layers is the same everywhere, and may also be a choice. If hidden units are multiples of it,
all layers are alike.

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
        layers: Options for the depth.
        heads: Options for the number of heads in every layer.
        ffn: Options for the hidden units of every layer's feed-forward network; empty if there are ``ratios``.
        n_classes: Number of outputs.
        eps: Number that layer normalisation adds to variances.
        dims: Options for the channels between layers, up to ``dim``; if empty, they are not a choice.
        ratios: Options for hidden units as multiples of the channels between layers; heads and ratio are then one choice each
            for all layers.
        spread: Whether a shallower encoder keeps evenly spaced layers, beginning with the first, instead of the first layers.
    """

    dim: int
    head_dim: int
    layers: tuple[int, ...]
    heads: tuple[int, ...]
    ffn: tuple[int, ...]
    n_classes: int
    eps: float
    dims: tuple[int, ...] = ()
    ratios: tuple[float, ...] = ()
    spread: bool = False

    def __post_init__(self) -> None:
        if self.dims and max(self.dims) != self.dim:
            raise ValueError(f"dim must be the largest of dims, got {self.dim} and {self.dims}")
        if bool(self.ratios) == bool(self.ffn):
            raise ValueError(f"give hidden units by ffn or by ratios, not both; got {self.ffn} and {self.ratios}")

    def kept_layers(self, depth: int) -> list[int]:
        """Numbers, from 1, of the layers that an encoder of this depth keeps."""
        distance = max(self.layers) if self.spread else depth
        return [place * distance // depth + 1 for place in range(depth)]


def encoder_choices(table: EncoderTable) -> list[Choice]:
    """Width, depth, then heads and hidden units of all layers together, or of each layer, which matter if it is kept."""
    choices = [Choice(name, table.dims) for name in width_of(table)] + [Choice("layers", table.layers)]
    if table.ratios:
        return [*choices, Choice("heads", table.heads), Choice("ratio", table.ratios)]
    for number in range(1, max(table.layers) + 1):
        deep_enough = tuple(depth for depth in table.layers if number in table.kept_layers(depth))
        when = None if deep_enough == table.layers else ("layers", deep_enough)
        choices += [Choice(f"layer{number}.heads", table.heads, when), Choice(f"layer{number}.ffn", table.ffn, when)]
    return choices


def width_of(table: EncoderTable) -> tuple[str, ...]:
    """Name of the choice of channels between layers, if there is one."""
    return ("dim",) if table.dims else ()


def encoder_slots(table: EncoderTable, layer: Callable[..., EncoderLayer]) -> list[Slot]:
    """A slot for every layer; ``layer`` takes heads, hidden units, and channels (if they are a choice), and returns a spec."""
    return [_slot(number, table, layer) for number in range(1, max(table.layers) + 1)]


def _slot(number: int, table: EncoderTable, layer: Callable[..., EncoderLayer]) -> Slot:
    names = ("heads", "ratio") if table.ratios else (f"layer{number}.heads", f"layer{number}.ffn")

    def spec(depth: int, heads: int, ffn: float, *dim: int) -> EncoderLayer | None:
        if number not in table.kept_layers(depth):
            return None
        hidden = round(ffn * (*dim, table.dim)[0]) if table.ratios else int(ffn)
        return layer(heads, hidden, *dim)

    return Slot(f"encoder.layer{number}", ("layers", *names, *width_of(table)), spec)


class FirstToken(nn.Module):
    """``(n, length, dim)`` to ``(n, dim)``."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return x[:, 0]
