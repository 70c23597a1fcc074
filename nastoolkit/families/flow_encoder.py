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
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from nastoolkit.families.assembly import nest
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.transformer_blocks import Attention, EncoderBlock, EncoderLayer
from nastoolkit.space import Choice, SearchSpace

N_FACTS, N_PROTOCOLS = 4, 3  # of the inputs, see nastoolkit.tasks.flow_tokens
EPS = 1e-5  # that layer normalisation adds to variances


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


def real_bursts(there: torch.Tensor) -> torch.Tensor:
    """Which bursts a flow has ``(n, bursts)``; the first one counts always."""
    return torch.cat([there[:, :1, 0], there[:, 1:, 1]], 1)


@dataclass(frozen=True)
class FlowWords:
    """Tables of vectors for tokens and for protocols.

    Attributes:
        vocabulary: Number of different tokens.
        dim: Channels.
        kept: Bursts, packets and places that are kept.
        whole: Those that inputs have.
    """

    vocabulary: int
    dim: int
    kept: tuple[int, int, int]
    whole: tuple[int, int, int]
    macs: ClassVar[int] = 0

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return (self.vocabulary + N_PROTOCOLS) * self.dim

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(bursts, packets, places)`` of inputs."""
        return self.whole

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return FlowLookup(self)


class FlowLookup(nn.Module):
    """The module of :class:`FlowWords`."""

    def __init__(self, spec: FlowWords) -> None:
        super().__init__()
        self.kept = spec.kept
        self.tokens, self.protocols = nn.Embedding(spec.vocabulary, spec.dim), nn.Embedding(N_PROTOCOLS, spec.dim)
        nn.init.normal_(self.tokens.weight, std=0.5)

    def forward(self, tokens: torch.Tensor, protocols: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Vectors of tokens ``(n, bursts, packets, places, dim)`` and of protocols ``(n, dim)``, and what is there.

        The last is ``(n, bursts, 1 + packets * places)``; the vector of a burst is always there, also of an absent one.
        """
        bursts, packets, places = self.kept
        tokens = tokens[:, :bursts, :packets, :places]
        there = torch.cat([torch.ones_like(tokens[:, :, :1, 0]), tokens.flatten(2)], 2) != 0
        return self.tokens(tokens), self.protocols(protocols), there


@dataclass(frozen=True)
class FlowTokens:
    """Token, protocol and facts of the burst, joined by a linear layer, and the position.

    Attributes:
        dim: Channels.
        hidden: Hidden units of the network for facts; 0 if they are not seen.
        kept: Bursts, packets and places.
    """

    dim: int
    hidden: int
    kept: tuple[int, int, int]

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        bursts, packets, places = self.kept
        n_vectors = 1 + bursts + packets * places  # the first one is the vector of a burst
        biases = self.dim + bool(self.hidden) * (self.hidden + self.dim)
        return n_vectors * self.dim + self._linear(1, 1) + biases + 2 * self.dim

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        bursts, packets, places = self.kept
        return self._linear(bursts * (1 + packets * places), bursts)

    def _linear(self, n_tokens: int, n_bursts: int) -> int:
        """MACs of linear layers; for one token and one burst, their weights."""
        facts = N_FACTS * self.hidden + self.hidden * self.dim + self.dim**2 if self.hidden else 0
        return n_tokens * self.dim**2 + self.dim**2 + n_bursts * facts

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(bursts, packets, places, dim)``."""
        return *self.kept, self.dim

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return FlowEmbeddings(self)


class FlowEmbeddings(nn.Module):
    """The module of :class:`FlowTokens`."""

    def __init__(self, spec: FlowTokens) -> None:
        super().__init__()
        dim, (bursts, packets, places) = spec.dim, spec.kept
        self.burst = nn.Parameter(0.02 * torch.randn(dim))
        self.order = nn.Parameter(0.02 * torch.randn(bursts, dim))
        self.places = nn.Parameter(0.02 * torch.randn(packets, places, dim))
        self.join, self.join_protocol = nn.Linear(dim, dim), nn.Linear(dim, dim, bias=False)
        if spec.hidden:
            self.facts = nn.Sequential(nn.Linear(N_FACTS, spec.hidden), nn.GELU(), nn.Linear(spec.hidden, dim))
            self.join_facts = nn.Linear(dim, dim, bias=False)
        self.norm = nn.LayerNorm(dim, EPS)

    def forward(self, tokens: torch.Tensor, protocols: torch.Tensor, facts: torch.Tensor) -> torch.Tensor:
        """Vectors of tokens and protocols, and facts of all bursts, to ``(n, bursts, 1 + packets * places, dim)``."""
        own = torch.cat([self.burst.expand(*tokens.shape[:2], 1, -1), tokens.flatten(2, 3)], 2)
        x = self.join(own) + self.join_protocol(protocols)[:, None, None] + self.order[:, None]
        if hasattr(self, "facts"):
            x = x + self.join_facts(self.facts(facts[:, : tokens.shape[1]]))[:, :, None]
        where = torch.cat([torch.zeros_like(self.burst)[None], self.places.flatten(0, 1)])
        return self.norm(x + where)


@dataclass(frozen=True, kw_only=True)
class SeparateLayer(EncoderLayer):
    """A layer inside bursts ``(n, bursts, tokens, dim)``, cut into stretches of tokens of which none sees another.

    Attributes:
        bursts: Number of bursts.
        flat: Whether there is one stretch, in which all tokens of a flow see each other, and not one for each burst.
    """

    bursts: int
    flat: bool

    @property
    def stretches(self) -> int:
        """Number of stretches."""
        return 1 if self.flat else self.bursts

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(bursts, tokens, dim)``."""
        return self.bursts, self.length * self.stretches // self.bursts, self.dim

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.stretches * super().macs

    @property
    def macs_outside_layers(self) -> int:
        """MACs of attention's own two products."""
        return self.stretches * super().macs_outside_layers

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return SeparateBlock(self)


class SeparateBlock(EncoderBlock):
    """The module of a :class:`SeparateLayer`."""

    def __init__(self, spec: SeparateLayer) -> None:
        super().__init__(spec)
        self.attention = SeparateAttention(spec.dim, spec.qkv_dim, spec.n_heads)
        self.length = spec.length

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """``(n, bursts, tokens, dim)`` to the same shape; the mask ``(n, bursts, tokens)`` says what is there."""
        stretches = x.reshape(len(x), -1, self.length, self.dim)
        seen = None if mask is None else mask.reshape(-1, 1, 1, self.length)
        return super().forward(stretches, seen).reshape(x.shape)


class SeparateAttention(Attention):
    """Attention inside each stretch of tokens; see :class:`SeparateLayer`."""

    def read(self, x: torch.Tensor, memory: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """``(n, stretches, length, dim)`` to ``(n, stretches, length, qkv_dim)``; the mask has a row for each stretch."""
        parts = (layer(tokens) for layer, tokens in ((self.query, x), (self.key, memory), (self.value, memory)))
        query, key, value = (part.flatten(0, 1).unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for part in parts)
        found = nn.functional.scaled_dot_product_attention(query, key, value, mask)
        return found.transpose(1, 2).reshape(*x.shape[:3], -1)


@dataclass(frozen=True)
class FlowClassifier:
    """Logits of a flow: its bursts' vectors, averaged with weights that depend on them, through two linear layers.

    Attributes:
        dim: Channels.
        n_classes: Number of outputs.
        bursts: Bursts of a flow.
        length: Tokens of a burst, with its own.
    """

    dim: int
    n_classes: int
    bursts: int
    length: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 2 * self.dim + self.dim + 1 + (self.dim + 1) * (self.dim + self.n_classes)

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.bursts * self.dim + self.dim * (self.dim + self.n_classes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(bursts, length, dim)``."""
        return self.bursts, self.length, self.dim

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return FlowLogits(self.dim, self.n_classes)


class BurstPool(nn.Module):
    """One vector for a flow: those of its bursts, normalised, averaged with weights that depend on them."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm, self.weigh = nn.LayerNorm(dim, EPS), nn.Linear(dim, 1)

    def forward(self, x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """Vectors ``(n, bursts, length, dim)`` to ``(n, dim)``."""
        own = self.norm(x[:, :, 0])
        shares = self.weigh(own).masked_fill(~real_bursts(there)[:, :, None], -1e9).softmax(1)
        return (shares * own).sum(1)


class FlowLogits(nn.Module):
    """The module of :class:`FlowClassifier`."""

    def __init__(self, dim: int, n_classes: int) -> None:
        super().__init__()
        self.pool, self.hidden, self.linear = BurstPool(dim), nn.Linear(dim, dim), nn.Linear(dim, n_classes)

    def forward(self, x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """Vectors ``(n, bursts, length, dim)`` to logits ``(n, n_classes)``."""
        return self.linear(nn.functional.gelu(self.hidden(self.pool(x, there))))
