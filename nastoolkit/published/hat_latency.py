"""HAT's latency data sets: 8 times 2,000 random Transformers, measured on a Raspberry Pi, a Xeon and a Titan Xp.

[Wang2020] H. Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", ACL 2020.

Source: https://github.com/mit-han-lab/hardware-aware-transformers, commit 70e5a27, ``latency_dataset``.

A row is one sentence (30 tokens, 23 for IWSLT'14) translated with beam 5. Its features are averages over layers, which do not
determine the genotype; but genotypes determine the averages, so a predictor that was fitted to rows can be used in a search.
The networks are from a wider space than HAT's: it also has feed-forward networks of 512 units, and 2 heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nastoolkit.families.hat import n_memories
from nastoolkit.published.sources import DATA_SETS, find
from nastoolkit.space import SearchSpace

DEVICES = tuple(file.removesuffix("_all.csv") for file in DATA_SETS["hat-latency"].sha256)
FEATURES = (  # in the order of the columns: side and kind of choice, averaged over layers if each has its own
    "encoder.embed_dim",
    "encoder.layers",
    "encoder.ffn",
    "encoder.heads",
    "decoder.embed_dim",
    "decoder.layers",
    "decoder.ffn",
    "decoder.self_heads",
    "decoder.cross_heads",
    "decoder.cross_attention",
)


@dataclass(frozen=True)
class TransformerLatency:
    """Transformers and their measured latencies.

    Attributes:
        features: Features ``(n, 10)``, in the order of ``FEATURES``.
        encoder_ms: Latencies of the encoder ``(n,)``, in ms.
        decoder_ms: Latencies of the decoder ``(n,)``, in ms.
    """

    features: np.ndarray
    encoder_ms: np.ndarray
    decoder_ms: np.ndarray

    @property
    def latency_ms(self) -> np.ndarray:
        """Latency of a whole translation, ``(n,)``: what HAT's predictor predicts."""
        return self.encoder_ms + self.decoder_ms


def hat_latency(device: str, folder: str | Path | None = None) -> TransformerLatency:
    """The measurements of one task on one device.

    Args:
        device: One of ``DEVICES``, e.g. ``wmt14enfr_cpu_raspberrypi``.
        folder: See :func:`nastoolkit.published.find`.
    """
    if device not in DEVICES:
        raise ValueError(f"unknown device {device!r}; known: {', '.join(DEVICES)}")
    rows = pd.read_csv(find("hat-latency", folder)[f"{device}_all.csv"])
    latencies = rows[["latency_mean_encoder", "latency_mean_decoder"]].to_numpy(dtype=float).T
    return TransformerLatency(rows.iloc[:, : len(FEATURES)].to_numpy(dtype=float), *latencies)


def hat_features(space: SearchSpace, genotypes: np.ndarray) -> np.ndarray:
    """The features ``(n, 10)`` of genotypes ``(n, d)`` of ``hat-wmt`` or ``hat-iwslt``."""
    genotypes = np.atleast_2d(space.check(genotypes))
    alive = space.alive(genotypes)
    columns = []
    for feature in FEATURES:
        genes = [gene for gene, c in enumerate(space.choices) if f"{c.place.partition('.')[0]}.{c.kind}" == feature]
        values = np.stack([_numbers(space, gene)[genotypes[:, gene]] for gene in genes], axis=1)
        columns.append(np.average(values, axis=1, weights=alive[:, genes]))
    return np.stack(columns, axis=1)


def _numbers(space: SearchSpace, gene: int) -> np.ndarray:
    """A gene's options as numbers; cross-attention becomes the number of encoder layers that it sees, as in the files."""
    choice = space.choices[gene]
    counts = choice.kind == "cross_attention"
    return np.array([n_memories(option) if counts else option for option in choice.options], dtype=float)
