"""Flows from captures (pcap or pcapng) that the user provides, a folder for each class.

Differs from what [Guthula2023] (arXiv 2310.17025) does in: a flow is everything between two ends, without a time-out, and its
first packets are kept; IPv4 alone; fragments after the first are left out.
"""

from __future__ import annotations

import importlib
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nastoolkit.tasks.data_sets import datasets_folder
from nastoolkit.tasks.flow_task import FlowTask, dealt
from nastoolkit.tasks.flow_tokens import Composition
from nastoolkit.tasks.flows import N_COLUMNS, N_PAYLOAD, PROTOCOLS, Flows, joined_flows

N_KEPT = 72  # packets of a flow: the published 12 bursts of 6
LINKS = {0: "loopback.Loopback", 1: "ethernet.Ethernet", 12: "ip.IP", 101: "ip.IP", 113: "sll.SLL", 228: "ip.IP"}
REMEDY = "Give every class a folder with at least 3 captures: <datasets>/flow-captures/<class>/<name>.pcap"


class FlowCaptures(FlowTask):
    """Classes of flows by the folders of their captures; no capture is in two splits, and every number has a token."""

    composition, n_common = Composition(12, 6), 65_536

    def __init__(self) -> None:
        super().__init__("flow-captures", REMEDY)

    def divided(self) -> tuple[dict[str, Flows], Flows]:
        """See :class:`nastoolkit.tasks.flow_task.FlowTask`."""
        folder = datasets_folder() / self.name
        files = sorted(path for path in folder.glob("*/*") if path.suffix in (".pcap", ".pcapng", ".cap"))
        if not files:
            raise self.missing(f"{folder} has no captures")
        try:
            flows = joined_flows([read_capture(file, file.parent.name, number) for number, file in enumerate(files)])
            rows = dealt(flows, np.unique(flows.label).tolist())
        except ValueError as error:
            raise self.missing(str(error)) from error
        return {name: flows.take(own) for name, own in rows.items() if name != "all"}, flows.take(rows["all"])


def read_capture(file: Path, label: str = "", source: int = 0, n_kept: int = N_KEPT) -> Flows:
    """The flows of a capture, by their first packets; addresses and ports only tell which packets belong together.

    A file that ends in the middle of a packet gives all packets before it, with a warning.

    Args:
        file: A file in the format pcap or pcapng.
        label: Class of all its flows.
        source: Its number.
        n_kept: Packets that are kept of each flow.

    Raises:
        ImportError: The library dpkt is missing.
        ValueError: The file is no capture, or has no flow of TCP, UDP or ICMP over IPv4.
    """
    flows: dict[Any, list[tuple[float, list[int], bytes]]] = {}
    ends: dict[Any, bytes] = {}
    for time, ip in _packets(file):
        if (found := _row(ip)) is not None:
            key, row, payload = found
            row[0] = int(ends.setdefault(key, ip.src + _port(ip)) != ip.src + _port(ip))
            flows.setdefault(key, []).append((time, row, payload))
    if not flows:
        raise ValueError(f"{file} has no packets of TCP, UDP or ICMP over IPv4")
    return _table([(PROTOCOLS[key[0]], packets[:n_kept]) for key, packets in flows.items()], label, source)


def _port(ip: Any) -> bytes:
    return getattr(ip.data, "sport", 0).to_bytes(2, "big")


class _Watched:
    """A file that remembers whether its last reading got all that it wanted."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.seek, self.is_cut = file, file.seek, False

    def read(self, n: int) -> bytes:
        """The next bytes, fewer at the end."""
        found = self.file.read(n)
        self.is_cut = len(found) < n
        return found


def _packets(file: Path) -> Iterator[tuple[float, Any]]:
    """Times in seconds and IPv4 packets."""
    try:
        dpkt = importlib.import_module("dpkt")
    except ImportError as error:
        raise ImportError("captures are read by the library dpkt: pip install nastoolkit[pcap]") from error
    with file.open("rb") as opened:
        watched, n = _Watched(opened), 0
        try:
            reader = dpkt.pcap.UniversalReader(watched)
        except (ValueError, dpkt.Error) as error:
            raise ValueError(f"{file} is no capture in the format pcap or pcapng") from error
        kind = _link(file, reader.datalink())
        try:
            for time, frame in reader:
                if watched.is_cut:
                    raise dpkt.NeedData
                n += 1
                ip = _ip(kind, frame, dpkt)
                if ip is not None:
                    yield float(time), ip
        except (dpkt.Error, struct.error):
            warnings.warn(f"{file} ends in the middle of a packet; the {n} before it are used", stacklevel=2)


def _link(file: Path, number: int) -> Any:
    """The class of frames."""
    if number not in LINKS:
        raise ValueError(f"{file} has frames of kind {number}; known: {', '.join(map(str, LINKS))}")
    module, _, name = LINKS[number].partition(".")
    return getattr(importlib.import_module(f"dpkt.{module}"), name)


def _ip(kind: Any, frame: bytes, dpkt: Any) -> Any:
    """The IPv4 packet of a frame; None if it has none, or not all of its headers."""
    try:
        packet = kind(frame)
    except dpkt.Error:
        return None
    packet = packet if isinstance(packet, dpkt.ip.IP) else packet.data
    return packet if isinstance(packet, dpkt.ip.IP) and packet.offset == 0 else None


def _row(ip: Any) -> tuple[Any, list[int], bytes] | None:
    """Which flow a packet is of, its numbers (see :class:`Flows`), and its payload; None for other protocols."""
    own, name = ip.data, type(ip.data).__name__
    if name == "TCP":
        numbers = [own.flags, own.win, own.seq >> 16, own.seq & 65535, own.ack >> 16, own.ack & 65535, own.urp]
    elif name == "UDP":
        numbers = [own.ulen]
    elif name == "ICMP":
        numbers = [own.type, own.code]
    else:
        return None
    payload = bytes(own)[4:] if name == "ICMP" else bytes(own.data)
    ends = sorted((ip.src + _port(ip), ip.dst + getattr(own, "dport", 0).to_bytes(2, "big")))
    row = [0, 4 * ip.hl, ip.tos, ip.len, 4 * ip.rf + 2 * ip.df + ip.mf, ip.ttl, *numbers]
    return (PROTOCOLS.index(name), *ends), row + [0] * (N_COLUMNS - len(row)), payload


def _table(flows: list[tuple[str, list[tuple[float, list[int], bytes]]]], label: str, source: int) -> Flows:
    packets = [packet for _, own in flows for packet in own]
    heads = [payload[:N_PAYLOAD].ljust(N_PAYLOAD, b"\0") for _, _, payload in packets]
    return Flows(
        header=np.array([row for _, row, _ in packets], np.int64).astype(np.uint16),
        payload=np.frombuffer(b"".join(heads), np.uint8).reshape(-1, N_PAYLOAD),
        payload_length=np.array([len(payload) for _, _, payload in packets]),
        time=np.array([time - own[0][0] for _, own in flows for time, _, _ in own]),
        n_packets=np.array([len(own) for _, own in flows]),
        protocol=np.array([PROTOCOLS.index(name) for name, _ in flows]),
        label=np.full(len(flows), label),
        source=np.full(len(flows), source),
    )
