"""Flows of network packets: what is kept of them, bursts, and statistics. No addresses and no ports are kept.

[Guthula2023] S. Guthula et al., "netFound: Foundation Model for Network Security", arXiv 2310.17025: flows and bursts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

PROTOCOLS = ("TCP", "UDP", "ICMP")
FIELDS = {  # of each protocol, after direction and the five of IP; further columns are 0
    "TCP": ("flags", "window", "seq_high", "seq_low", "ack_high", "ack_low", "urgent"),
    "UDP": ("length",),
    "ICMP": ("type", "code"),
}
DIRECTION, LENGTH, TTL, FIRST = 0, 3, 5, 6  # columns of a header: FIRST is the first one of the protocol
N_COLUMNS, N_PAYLOAD = 13, 12
BURST_S = 0.01  # a longer gap between packets of one direction begins a new burst


@dataclass(frozen=True)
class Flows:
    """Packets of n flows, m in all, one flow after the other.

    Attributes:
        header: Numbers ``(m, 13)``: direction (0 is that of the first packet), IP header length in bytes, type of service,
            total length in bytes, IP flags, time to live, and then the fields in ``FIELDS``.
        payload: First bytes of the payload ``(m, 12)``; zeros where there are fewer.
        payload_length: Bytes of payload ``(m,)``.
        time: Seconds since the flow's first packet ``(m,)``.
        n_packets: Packets of each flow ``(n,)``.
        protocol: Place in ``PROTOCOLS`` of each flow ``(n,)``.
        label: Name of each flow's class ``(n,)``; empty if it is unknown.
        source: Capture that each flow comes from ``(n,)``.

    Raises:
        ValueError: Arrays do not fit each other, or a flow has no packets.
    """

    header: np.ndarray
    payload: np.ndarray
    payload_length: np.ndarray
    time: np.ndarray
    n_packets: np.ndarray
    protocol: np.ndarray
    label: np.ndarray
    source: np.ndarray

    def __post_init__(self) -> None:
        empty = np.flatnonzero(np.asarray(self.n_packets) < 1)
        if len(empty):
            raise ValueError(f"every flow needs a packet, and flow {empty[0]} has none")
        m, n = int(np.sum(self.n_packets)), len(self.n_packets)
        packets = [self.payload_length, self.time]
        if self.header.shape != (m, N_COLUMNS) or self.payload.shape != (m, N_PAYLOAD) or any(len(x) != m for x in packets):
            raise ValueError(f"{n} flows have {m} packets, and there are {len(self.header)} headers of {N_COLUMNS} numbers")
        if any(len(x) != n for x in (self.protocol, self.label, self.source)):
            raise ValueError(f"there are {n} flows, with {len(self.label)} labels and {len(self.source)} sources")

    def __len__(self) -> int:
        return len(self.n_packets)

    @property
    def flow(self) -> np.ndarray:
        """Number of the flow that each packet is of ``(m,)``."""
        return np.repeat(np.arange(len(self)), self.n_packets)

    def take(self, rows: np.ndarray) -> Flows:
        """Some flows, by their numbers ``(k,)``, in that order."""
        ends = np.cumsum(self.n_packets)
        ranges = [np.arange(ends[row] - self.n_packets[row], ends[row]) for row in rows]
        packets = np.concatenate([np.arange(0), *ranges])
        whole = (self.n_packets, self.protocol, self.label, self.source)
        parts = (self.header, self.payload, self.payload_length, self.time)
        return Flows(*(part[packets] for part in parts), *(part[rows] for part in whole))


def joined_flows(parts: Sequence[Flows]) -> Flows:
    """All flows of several tables, one after the other."""
    return Flows(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Flows)))


def bursts(flows: Flows, gap_s: float = BURST_S) -> tuple[np.ndarray, np.ndarray]:
    """Which burst of its flow each packet is in ``(m,)``, and its place in the burst ``(m,)``, both from 0.

    The packets of one direction are a burst until a gap is longer than ``gap_s``; bursts are in the order of their first
    packets, however the two directions' packets interleave.
    """
    flow, direction = flows.flow, flows.header[:, DIRECTION].astype(np.int64)
    arrival = np.arange(len(flow))
    order = np.lexsort((arrival, flows.time, direction, flow))
    line = 2 * flow[order] + direction[order]
    starts = np.r_[True, (np.diff(line) != 0) | (np.diff(flows.time[order]) > gap_s)]
    burst = np.cumsum(starts) - 1  # over all flows, in the order of their directions
    first = np.flatnonzero(starts)
    place = np.empty(len(flow), np.int64)
    place[order] = np.arange(len(flow)) - first[burst]
    heads = order[first]  # the first packet of each burst
    by_time = np.lexsort((arrival[heads], flows.time[heads], flow[heads]))
    rank = np.empty(len(heads), np.int64)
    rank[by_time] = _count_within(flow[heads][by_time])
    number = np.empty(len(flow), np.int64)
    number[order] = rank[burst]
    return number, place


def _count_within(groups: np.ndarray) -> np.ndarray:
    """0, 1, 2 ... in every stretch of equal numbers ``(k,)``."""
    starts = np.r_[True, np.diff(groups) != 0]
    return np.arange(len(groups)) - np.flatnonzero(starts)[np.cumsum(starts) - 1]


STATISTICS = ("packets", "share", "bytes", "mean_length", "std_length", "max_length", "mean_gap", "std_gap", "max_gap")


def flow_statistics(flows: Flows) -> np.ndarray:
    """Statistics of sizes and times ``(n, 21)``, such as flow meters export; no field of a header but lengths.

    They are those in ``STATISTICS`` for each direction, with the share of all packets; then the protocol, the duration in
    seconds, and the number of bursts.
    """
    flow, direction, length = (x.astype(np.int64) for x in (flows.flow, flows.header[:, DIRECTION], flows.header[:, LENGTH]))
    columns = [part for way in range(2) for part in _one_way(flows, flow, length, direction == way)]
    duration = np.zeros(len(flows))
    np.maximum.at(duration, flow, flows.time)
    n_bursts = np.zeros(len(flows))
    np.maximum.at(n_bursts, flow, bursts(flows)[0] + 1.0)
    return np.stack([*columns, flows.protocol, duration, n_bursts], axis=1).astype(np.float64)


def _one_way(flows: Flows, flow: np.ndarray, length: np.ndarray, own: np.ndarray) -> list[np.ndarray]:
    """Columns of the packets of one direction, in the order of ``STATISTICS``."""
    flow, time, n = flow[own], flows.time[own], len(flows)
    count = np.bincount(flow, minlength=n)
    inside = np.diff(flow) == 0
    gaps = _moments(flow[1:][inside], np.diff(time)[inside], n)
    sizes = _moments(flow, length[own].astype(np.float64), n)
    return [count, count / flows.n_packets, sizes[0] * count, *sizes, *gaps]


def _moments(group: np.ndarray, value: np.ndarray, n: int) -> list[np.ndarray]:
    """Mean, standard deviation and maximum of each group ``(n,)``, 0 for those without values."""
    count = np.maximum(np.bincount(group, minlength=n), 1)
    mean = np.bincount(group, value, n) / count
    spread = np.bincount(group, (value - mean[group]) ** 2, n) / count
    largest = np.zeros(n)
    np.maximum.at(largest, group, value)
    return [mean, np.sqrt(spread), largest]
