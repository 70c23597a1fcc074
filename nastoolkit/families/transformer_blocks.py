"""Block specs of Transformers: multi-head attention and feed-forward layers, for encoders and for decoders.

MACs are those of every matrix product, including attention's own two.

[Vaswani2017] A. Vaswani et al., "Attention Is All You Need", NIPS 2017, Section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import HiddenChannels

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {"relu": functional.relu, "gelu": functional.gelu}


HIDDEN_UNITS = (HiddenChannels(("ffn.project.weight", 1), (("ffn.expand.weight", 0), ("ffn.expand.bias", 0))),)


@dataclass(frozen=True, kw_only=True)
class EncoderLayer:
    """Self-attention and a feed-forward network, each added to its input.

    Attributes:
        dim: Channels of inputs and outputs.
        qkv_dim: Channels of queries, keys and values, over all heads.
        n_heads: Number of heads, which share ``qkv_dim`` evenly.
        ffn: Hidden units of the feed-forward network.
        length: Tokens of an input.
        act: Activation of the feed-forward network.
        norm_first: Whether layer normalisation comes before both parts, inside their residual connections, or after these.
        eps: Number that layer normalisation adds to variances.
        dropout: Probability of dropout on the outputs of both parts during training.
    """

    dim: int
    qkv_dim: int
    n_heads: int
    ffn: int
    length: int
    act: str = "relu"
    norm_first: bool = False
    eps: float = field(default=1e-5, repr=False)
    dropout: float = field(default=0.0, repr=False)
    hidden_channels: ClassVar[tuple[HiddenChannels, ...]] = HIDDEN_UNITS

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return attention_params(self.dim, self.qkv_dim, self.dim) + feed_forward_params(self.dim, self.ffn) + 4 * self.dim

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        attention = attention_macs(self.dim, self.qkv_dim, self.dim, self.length, self.length)
        return attention + 2 * self.length * self.dim * self.ffn

    @property
    def macs_outside_layers(self) -> int:
        """MACs of attention's own two products."""
        return attention_products(self.qkv_dim, self.length, self.length)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(length, dim)``."""
        return self.length, self.dim

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return EncoderBlock(self)


@dataclass(frozen=True, kw_only=True)
class DecoderLayer:
    """Masked self-attention, attention to an encoder, and a feed-forward network, each normalised after its residual.

    Attributes:
        dim: Channels of inputs and outputs.
        memory_dim: Channels of the encoder's outputs.
        qkv_dim: Channels of queries, keys and values, over all heads.
        self_heads: Heads of self-attention.
        cross_heads: Heads of the attention to the encoder.
        n_memories: Number of the encoder's last layers to which it attends, concatenated in time.
        ffn: Hidden units of the feed-forward network.
        length: Tokens of an input.
        memory_length: Tokens of the encoder.
        act: Activation of the feed-forward network.
        eps: Number that layer normalisation adds to variances.
        dropout: Probability of dropout on the outputs of all three parts during training.
    """

    dim: int
    memory_dim: int
    qkv_dim: int
    self_heads: int
    cross_heads: int
    n_memories: int
    ffn: int
    length: int
    memory_length: int
    act: str = "relu"
    eps: float = field(default=1e-5, repr=False)
    dropout: float = field(default=0.0, repr=False)
    hidden_channels: ClassVar[tuple[HiddenChannels, ...]] = HIDDEN_UNITS

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        attentions = [attention_params(self.dim, self.qkv_dim, memory) for memory in (self.dim, self.memory_dim)]
        return sum(attentions) + feed_forward_params(self.dim, self.ffn) + 6 * self.dim

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        own = attention_macs(self.dim, self.qkv_dim, self.dim, self.length, self.length)
        cross = attention_macs(self.dim, self.qkv_dim, self.memory_dim, self.length, self.n_memories * self.memory_length)
        return own + cross + 2 * self.length * self.dim * self.ffn

    @property
    def macs_outside_layers(self) -> int:
        """MACs of both attentions' own two products."""
        return attention_products(self.qkv_dim, self.length, self.length + self.n_memories * self.memory_length)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(length, dim)``."""
        return self.length, self.dim

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return DecoderBlock(self)


def attention_params(dim: int, qkv_dim: int, memory_dim: int) -> int:
    """Number of weights and biases of the four linear layers of an attention."""
    return 2 * dim * qkv_dim + 2 * memory_dim * qkv_dim + 3 * qkv_dim + dim


def attention_macs(dim: int, qkv_dim: int, memory_dim: int, length: int, memory_length: int) -> int:
    """MACs of the four linear layers, of queries times keys, and of weights times values."""
    projections = 2 * length * dim * qkv_dim + 2 * memory_length * memory_dim * qkv_dim
    return projections + attention_products(qkv_dim, length, memory_length)


def attention_products(qkv_dim: int, length: int, memory_length: int) -> int:
    """MACs of queries times keys, and of weights times values."""
    return 2 * length * memory_length * qkv_dim


def feed_forward_params(dim: int, ffn: int) -> int:
    """Number of weights and biases of both linear layers."""
    return 2 * dim * ffn + dim + ffn


class Attention(nn.Module):
    """Multi-head attention, [Vaswani2017], Section 3.2.2."""

    def __init__(self, dim: int, qkv_dim: int, n_heads: int, memory_dim: int | None = None) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.query = nn.Linear(dim, qkv_dim)
        self.key = nn.Linear(memory_dim or dim, qkv_dim)
        self.value = nn.Linear(memory_dim or dim, qkv_dim)
        self.output = nn.Linear(qkv_dim, dim)

    def forward(self, x: torch.Tensor, memory: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """The result of the attention of tokens of ``x`` to ``memory``.

        Args:
            x: ``(n, t, dim)``.
            memory: ``(n, s, memory_dim)``.
            mask: Bools that broadcast to ``(n, n_heads, t, s)``, true where a token may look.

        Returns:
            ``(n, t, dim)``.
        """
        return self.output(self.read(x, memory, mask))

    def read(self, x: torch.Tensor, memory: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """What all heads read, ``(n, t, qkv_dim)``, before the output layer."""
        query, key, value = (
            layer(tokens).unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for layer, tokens in ((self.query, x), (self.key, memory), (self.value, memory))
        )
        return functional.scaled_dot_product_attention(query, key, value, mask).transpose(1, 2).flatten(2)


class FeedForward(nn.Module):
    """Two linear layers with an activation between, [Vaswani2017], Section 3.3."""

    def __init__(self, dim: int, hidden: int, act: str) -> None:
        super().__init__()
        self.expand, self.project = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.act = ACTIVATIONS[act]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, t, dim)`` to the same shape."""
        return self.project(self.act(self.expand(x)))


class EncoderBlock(nn.Module):
    """The module of an :class:`EncoderLayer`."""

    def __init__(self, spec: EncoderLayer) -> None:
        super().__init__()
        self.dim, self.norm_first, self.dropout = spec.dim, spec.norm_first, nn.Dropout(spec.dropout)
        self.attention = Attention(spec.dim, spec.qkv_dim, spec.n_heads)
        self.attention_norm = nn.LayerNorm(spec.dim, spec.eps)
        self.ffn = FeedForward(spec.dim, spec.ffn, spec.act)
        self.ffn_norm = nn.LayerNorm(spec.dim, spec.eps)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """``(n, t, dim)`` to the same shape; the mask is as in :class:`Attention`."""
        if self.norm_first:
            read = self.attention_norm(x)
            x = x + self.dropout(self.attention(read, read, mask))
            return x + self.dropout(self.ffn(self.ffn_norm(x)))
        x = self.attention_norm(x + self.dropout(self.attention(x, x, mask)))
        return self.ffn_norm(x + self.dropout(self.ffn(x)))


class DecoderBlock(nn.Module):
    """The module of a :class:`DecoderLayer`."""

    def __init__(self, spec: DecoderLayer) -> None:
        super().__init__()
        self.dim, self.n_memories, self.dropout = spec.dim, spec.n_memories, nn.Dropout(spec.dropout)
        self.attention = Attention(spec.dim, spec.qkv_dim, spec.self_heads)
        self.attention_norm = nn.LayerNorm(spec.dim, spec.eps)
        self.cross = Attention(spec.dim, spec.qkv_dim, spec.cross_heads, spec.memory_dim)
        self.cross_norm = nn.LayerNorm(spec.dim, spec.eps)
        self.ffn = FeedForward(spec.dim, spec.ffn, spec.act)
        self.ffn_norm = nn.LayerNorm(spec.dim, spec.eps)

    def forward(
        self, x: torch.Tensor, memories: list[torch.Tensor], memory_mask: torch.Tensor, causal: torch.Tensor
    ) -> torch.Tensor:
        """One layer of decoding.

        Args:
            x: ``(n, t, dim)``.
            memories: Outputs of the encoder's layers, each ``(n, s, memory_dim)``, from the first to the last.
            memory_mask: Bools ``(n, 1, 1, s)``, true at tokens that are not padding.
            causal: Bools ``(t, t)``, true where a token may look.

        Returns:
            ``(n, t, dim)``.
        """
        x = self.attention_norm(x + self.dropout(self.attention(x, x, causal)))
        memory = torch.cat(memories[-self.n_memories :], dim=1)
        mask = memory_mask.repeat(1, 1, 1, self.n_memories)
        x = self.cross_norm(x + self.dropout(self.cross(x, memory, mask)))
        return self.ffn_norm(x + self.dropout(self.ffn(x)))
