"""BERT as a classifier of sentences, with elastic depth, heads and feed-forward width: DyNAS-T's space over BERT base.

A small one for experiments on a laptop, ``text-bert``, also chooses the channels between layers. In the thin ones, which are
students of others, all layers are alike, and a shallower network's layers are spread over those of the deepest.
:mod:`nastoolkit.families.masked_bert` has the networks with another head that are trained on masked words first.

[Devlin2019] J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL 2019,
Section 3 and Appendix A.2.
[DyNAS-T] https://github.com/IntelLabs/DyNAS-T, commit 251cb5e, search space ``bert_base_sst2``.
[Xu2022] D. Xu et al., "Few-shot Task-agnostic Neural Architecture Search for Distilling Large Language Models", NeurIPS 2022,
arXiv 2201.12507: the thin ones, in Table 1 and in https://github.com/microsoft/autodistil, commit ea5cc7f.

Differs from the papers in: BERT base has no dropout, and the small one only on the outputs of both parts of a layer; params
are those of the whole network, while [DyNAS-T] leaves out layer normalisation and the classifier; MACs are those of every
matrix product, including attention's own two.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import Classifier
from nastoolkit.families.assembly import nest
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.elastic_encoder import EncoderTable, FirstToken, encoder_choices, encoder_slots, width_of
from nastoolkit.families.transformer_blocks import EncoderLayer
from nastoolkit.space import SearchSpace


@dataclass(frozen=True, kw_only=True)
class Table(EncoderTable):
    """One elastic BERT.

    Attributes:
        vocabulary: Number of different tokens.
        positions: Greatest length of an input, in tokens.
        types: Number of segments that an input may have.
        length: Tokens of an input, for MACs and example inputs; networks take any other length up to ``positions``.
        dropout: Probability of dropout on the outputs of both parts of a layer during training.
    """

    vocabulary: int
    positions: int
    types: int
    length: int
    dropout: float = 0.0


BASE = Table(  # [Devlin2019], Section 3, BERT base, uncased; the options are those of [DyNAS-T]
    vocabulary=30_522,
    positions=512,
    types=2,
    length=128,
    dim=768,
    head_dim=64,
    layers=(6, 7, 8, 9, 10, 11, 12),
    heads=(6, 8, 10, 12),
    ffn=(1024, 2048, 3072),
    n_classes=2,
    eps=1e-12,
)
SMALL = Table(  # for the vocabularies and the length of the tasks of sentences
    vocabulary=4096,
    positions=48,
    types=1,
    length=48,
    dim=64,
    dims=(32, 48, 64),
    head_dim=16,
    layers=(1, 2, 3, 4),
    heads=(1, 2, 3, 4),
    ffn=(64, 128, 256),
    n_classes=2,
    eps=1e-12,
    dropout=0.1,
)
BASE_THIN = replace(  # the union of [Xu2022]'s three sub-spaces; heads have 64 channels at every width, as in its code
    BASE,
    dim=640,
    dims=(128, 160, 192, 224, 256, 288, 320, 352, 544, 576, 608, 640),
    layers=(4, 5, 6, 7, 9, 10, 11, 12),
    heads=(7, 8, 9, 10, 11, 12),
    ffn=(),
    ratios=(2.0, 2.5, 3.0, 3.5, 4.0),
    spread=True,
)
SMALL_THIN = replace(SMALL, dim=56, dims=(16, 24, 32, 40, 48, 56), ffn=(), ratios=(1.0, 2.0, 4.0), spread=True, dropout=0.0)


class BertFamily(Family):
    """Elastic BERTs; networks take ``(input_ids, attention_mask, token_type_ids)``, int64 ``(n, length)``, and return logits.

    The mask is 1 at tokens to look at and 0 at padding.

    Args:
        name: Key in ``FAMILIES``.
        table: Sizes and options.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        super().__init__(name, SearchSpace(encoder_choices(table)), tuple(_slots(table)))

    def assemble(self, blocks: Mapping[str, nn.Module]) -> nn.Module:
        """See :class:`Family`; a :class:`BertClassifier`."""
        return nest(BertClassifier(), blocks)

    def example_inputs(self, genotype: np.ndarray, n: int = 1, seed: int = 0) -> tuple[torch.Tensor, ...]:
        """``n`` random texts of full length and one segment; see :class:`Family`."""
        shape, generator = (n, self.table.length), torch.Generator().manual_seed(seed)
        input_ids = torch.randint(self.table.vocabulary, shape, generator=generator)
        return input_ids, torch.ones(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)

    def fitting(self, tensors: Mapping[str, torch.Tensor]) -> BertFamily:
        """The family with as many classes, tokens, positions and segments as the tensors of a checkpoint have."""
        rows = {
            "n_classes": "classifier.linear.weight",
            "vocabulary": "embeddings.tokens.weight",
            "positions": "embeddings.positions.weight",
            "types": "embeddings.types.weight",
        }
        sizes: dict[str, Any] = {
            size: len(tensors[key]) for size, key in rows.items() if key in tensors and tensors[key].dim() == 2
        }
        table = replace(self.table, **sizes)
        return type(self)(self.name, replace(table, length=min(table.length, table.positions)))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)


def encoder(table: Table) -> list[Slot]:
    """The slots of the embeddings and of all layers."""

    def embeddings(dim: int = table.dim) -> Embeddings:
        return Embeddings(table.vocabulary, table.positions, table.types, dim, table.length, table.eps)

    def layer(heads: int, ffn: int, dim: int = table.dim) -> EncoderLayer:
        return EncoderLayer(
            dim=dim,
            qkv_dim=heads * table.head_dim,
            n_heads=heads,
            ffn=ffn,
            length=table.length,
            act="gelu",
            eps=table.eps,
            dropout=table.dropout,
        )

    return [Slot("embeddings", width_of(table), embeddings), *encoder_slots(table, layer)]


def _slots(table: Table) -> list[Slot]:
    return [
        *encoder(table),
        Slot("pooler", width_of(table), lambda dim=table.dim: Pooler(dim, table.length)),
        Slot("classifier", width_of(table), lambda dim=table.dim: Logits(dim, table.n_classes)),
    ]


class BertClassifier(nn.Module):
    """Children ``embeddings``, ``encoder`` (a chain of layers), ``pooler`` and ``classifier``."""

    embeddings: nn.Module
    encoder: nn.Sequential
    pooler: nn.Module
    classifier: nn.Module

    def forward(self, x: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """``(input_ids, attention_mask, token_type_ids)``, each ``(n, length)``, to logits ``(n, n_classes)``."""
        input_ids, attention_mask, token_type_ids = x
        mask = attention_mask[:, None, None, :] != 0
        tokens = self.embeddings(input_ids, token_type_ids)
        for layer in self.encoder:
            tokens = layer(tokens, mask)
        return self.classifier(self.pooler(tokens))


@dataclass(frozen=True)
class Embeddings:
    """Sums of learned vectors for token, position and segment, normalised: [Devlin2019], Figure 2."""

    vocabulary: int
    positions: int
    types: int
    dim: int
    length: int
    eps: float = field(repr=False)

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return (self.vocabulary + self.positions + self.types + 2) * self.dim

    @property
    def macs(self) -> int:
        """None, because a look-up is not a product."""
        return 0

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(length,)``."""
        return (self.length,)

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return TokenEmbeddings(self)


class TokenEmbeddings(nn.Module):
    """The module of :class:`Embeddings`."""

    def __init__(self, spec: Embeddings) -> None:
        super().__init__()
        self.tokens = nn.Embedding(spec.vocabulary, spec.dim)
        self.positions = nn.Embedding(spec.positions, spec.dim)
        self.types = nn.Embedding(spec.types, spec.dim)
        self.norm = nn.LayerNorm(spec.dim, spec.eps)
        for table in (self.tokens, self.positions, self.types):
            nn.init.normal_(table.weight, std=spec.dim**-0.5)  # so that logits of masked words are about 1 at any width

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor) -> torch.Tensor:
        """Both ``(n, length)`` to ``(n, length, dim)``."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        return self.norm(self.tokens(input_ids) + self.types(token_type_ids) + self.positions(positions))


@dataclass(frozen=True)
class Pooler:
    """The first token's vector after a linear layer and a tanh, ``(n, length, dim)`` to ``(n, dim)``."""

    dim: int
    length: int

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return (self.dim + 1) * self.dim

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.dim**2

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(length, dim)``."""
        return self.length, self.dim

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return nn.Sequential(OrderedDict(first=FirstToken(), linear=nn.Linear(self.dim, self.dim), act=nn.Tanh()))


@dataclass(frozen=True)
class Logits(Classifier):
    """A linear layer on one vector, ``(n, features)`` to ``(n, n_classes)``."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(features,)``."""
        return (self.features,)
