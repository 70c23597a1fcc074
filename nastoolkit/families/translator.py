"""A Transformer that translates: tokens in, logits of tokens out, with an encoder and a decoder of any layers.

[Vaswani2017] A. Vaswani et al., "Attention Is All You Need", NIPS 2017, Sections 3.1, 3.4 and 3.5.
[Ott2019] M. Ott et al., "fairseq: A Fast, Extensible Toolkit for Sequence Modeling", NAACL 2019: its special tokens, and
its sinusoids, which come in two halves and count from after the padding token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, sqrt
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

PAD, EOS, N_SPECIAL = 1, 2, 4  # of fairseq's dictionaries; 0 begins a sentence, 3 is an unknown token


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """A vector for each token, plus one for its position; encoder and decoder may share it at different widths.

    Attributes:
        vocabulary: Number of different tokens.
        dim: Channels of the table; a user may take only the leading ones.
        largest_dim: Channels of the whole table of positions, of which a user takes the leading ones.
        length: Tokens of an input.
        dropout: Probability of dropout during training for a user of ``largest_dim`` channels; in proportion for others.
    """

    vocabulary: int
    dim: int
    largest_dim: int
    length: int
    dropout: float = field(default=0.0, repr=False)
    macs: ClassVar[int] = 0

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.vocabulary * self.dim

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(length,)``."""
        return (self.length,)

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return EmbeddingBlock(self)


class EmbeddingBlock(nn.Module):
    """The module of an :class:`Embedding`."""

    def __init__(self, spec: Embedding) -> None:
        super().__init__()
        self.largest_dim, self.dropout = spec.largest_dim, spec.dropout
        self.weight = nn.Parameter(torch.empty(spec.vocabulary, spec.dim))
        nn.init.normal_(self.weight, std=spec.dim**-0.5)

    def forward(self, tokens: torch.Tensor, dim: int) -> torch.Tensor:
        """``(n, length)`` int64 to ``(n, length, dim)``."""
        vectors = functional.embedding(tokens, self.weight[:, :dim])
        positions = sinusoids(tokens, self.largest_dim)[..., :dim].to(vectors.dtype)
        return functional.dropout(sqrt(dim) * vectors + positions, self.dropout * dim / self.largest_dim, self.training)


def sinusoids(tokens: torch.Tensor, dim: int) -> torch.Tensor:
    """Positions of tokens ``(n, length)`` as ``(n, length, dim)``: half sines, half cosines, zeros at padding.

    Padding has no position, so a sentence's positions are the same wherever it is padded. Nothing here is stored: positions
    are computed when they are needed, for a sentence of any length.
    """
    is_token = tokens != PAD
    positions = is_token.long().cumsum(1) * is_token + PAD
    rates = torch.exp(torch.arange(dim // 2, device=tokens.device) * (-log(10_000) / (dim // 2 - 1)))
    angles = positions[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1) * is_token[..., None]


@dataclass(frozen=True, kw_only=True)
class Output:
    """Logits of all tokens: a linear layer without bias, whose weights are its own, or ``tied`` to an embedding."""

    dim: int
    vocabulary: int
    length: int
    tied: bool

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return 0 if self.tied else self.vocabulary * self.dim

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.length * self.dim * self.vocabulary

    @property
    def macs_outside_layers(self) -> int:
        """All MACs, because its weights may be those of an embedding."""
        return self.macs

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(length, dim)``."""
        return self.length, self.dim

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return OutputBlock(self)


class OutputBlock(nn.Module):
    """The module of an :class:`Output`."""

    def __init__(self, spec: Output) -> None:
        super().__init__()
        self.weight = None if spec.tied else nn.Parameter(torch.empty(spec.vocabulary, spec.dim))
        if self.weight is not None:
            nn.init.normal_(self.weight, std=spec.dim**-0.5)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """``(n, t, dim)`` to logits ``(n, t, vocabulary)``; ``embedding`` ``(vocabulary, dim or more)`` is used if tied."""
        weight = embedding[:, : x.shape[-1]] if self.weight is None else self.weight
        return functional.linear(x, weight)


class Translator(nn.Module):
    """Chains ``encoder`` and ``decoder``, ``output``, and ``embedding`` or ``source_embedding`` and ``target_embedding``.

    Sentences are int64 tokens, ``(n, s)`` of the source and ``(n, t)`` of the target, padded with ``PAD`` on either side. A
    target starts with an ``EOS``; logits at a token do not depend on later tokens.
    """

    encoder: nn.Sequential
    decoder: nn.Sequential
    output: nn.Module
    embedding: nn.Module

    def forward(self, x: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """``(source, target)`` to logits ``(n, t, vocabulary)`` of the token after each one of the target."""
        source, target = x
        return self.decode(target, self.encode(source), source)

    def encode(self, source: torch.Tensor) -> list[torch.Tensor]:
        """The outputs of all layers of the encoder for the source, first to last, each ``(n, s, dim)``."""
        mask, memories = _readable(source), []
        x = self._embedding("source_embedding")(source, self.encoder[0].dim)
        for layer in self.encoder:
            x = layer(x, mask)
            memories.append(x)
        return memories

    def decode(
        self, target: torch.Tensor, memories: list[torch.Tensor], source: torch.Tensor, last: bool = False
    ) -> torch.Tensor:
        """Logits ``(n, t, vocabulary)`` from the target and the results of :meth:`encode`.

        With ``last``, only those after the last token, ``(n, 1, vocabulary)``: all logits of many prefixes would fill the
        memory.
        """
        embedding = self._embedding("target_embedding")
        mask, length = _readable(source), target.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=target.device).tril()
        x = embedding(target, self.decoder[0].dim)
        for layer in self.decoder:
            x = layer(x, memories, mask, causal)
        return self.output(x[:, -1:] if last else x, embedding.weight)

    def _embedding(self, name: str) -> nn.Module:
        """The embedding with this name, or the shared one."""
        return self.get_submodule(name if hasattr(self, name) else "embedding")


def _readable(source: torch.Tensor) -> torch.Tensor:
    """The mask ``(n, 1, 1, s)`` of tokens that are not padding."""
    return (source != PAD)[:, None, None, :]
