"""HAT's Transformers for translation, with elastic widths, heads, decoder depth and attention from decoder to encoder.

[Wang2020] H. Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", ACL 2020, and
    https://github.com/mit-han-lab/hardware-aware-transformers, commit 70e5a27, whose ``configs`` the tables follow.

Differs from the paper in: linear layers are initialised as in PyTorch; attention weights have no dropout (the release drops a
tenth of them for WMT); dropout is proportional to the width everywhere, but in the release not after the encoder's attention.
MACs are those of every matrix product, including the output layer's; params are counted without embeddings, as in the paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from nastoolkit.families.assembly import nest
from nastoolkit.families.base import Family, Slot
from nastoolkit.families.transformer_blocks import DecoderLayer, EncoderLayer
from nastoolkit.families.translator import N_SPECIAL, Embedding, Output, Translator
from nastoolkit.space import Choice, SearchSpace


@dataclass(frozen=True, kw_only=True)
class Table:
    """A search space of [Wang2020]. Options are tuples; a single value makes a fixed choice.

    Attributes:
        vocabulary: Number of different tokens, or of the target's tokens if the source has its own.
        source_vocabulary: Number of the source's tokens; None if encoder, decoder and output share one embedding instead of
            having one each.
        source_length: Tokens of a source, for MACs and example inputs; networks take any other length.
        target_length: Tokens of a target, in the same sense.
        embed_dims: Options for the channels between layers, in the encoder and in the decoder.
        encoder_layers: Options for the encoder's depth.
        decoder_layers: Options for the decoder's depth.
        ffn: Options for the hidden units of every layer's feed-forward network.
        heads: Options for the number of heads of every attention.
        cross_attention: Options for the number of encoder layers, besides the last one, to which a decoder layer attends; -1
            is none.
        qkv_dim: Channels of queries, keys and values, for any number of heads.
        dropout: Probability of dropout during training at the greatest width; it is proportional to the width.
    """

    vocabulary: int
    source_vocabulary: int | None
    source_length: int
    target_length: int
    embed_dims: tuple[int, ...]
    encoder_layers: tuple[int, ...]
    decoder_layers: tuple[int, ...]
    ffn: tuple[int, ...]
    heads: tuple[int, ...]
    cross_attention: tuple[int, ...]
    qkv_dim: int
    dropout: float

    def __post_init__(self) -> None:
        if max(self.cross_attention) >= min(self.encoder_layers):
            raise ValueError(f"{self.cross_attention=} asks for more than {self.encoder_layers=} always have besides the last")


WMT = Table(  # wmt14.en-de/supertransformer/space0.yml, and the same for WMT'14 En-Fr and WMT'19 En-De
    vocabulary=32_768,
    source_vocabulary=None,
    source_length=30,
    target_length=30,
    embed_dims=(512, 640),
    encoder_layers=(6,),
    decoder_layers=(1, 2, 3, 4, 5, 6),
    ffn=(1024, 2048, 3072),
    heads=(4, 8),
    cross_attention=(-1, 1, 2),
    qkv_dim=512,
    dropout=0.3,
)
IWSLT = Table(  # iwslt14.de-en/supertransformer/space1.yml
    vocabulary=6_632,
    source_vocabulary=8_848,
    source_length=23,
    target_length=23,
    embed_dims=(512, 640),
    encoder_layers=(6,),
    decoder_layers=(1, 2, 3, 4, 5, 6),
    ffn=(512, 1024, 2048),
    heads=(2, 4),
    cross_attention=(-1, 1, 2),
    qkv_dim=512,
    dropout=0.375,
)
NUMBER_WORDS = Table(  # the miniature; the sizes are those of the task of this name
    vocabulary=59,
    source_vocabulary=None,
    source_length=15,
    target_length=22,
    embed_dims=(8, 16, 32),
    encoder_layers=(2,),
    decoder_layers=(1, 2, 3),
    ffn=(8, 16, 32),
    heads=(2, 4),
    cross_attention=(-1, 1),
    qkv_dim=32,
    dropout=0.0,
)
TATOEBA = Table(  # the sizes are those of the task of everyday sentences
    vocabulary=4_096,
    source_vocabulary=None,
    source_length=24,
    target_length=24,
    embed_dims=(32, 48, 64),
    encoder_layers=(2,),
    decoder_layers=(1, 2, 3),
    ffn=(64, 128, 192),
    heads=(2, 4),
    cross_attention=(-1, 1),
    qkv_dim=64,
    dropout=0.1,
)


def n_memories(cross_attention: int) -> int:
    """How many of the encoder's last layers an option of ``cross_attention`` stands for: -1, 1, 2 for 1, 2, 3."""
    return max(cross_attention, 0) + 1


class HATFamily(Family):
    """The translation Transformers of a table; networks are :class:`nastoolkit.families.translator.Translator`.

    Choices, in the order of the release's genes: ``encoder.embed_dim``, ``encoder.layers``, ``encoder.layer{i}.ffn`` and
    ``.heads``; ``decoder.embed_dim``, ``decoder.layers``, ``decoder.layer{i}.ffn``, ``.self_heads``, ``.cross_heads`` and
    ``.cross_attention``. A shallower encoder or decoder keeps its first layers.

    Args:
        name: Key in ``FAMILIES``.
        table: One of the paper's spaces, or a smaller one of the same form.
    """

    any_length = True

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        self.uncounted = (*_embedding_names(table), "output")
        super().__init__(name, SearchSpace(_choices(table)), tuple(_slots(table)))

    def assemble(self, blocks: Mapping[str, nn.Module]) -> nn.Module:
        """A :class:`Translator` of these blocks."""
        return nest(Translator(), blocks)

    def example_inputs(self, genotype: np.ndarray, n: int = 1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """``n`` random sources ``(n, source_length)`` and targets ``(n, target_length)``, only words, without padding."""
        table, generator = self.table, torch.Generator().manual_seed(seed)
        sizes = (table.source_vocabulary or table.vocabulary, table.source_length), (table.vocabulary, table.target_length)
        source, target = (torch.randint(N_SPECIAL, words, (n, length), generator=generator) for words, length in sizes)
        return source, target

    def fitting(self, tensors: Mapping[str, torch.Tensor]) -> HATFamily:
        """The family with the vocabularies of a checkpoint."""
        names, table = _embedding_names(self.table), self.table
        keys = {name: f"{name}.weight" for name in names}
        sizes = {name: len(tensors[key]) for name, key in keys.items() if key in tensors and tensors[key].dim() == 2}
        source = sizes.get("source_embedding", table.source_vocabulary)
        vocabulary = sizes.get(names[-1], table.vocabulary)
        return HATFamily(self.name, replace(table, source_vocabulary=source, vocabulary=vocabulary))

    def __reduce__(self) -> tuple[type, tuple[str, Table]]:
        return type(self), (self.name, self.table)


def _embedding_names(table: Table) -> tuple[str, ...]:
    return ("embedding",) if table.source_vocabulary is None else ("source_embedding", "target_embedding")


def _choices(table: Table) -> list[Choice]:
    encoder = _side("encoder", table, table.encoder_layers, {"ffn": table.ffn, "heads": table.heads})
    attention = {"self_heads": table.heads, "cross_heads": table.heads, "cross_attention": table.cross_attention}
    return encoder + _side("decoder", table, table.decoder_layers, {"ffn": table.ffn, **attention})


def _side(side: str, table: Table, depths: tuple[int, ...], options: Mapping[str, tuple[int, ...]]) -> list[Choice]:
    """Width, depth, and then the choices of every layer, which matter only in networks that are deep enough."""
    choices = [Choice(f"{side}.embed_dim", table.embed_dims), Choice(f"{side}.layers", depths)]
    for name, values in options.items():
        for number in range(1, max(depths) + 1):
            deep_enough = tuple(depth for depth in depths if depth >= number)
            when = None if deep_enough == depths else (f"{side}.layers", deep_enough)
            choices.append(Choice(f"{side}.layer{number}.{name}", values, when))
    return choices


def _slots(table: Table) -> list[Slot]:
    """The slots in running order: the target's own embedding, if any, comes after the encoder."""
    encoder = [_encoder_layer(table, number) for number in range(1, max(table.encoder_layers) + 1)]
    decoder = [_decoder_layer(table, number) for number in range(1, max(table.decoder_layers) + 1)]
    source, *target = _embeddings(table)
    return [source, *encoder, *target, *decoder, _output(table)]


def _embeddings(table: Table) -> list[Slot]:
    """A shared table is as wide as the wider one of encoder and decoder needs."""
    widths, largest = ("encoder.embed_dim", "decoder.embed_dim"), max(table.embed_dims)

    def slot(name: str, choices: tuple[str, ...], vocabulary: int, length: int) -> Slot:
        def spec(*dims: int) -> Embedding:
            dim = max(dims)
            return Embedding(vocabulary=vocabulary, dim=dim, largest_dim=largest, length=length, dropout=table.dropout)

        return Slot(name, choices, spec)

    if table.source_vocabulary is None:
        return [slot("embedding", widths, table.vocabulary, table.source_length)]
    source = slot("source_embedding", widths[:1], table.source_vocabulary, table.source_length)
    return [source, slot("target_embedding", widths[1:], table.vocabulary, table.target_length)]


def _dropout(table: Table, dim: int) -> float:
    return table.dropout * dim / max(table.embed_dims)


def _encoder_layer(table: Table, number: int) -> Slot:
    def spec(depth: int, dim: int, ffn: int, heads: int) -> EncoderLayer | None:
        if number > depth:
            return None
        return EncoderLayer(
            dim=dim,
            qkv_dim=table.qkv_dim,
            n_heads=heads,
            ffn=ffn,
            length=table.source_length,
            dropout=_dropout(table, dim),
        )

    name = f"encoder.layer{number}"
    return Slot(name, ("encoder.layers", "encoder.embed_dim", f"{name}.ffn", f"{name}.heads"), spec)


def _decoder_layer(table: Table, number: int) -> Slot:
    def spec(
        depth: int, memory_dim: int, dim: int, ffn: int, self_heads: int, cross_heads: int, cross_attention: int
    ) -> DecoderLayer | None:
        if number > depth:
            return None
        return DecoderLayer(
            dim=dim,
            memory_dim=memory_dim,
            qkv_dim=table.qkv_dim,
            self_heads=self_heads,
            cross_heads=cross_heads,
            n_memories=n_memories(cross_attention),
            ffn=ffn,
            length=table.target_length,
            memory_length=table.source_length,
            dropout=_dropout(table, dim),
        )

    name = f"decoder.layer{number}"
    own = [f"{name}.{choice}" for choice in ("ffn", "self_heads", "cross_heads", "cross_attention")]
    return Slot(name, ("decoder.layers", "encoder.embed_dim", "decoder.embed_dim", *own), spec)


def _output(table: Table) -> Slot:
    def spec(dim: int) -> Output:
        tied = table.source_vocabulary is None
        return Output(dim=dim, vocabulary=table.vocabulary, length=table.target_length, tied=tied)

    return Slot("output", ("decoder.embed_dim",), spec)
