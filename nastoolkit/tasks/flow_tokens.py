"""Flows as tokens: two bytes each, field by field, in bursts, with what is known of each burst as a whole.

[Guthula2023] S. Guthula et al., "netFound: Foundation Model for Network Security", arXiv 2310.17025, and its code.

A packet has 18 places: five fields of IP, up to seven of TCP, UDP or ICMP, and six for the first 12 bytes of payload. A field
is padded to two bytes, so that no token has parts of two fields, and a place has the same meaning in all packets of a
protocol. For comparison, :func:`chunks` cuts the same header every two bytes, wherever fields begin.

Differs from the paper in: rare values share tokens, by a hash; a protocol with fewer fields leaves places empty, where the
paper's packets are shorter; bytes, packets and gaps of a burst are logarithms; and there is no token for a class, of which
networks have one for each burst themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from nastoolkit.support.counts import keep_whole
from nastoolkit.tasks.flows import DIRECTION, FIELDS, FIRST, LENGTH, N_PAYLOAD, PROTOCOLS, Flows, bursts

N_HEADER, N_PLACES = 12, 18  # places of a packet: header, and all
PAD, MASK, SPECIAL = 0, 1, 2  # tokens of empty places and of masked ones, and the number of such tokens
N_FACTS = 4  # of a burst: direction, bytes, packets, gap
WIDTHS = {  # bytes of the header's fields after the direction
    "TCP": (1, 1, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2),
    "UDP": (1, 1, 2, 1, 1, 2),
    "ICMP": (1, 1, 2, 1, 1, 1, 1),
}
FACTOR = 40_503  # of the hash, [Knuth, Section 6.4]: 2^16 divided by the golden ratio, as an odd number


@dataclass(frozen=True)
class Composition:
    """What of a flow becomes tokens.

    Attributes:
        n_bursts: First bursts that are kept.
        n_packets: First packets that are kept of each burst.
    """

    n_bursts: int = 6
    n_packets: int = 3

    def __post_init__(self) -> None:
        keep_whole(self, n_bursts=1, n_packets=1)


@dataclass(frozen=True)
class Vocabulary16:
    """Tokens of numbers of 16 bits: the most frequent ones have their own, and all others share some by a hash.

    Attributes:
        common: Numbers with tokens of their own, in ascending order.
        n_shared: Number of tokens for all others.
    """

    common: np.ndarray
    n_shared: int

    @classmethod
    def of(cls, numbers: np.ndarray, n_common: int = 1000, n_shared: int = 256) -> Vocabulary16:
        """The vocabulary of some numbers ``(k,)``; with 65,536 common ones, every number has its own token.

        Raises:
            ValueError: There is no token for rare numbers, and not every number is common.
        """
        if n_common >= 1 << 16:
            return cls(np.arange(1 << 16), 0)
        if n_shared < 1:
            raise ValueError(f"n_shared must be at least 1 unless all 65536 numbers are common, got {n_shared}")
        found, counts = np.unique(numbers, return_counts=True)
        return cls(np.sort(found[np.argsort(-counts, kind="stable")[:n_common]]), n_shared)

    def __len__(self) -> int:
        return SPECIAL + len(self.common) + self.n_shared

    def tokens(self, values: np.ndarray) -> np.ndarray:
        """Tokens of values, which are numbers plus 1, and 0 for empty places; the same shape."""
        numbers = np.maximum(values.astype(np.int64) - 1, 0)
        place = np.minimum(np.searchsorted(self.common, numbers), len(self.common) - 1)
        shared = len(self.common) + ((numbers * FACTOR) % (1 << 16) * self.n_shared >> 16)
        tokens = SPECIAL + np.where(self.common[place] == numbers, place, shared)
        return np.where(values == 0, PAD, tokens)


def packet_values(flows: Flows) -> np.ndarray:
    """Values ``(m, 18)`` of every packet's places, field by field: numbers plus 1, and 0 where a place is empty."""
    kinds, values = flows.protocol[flows.flow], np.zeros((len(flows.header), N_PLACES), np.int64)
    for kind, protocol in enumerate(PROTOCOLS):
        own, n = kinds == kind, FIRST - 1 + len(FIELDS[protocol])
        values[own, :n] = flows.header[own, 1 : 1 + n].astype(np.int64) + 1
    values[:, N_HEADER:] = _payload_values(flows)
    return values


def _payload_values(flows: Flows) -> np.ndarray:
    """Values ``(m, 6)`` of the first bytes of payload, the last of which is padded to two."""
    known = flows.payload_length[:, None] > np.arange(0, N_PAYLOAD, 2)
    pairs = flows.payload.astype(np.int64).reshape(-1, N_PAYLOAD // 2, 2)
    return np.where(known, 256 * pairs[:, :, 0] + pairs[:, :, 1] + 1, 0)


def chunks(flows: Flows) -> np.ndarray:
    """Values ``(m, 18)`` of the header's bytes, two at a time wherever fields begin; places of the payload are empty."""
    kinds, values = flows.protocol[flows.flow], np.zeros((len(flows.header), N_PLACES), np.int64)
    for kind, protocol in enumerate(PROTOCOLS):
        own, widths = kinds == kind, WIDTHS[protocol]
        fields = flows.header[own, 1 : 1 + len(widths)].astype(np.int64).T
        parts = [[field] if width == 1 else [field >> 8, field & 255] for field, width in zip(fields, widths, strict=True)]
        stream = [byte & 255 for part in parts for byte in part]
        stream += [np.zeros_like(fields[0])] * (len(stream) % 2)
        for place in range(len(stream) // 2):
            values[own, place] = 256 * stream[2 * place] + stream[2 * place + 1] + 1
    return values


def inputs_of(
    flows: Flows, vocabulary: Vocabulary16, composition: Composition, values: np.ndarray | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a network sees of n flows.

    Args:
        flows: The flows.
        vocabulary: Tokens of the values.
        composition: How many bursts and packets are kept; empty places have the token 0.
        values: Values ``(m, 18)`` of the packets; by default those of :func:`packet_values`.

    Returns:
        Tokens ``(n, n_bursts, n_packets, 18)``; facts of each burst ``(n, n_bursts, 4)``: direction (1 or -1), and logarithms
        of 1 + kB, of the number of packets, and of 1 + ms since the burst before began, for all packets of the burst, kept or
        not; and protocols ``(n,)``.
    """
    burst, place = bursts(flows)
    values = packet_values(flows) if values is None else values
    kept = (burst < composition.n_bursts) & (place < composition.n_packets)
    tokens = np.zeros((len(flows), composition.n_bursts, composition.n_packets, N_PLACES), np.int64)
    tokens[flows.flow[kept], burst[kept], place[kept]] = vocabulary.tokens(values[kept])
    facts = _facts(flows, burst, composition.n_bursts)
    return torch.from_numpy(tokens), torch.from_numpy(facts), torch.from_numpy(flows.protocol.astype(np.int64))


def _facts(flows: Flows, burst: np.ndarray, n_bursts: int) -> np.ndarray:
    """Facts of bursts ``(n, n_bursts, 4)``, zeros for those that a flow has not."""
    own = burst < n_bursts
    where = flows.flow[own], burst[own]
    n_bytes, count, begun = np.zeros((3, len(flows), n_bursts))
    np.add.at(n_bytes, where, flows.header[own, LENGTH].astype(np.float64))
    np.add.at(count, where, 1.0)
    begun.fill(np.inf)
    np.minimum.at(begun, where, flows.time[own])
    direction = np.zeros((len(flows), n_bursts))
    direction[where] = 1.0 - 2.0 * flows.header[own, DIRECTION]
    real = count > 0
    begun = np.where(real, begun, 0)
    gap = np.diff(begun, axis=1, prepend=begun[:, :1])
    facts = [direction, np.log1p(n_bytes / 1000), np.log(np.maximum(count, 1)), np.log1p(1000 * np.maximum(gap, 0))]
    return np.where(real[:, :, None], np.stack(facts, axis=2), 0).astype(np.float32)
