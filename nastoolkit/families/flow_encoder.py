"""Transformers for network flows: attention inside bursts, then among bursts; what they see of a flow is a choice, too.

[Guthula2023] S. Guthula et al., "netFound: Foundation Model for Network Security", arXiv 2310.17025, and its code.

Choices: ``bursts``, ``packets`` of a burst and ``places`` of a packet (header alone, or with payload) that become tokens;
whether the ``facts`` of a burst are seen (``facts`` 1) and whether there is attention ``among`` bursts (1); ``layers``,
``heads`` and ``ffn``. A network cuts its inputs, which are always the largest, and so one supernet holds all compositions.

Differs from the paper in: positions are learnt; the linear layer that joins token, protocol and facts is three, whose sum is
the same; all layers have the same heads and hidden units, and channels between layers are no choice; and there is a network,
``flat``, in which all tokens of a flow see each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.families.assembly import nest
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.flow_blocks import (
    EPS,
    N_FACTS,
    N_PROTOCOLS,
    FlowClassifier,
    FlowEmbeddings,
    FlowLookup,
    FlowTokens,
    FlowWords,
    SeparateLayer,
    real_bursts,
)
from nastoolkit.families.transformer_blocks import EncoderLayer
from nastoolkit.space import Choice, SearchSpace


@dataclass(frozen=True, kw_only=True)
class Table:
    """One elastic encoder of flows.

    Attributes:
        vocabulary: Number of different tokens.
        n_classes: Number of outputs; 0 for networks that return all vectors.
        dim: Channels between layers.
        head_dim: Channels of queries, keys and values in a head.
        hidden: Hidden units of the network for a burst's facts.
        bursts: Options for the bursts of a flow.
        packets: Options for the packets of a burst.
        places: Options for the places of a packet.
        facts: Options for whether the facts of bursts are seen, of 0 and 1.
        among: Options for whether there is attention among bursts, of 0 and 1.
        layers: Options for the depth.
        heads: Options for the number of heads.
        ffn: Options for the hidden units of layers.
        flat: Whether all tokens of a flow see each other, and not only those of their burst.
        dropout: Probability of dropout in layers during training.
        shape: Bursts, packets and places of inputs; by default the largest options.

    Raises:
        ValueError: Inputs have less than the largest options, or a flat encoder has a choice of attention among bursts.
    """

    vocabulary: int
    n_classes: int
    dim: int
    head_dim: int
    hidden: int
    bursts: tuple[int, ...]
    packets: tuple[int, ...]
    places: tuple[int, ...]
    facts: tuple[int, ...]
    among: tuple[int, ...]
    layers: tuple[int, ...]
    heads: tuple[int, ...]
    ffn: tuple[int, ...]
    flat: bool = False
    dropout: float = 0.0
    shape: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        largest = max(self.bursts), max(self.packets), max(self.places)
        if any(np.greater(largest, self.whole)):
            raise ValueError(f"bursts, packets and places of inputs are {self.whole}, and options are up to {largest}")
        if self.flat and max(self.among):
            raise ValueError("in a flat encoder bursts see each other anyway: among must be (0,)")

    @property
    def whole(self) -> tuple[int, int, int]:
        """Shape of the tokens of one input."""
        return self.shape or (max(self.bursts), max(self.packets), max(self.places))


SMALL = Table(
    vocabulary=1258,
    n_classes=8,
    dim=32,
    head_dim=8,
    hidden=64,
    bursts=(2, 4, 6),
    packets=(1, 2, 3),
    places=(12, 18),
    facts=(0, 1),
    among=(0, 1),
    layers=(1, 2),
    heads=(2, 4),
    ffn=(32, 64),
)


class FlowEncoderFamily(Family):
    """Networks take ``(tokens, facts, protocols)``, see :func:`nastoolkit.tasks.flow_tokens.inputs_of`.

    They return logits ``(n, n_classes)``; or without classes, the vectors of all tokens ``(n, bursts, 1 + packets * places,
    dim)``, those of bursts first.

    Args:
        name: Key in ``FAMILIES``.
        table: Sizes and options.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        options = {key: getattr(table, key) for key in COMPOSITION + ("layers", "heads", "ffn")}
        super().__init__(name, SearchSpace([Choice(key, own) for key, own in options.items()]), tuple(_slots(table)))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)

    def assemble(self, blocks: Mapping[str, nn.Module]) -> FlowEncoder:
        """See :class:`Family`."""
        return nest(FlowEncoder(), blocks)

    def example_inputs(self, genotype: np.ndarray, n: int = 1, seed: int = 0) -> tuple[torch.Tensor, ...]:
        """``n`` random flows, in which nothing is missing; see :class:`Family`."""
        generator, shape = torch.Generator().manual_seed(seed), self.table.whole
        tokens = torch.randint(2, self.table.vocabulary, (n, *shape), generator=generator)
        facts = torch.randn(n, shape[0], N_FACTS, generator=generator)
        return tokens, facts, torch.randint(N_PROTOCOLS, (n,), generator=generator)


def composition_of(family: Family, genotype: np.ndarray) -> tuple[int, int, int]:
    """Bursts, packets and places of a packet that a network of this module sees."""
    options = family.space.decode(genotype)
    return options["bursts"], options["packets"], options["places"]


COMPOSITION = ("bursts", "packets", "places", "facts", "among")


def _slots(table: Table) -> list[Slot]:
    def words(bursts: int, packets: int, places: int) -> FlowWords:
        return FlowWords(table.vocabulary, table.dim, (bursts, packets, places), table.whole)

    def embeddings(bursts: int, packets: int, places: int, facts: int) -> FlowTokens:
        return FlowTokens(table.dim, table.hidden * facts, (bursts, packets, places))

    def inside(number: int, bursts: int, packets: int, places: int, depth: int, heads: int, ffn: int) -> SeparateLayer | None:
        length = 1 + packets * places
        length *= bursts if table.flat else 1
        layer = SeparateLayer(**_width(table, heads, ffn), length=length, bursts=bursts, flat=table.flat)
        return layer if number <= depth else None

    def among(number: int, bursts: int, is_there: int, depth: int, heads: int, ffn: int) -> EncoderLayer | None:
        return EncoderLayer(**_width(table, heads, ffn), length=bursts) if is_there and number <= depth else None

    shape, size = COMPOSITION[:3], ("layers", "heads", "ffn")
    slots = [Slot("words", shape, words), Slot("embeddings", COMPOSITION[:4], embeddings)]
    for number in range(1, max(table.layers) + 1):
        slots.append(Slot(f"encoder.layer{number}.inside", (*shape, *size), partial(inside, number)))
        slots.append(Slot(f"encoder.layer{number}.among", ("bursts", "among", *size), partial(among, number)))
    if table.n_classes:
        slots.append(Slot("classifier", shape, lambda b, p, t: FlowClassifier(table.dim, table.n_classes, b, 1 + p * t)))
    return slots


def _width(table: Table, heads: int, ffn: int) -> dict[str, Any]:
    """What all layers have in common."""
    qkv_dim = heads * table.head_dim
    own = {"dim": table.dim, "qkv_dim": qkv_dim, "n_heads": heads, "ffn": ffn, "dropout": table.dropout}
    return {**own, "act": "gelu", "norm_first": True, "eps": EPS}


class FlowEncoder(nn.Module):
    """Children ``words``, ``embeddings``, ``encoder`` (a chain of layers), and ``classifier`` if there are classes."""

    words: FlowLookup
    embeddings: FlowEmbeddings
    encoder: nn.Sequential

    def forward(self, x: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """See :class:`FlowEncoderFamily`."""
        vectors, there = self.vectors_of(x)
        classifier = getattr(self, "classifier", None)
        return vectors if classifier is None else classifier(vectors, there)

    def vectors_of(self, x: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors of all tokens, those of bursts first, and which tokens are there."""
        tokens, facts, protocols = x
        own, kinds, there = self.words(tokens, protocols)
        vectors = self.embeddings(own, kinds, facts)
        for layer in self.encoder:
            vectors = _through(layer, vectors, there)
        return vectors, there


def _through(layer: nn.Module, x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """Attention inside bursts ``(n, bursts, length, dim)``, then among their own vectors, which other tokens skip."""
    x = layer.get_submodule("inside")(x, there)
    if not hasattr(layer, "among"):
        return x
    own = layer.get_submodule("among")(x[:, :, 0], real_bursts(there)[:, None, None])
    return torch.cat([own[:, :, None], x[:, :, 1:]], 2)
