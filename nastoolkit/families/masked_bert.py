"""BERT that predicts masked words: the elastic encoder with its pre-training head.

[Devlin2019] J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL 2019,
Section 3.1, task 1, and https://github.com/google-research/bert, ``run_pretraining.py``: logits only at the masked places,
from a transformed vector and the embeddings of all tokens.

Differs from the paper in: the second task, whether a sentence follows another, is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.families.assembly import nest
from nastoolkit.families.base import Family
from nastoolkit.families.bert import BertFamily, Table, TokenEmbeddings, encoder
from nastoolkit.families.elastic_encoder import encoder_choices, width_of
from nastoolkit.families.places import Slot
from nastoolkit.space import SearchSpace
from nastoolkit.support.counts import whole

SHARE = 0.15  # of the tokens of a text, which are masked


def n_masked(length: int) -> int:
    """Number of masked places in a text of full length."""
    return ceil(SHARE * length)


class MaskedBertFamily(BertFamily):
    """Networks take ``(input_ids, attention_mask, token_type_ids, places)`` and return logits ``(n, k, vocabulary)``.

    The first three are those of :class:`BertFamily`; ``places``, int64 ``(n, k)``, are those whose words are to be predicted.
    :meth:`with_classes` gives the family of classifiers with the same encoders.

    Args:
        name: Key in ``FAMILIES``: that of the classifiers, and ``-words``.
        table: Sizes and options; the number of classes does not matter.
    """

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        words = Slot("words", width_of(table), lambda dim=table.dim: Words(dim, table.vocabulary, table.length, table.eps))
        Family.__init__(self, name, SearchSpace(encoder_choices(table)), (*encoder(table), words))

    def assemble(self, blocks: Mapping[str, nn.Module]) -> nn.Module:
        """See :class:`Family`; a :class:`MaskedBert`."""
        return nest(MaskedBert(), blocks)

    def example_inputs(self, genotype: np.ndarray, n: int = 1, seed: int = 0) -> tuple[torch.Tensor, ...]:
        """``n`` random texts of full length, and the first places; see :class:`Family`."""
        return *super().example_inputs(genotype, n, seed), torch.arange(n_masked(self.table.length)).repeat(n, 1)

    def with_classes(self, n_classes: int) -> Family:
        """The encoders as classifiers; see :class:`Family`."""
        return BertFamily(self.name.removesuffix("-words"), self.table).with_classes(whole("n_classes", n_classes, 2))


class MaskedBert(nn.Module):
    """Children ``embeddings``, ``encoder`` (a chain of layers) and ``words``."""

    embeddings: TokenEmbeddings
    encoder: nn.Sequential
    words: nn.Module

    def forward(self, x: tuple[torch.Tensor, ...]) -> torch.Tensor:
        """``(input_ids, attention_mask, token_type_ids, places)`` to logits ``(n, k, vocabulary)``."""
        input_ids, attention_mask, token_type_ids, places = x
        mask = attention_mask[:, None, None, :] != 0
        tokens = self.embeddings(input_ids, token_type_ids)
        for layer in self.encoder:
            tokens = layer(tokens, mask)
        return self.words(tokens, places, self.embeddings.tokens.weight)


@dataclass(frozen=True)
class Words:
    """Logits of all tokens at some places: a linear layer and GELU, normalised, times the embeddings, plus a bias."""

    dim: int
    vocabulary: int
    length: int
    eps: float = field(repr=False)

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`; those of the embeddings are not counted."""
        return (self.dim + 1) * self.dim + 2 * self.dim + self.vocabulary

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`; counted for the masked places of a text of full length."""
        return n_masked(self.length) * self.dim * self.dim + self.macs_outside_layers

    @property
    def macs_outside_layers(self) -> int:
        """MACs of the product with the embeddings."""
        return n_masked(self.length) * self.dim * self.vocabulary

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(length, dim)``."""
        return self.length, self.dim

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return WordsBlock(self)


class WordsBlock(nn.Module):
    """The module of :class:`Words`."""

    def __init__(self, spec: Words) -> None:
        super().__init__()
        self.linear = nn.Linear(spec.dim, spec.dim)
        self.norm = nn.LayerNorm(spec.dim, spec.eps)
        self.bias = nn.Parameter(torch.zeros(spec.vocabulary))

    def forward(self, x: torch.Tensor, places: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """``(n, length, dim)``, places ``(n, k)`` and embeddings ``(vocabulary, dim)`` to logits ``(n, k, vocabulary)``."""
        chosen = x.gather(1, places[..., None].expand(-1, -1, x.shape[-1]))
        return functional.linear(self.norm(functional.gelu(self.linear(chosen))), embeddings, self.bias)
