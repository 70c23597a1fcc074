"""Blocks of Transformers for network flows: tables and embeddings of tokens, layers inside bursts, and the classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from nastoolkit.families.transformer_blocks import Attention, EncoderBlock, EncoderLayer

N_FACTS, N_PROTOCOLS = 4, 3  # of the inputs, see nastoolkit.tasks.flow_tokens
EPS = 1e-5  # that layer normalisation adds to variances


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
