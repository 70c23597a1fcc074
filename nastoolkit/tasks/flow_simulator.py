"""Simulated network traffic: eight kinds of flows, with the arithmetic of TCP and hosts that differ in everything else.

[RFC9293] W. Eddy, "Transmission Control Protocol (TCP)", 2022: sequence and acknowledgement numbers.

What a host or a path is like (time to live, largest segment, window, round trip) is drawn for each flow, from the same
distributions for all kinds, so that kinds differ only in who sends how much, and when. Flows are seen near the client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from nastoolkit.tasks.flows import N_COLUMNS, N_PAYLOAD, PROTOCOLS, Flows

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = 0, 1
N_KEPT = 16  # packets of a flow
LOSS = 0.02  # probability that a segment is sent again
TCP, UDP = PROTOCOLS.index("TCP"), PROTOCOLS.index("UDP")


class Packet(NamedTuple):
    """One packet: seconds, direction, flags of TCP or None, bytes of payload, the first of them, and the row of numbers."""

    time: float
    header: list[int]
    payload: bytes
    n_payload: int


@dataclass
class Connection:
    """Two hosts that talk; every packet that passes is kept.

    Attributes:
        rng: Draws the hosts and the path.
        protocol: Place in ``PROTOCOLS``.
    """

    rng: np.random.Generator
    protocol: int = TCP
    packets: list[Packet] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = self.rng
        self.now, self.rtt = 0.0, float(np.clip(rng.lognormal(np.log(0.03), 0.8), 0.002, 0.4))
        hops = rng.integers(0, 3), rng.integers(4, 24)
        self.ttl = [int(rng.choice([64, 128, 255], p=[0.55, 0.35, 0.1]) - hop) for hop in hops]
        self.segment = int(rng.choice([1460, 1440, 1400, 1360, 1240]))
        self.window = [int(rng.choice([64240, 65535, 29200, 8192, 502, 229])) for _ in range(2)]
        self.options = 12 * int(rng.random() < 0.6)  # timestamps
        self.tos = int(rng.choice([0, 0, 0, 0, 8, 72]))
        self.next = [int(number) for number in rng.integers(0, 1 << 32, 2)]  # sequence number of each host's next byte

    def wait(self, seconds: float) -> None:
        """Nothing happens for so long."""
        self.now += seconds

    def tcp(self, sender: int, flags: int, n_payload: int = 0, head: bytes = b"") -> None:
        """One segment, which moves its sender's sequence number; a lost one is sent again, with the same numbers."""
        before = self.next[sender]
        self._segment(sender, flags, before, n_payload, head)
        if n_payload and self.rng.random() < LOSS:
            self.wait(max(0.2, 2 * self.rtt))
            self._segment(sender, flags, before, n_payload, head)
        self.next[sender] = (before + n_payload + bool(flags & SYN) + bool(flags & FIN)) % (1 << 32)

    def _segment(self, sender: int, flags: int, number: int, n_payload: int, head: bytes) -> None:
        seen = self.next[1 - sender] if flags & ACK else 0
        options = 20 if flags & SYN else 0 if flags & RST else self.options
        window = int(np.clip(self.window[sender] + self.rng.integers(-40, 41), 0, 65535))
        own = [flags, window, number >> 16, number & 65535, seen >> 16, seen & 65535, 0]
        self._keep(sender, 40 + options + n_payload, own, n_payload, head)

    def udp(self, sender: int, n_payload: int, head: bytes = b"") -> None:
        """One datagram."""
        self._keep(sender, 28 + n_payload, [8 + n_payload], n_payload, head)

    def _keep(self, sender: int, length: int, own: Sequence[int], n_payload: int, head: bytes) -> None:
        row = [sender, 20, self.tos, length, 2, self.ttl[sender], *own]
        row += [0] * (N_COLUMNS - len(row))
        payload = (head + self.rng.bytes(N_PAYLOAD))[: min(n_payload, N_PAYLOAD)].ljust(N_PAYLOAD, b"\0")
        self.packets.append(Packet(self.now, row, payload, n_payload))
        self.wait(float(self.rng.exponential(2e-4)))

    def open(self) -> None:
        """Three segments that begin a connection."""
        self.tcp(CLIENT, SYN)
        self.wait(self.rtt)
        self.tcp(SERVER, SYN | ACK)
        self.tcp(CLIENT, ACK)

    def message(self, sender: int, n_bytes: int, head: bytes = b"", delay: float = 0.0) -> None:
        """Bytes in segments, of which every second one is acknowledged; the other side's come a round trip later."""
        self.wait(delay + self.rtt * (0.9 + 0.2 * self.rng.random()) * (sender == SERVER))
        number = 0
        while n_bytes > 0 and len(self.packets) < N_KEPT + 1:
            size = min(n_bytes, self.segment - self.options)
            n_bytes, number = n_bytes - size, number + 1
            self.tcp(sender, ACK | PSH * (n_bytes == 0), size, head)
            head = b""
            if number % 2 == 0 or n_bytes == 0:
                self.tcp(1 - sender, ACK)

    def close(self) -> None:
        """Both sides end the connection."""
        self.tcp(CLIENT, FIN | ACK)
        self.wait(self.rtt)
        self.tcp(SERVER, FIN | ACK)
        self.tcp(CLIENT, ACK)


def _size(rng: np.random.Generator, median: float, spread: float) -> int:
    return max(1, int(rng.lognormal(np.log(median), spread)))


def _hello(c: Connection) -> None:
    """What begins an encrypted connection."""
    c.open()
    c.message(CLIENT, _size(c.rng, 400, 0.25), b"\x16\x03\x01")
    c.message(SERVER, _size(c.rng, 2800, 0.3), b"\x16\x03\x03")


def web_page(c: Connection) -> None:
    """Requests in a row, with answers of all sizes."""
    _hello(c)
    for _ in range(c.rng.integers(1, 5)):
        c.message(CLIENT, _size(c.rng, 450, 0.4), b"\x17\x03\x03", c.rng.exponential(0.05))
        c.message(SERVER, _size(c.rng, 2500, 1.2), b"\x17\x03\x03", c.rng.exponential(0.02))
    c.close()


def video(c: Connection) -> None:
    """Small requests for large pieces, with pauses."""
    _hello(c)
    while len(c.packets) < N_KEPT:
        c.message(CLIENT, _size(c.rng, 380, 0.3), b"\x17\x03\x03", c.rng.exponential(0.4))
        c.message(SERVER, _size(c.rng, 9000, 0.5), b"\x17\x03\x03", c.rng.exponential(0.02))


def download(c: Connection) -> None:
    """One request, then as much as fits."""
    _hello(c)
    c.message(CLIENT, _size(c.rng, 420, 0.4), b"\x17\x03\x03", c.rng.exponential(0.05))
    c.message(SERVER, 1 << 20, b"\x17\x03\x03", c.rng.exponential(0.03))


def _shell(c: Connection) -> None:
    c.open()
    c.message(SERVER, _size(c.rng, 41, 0.1), b"SSH-2.0-")
    c.message(CLIENT, _size(c.rng, 38, 0.15), b"SSH-2.0-")


def shell(c: Connection) -> None:
    """Somebody types: keys and their echo."""
    if c.rng.random() < 0.5:
        _shell(c)
    while len(c.packets) < N_KEPT:
        n = 36 + 4 * int(c.rng.integers(0, 6))
        c.message(CLIENT, n, b"", c.rng.lognormal(np.log(0.15), 0.9))
        c.message(SERVER, n + 4 * int(c.rng.integers(0, 12)), b"", 0.001)


def names(c: Connection) -> None:
    """Questions for addresses, each answered."""
    for _ in range(c.rng.integers(2, 5)):
        head = c.rng.bytes(2)
        n = _size(c.rng, 38, 0.25)
        c.udp(CLIENT, n, head + b"\x01\x00\x00\x01")
        c.wait(c.rtt * c.rng.uniform(0.2, 1))
        c.udp(SERVER, n + _size(c.rng, 60, 0.7), head + b"\x81\x80\x00\x01")
        c.wait(c.rng.exponential(0.05))


def call(c: Connection) -> None:
    """A voice at each end, a packet every 20 ms, with pauses."""
    size = int(c.rng.choice([172, 92, 72, 60]))
    while len(c.packets) < N_KEPT:
        for sender in (CLIENT, SERVER):
            if c.rng.random() < 0.85:
                c.udp(sender, size + int(c.rng.integers(0, 3)), b"\x80\x00")
        c.wait(0.02 + abs(c.rng.normal(0, 0.003)))


def scan(c: Connection) -> None:
    """A knock on a port that is closed, silent, or open and left at once."""
    answer = c.rng.integers(3)
    c.tcp(CLIENT, SYN)
    if answer == 0:
        for wait in (1.0, 2.0, 4.0)[: c.rng.integers(1, 4)]:
            c.wait(wait * c.rng.uniform(0.95, 1.05))
            c.next[CLIENT] = (c.next[CLIENT] - 1) % (1 << 32)  # the same SYN again
            c.tcp(CLIENT, SYN)
    else:
        c.wait(c.rtt)
        c.tcp(SERVER, RST | ACK if answer == 1 else SYN | ACK)
        if answer == 2:
            c.tcp(CLIENT, RST)


def guesses(c: Connection) -> None:
    """A program that tries passwords: the shell's beginning, then failures without pauses."""
    _shell(c)
    for n in range(c.rng.integers(2, 7)):
        c.message(CLIENT, 36 + 4 * int(c.rng.integers(0, 10)), b"", c.rng.exponential(0.03))
        c.message(SERVER, 36 + 4 * int(c.rng.integers(0, 6)), b"", 0.05 * (n > 0) + c.rng.exponential(0.2))
    c.close()


KINDS: dict[str, tuple[int, Callable[[Connection], None]]] = {
    "web page": (TCP, web_page),
    "video": (TCP, video),
    "download": (TCP, download),
    "shell": (TCP, shell),
    "names": (UDP, names),
    "call": (UDP, call),
    "scan": (TCP, scan),
    "password guesses": (TCP, guesses),
}


def simulated(n: int, seed: Sequence[int]) -> Flows:
    """Flows of all kinds in turn, in a random order; each has a generator of its own.

    Args:
        n: Number of flows.
        seed: Random seed.

    Raises:
        ValueError: There are fewer flows than kinds.
    """
    if n < len(KINDS):
        raise ValueError(f"n must be at least {len(KINDS)}, a flow of each kind, got {n}")
    order = np.random.default_rng([*seed, 1]).permutation(n)
    made = [_made([*KINDS][number % len(KINDS)], np.random.default_rng([*seed, 2, int(number)])) for number in order]
    packets = [packet for connection in made for packet in connection.packets]
    return Flows(
        header=np.array([packet.header for packet in packets], np.uint16),
        payload=np.frombuffer(b"".join(packet.payload for packet in packets), np.uint8).reshape(-1, N_PAYLOAD),
        payload_length=np.array([packet.n_payload for packet in packets]),
        time=np.array([packet.time - connection.packets[0].time for connection in made for packet in connection.packets]),
        n_packets=np.array([len(connection.packets) for connection in made]),
        protocol=np.array([connection.protocol for connection in made]),
        label=np.array([[*KINDS][number % len(KINDS)] for number in order]),
        source=order,
    )


def _made(kind: str, rng: np.random.Generator) -> Connection:
    """A connection of a kind, without what comes after ``N_KEPT`` packets."""
    protocol, talk = KINDS[kind]
    connection = Connection(rng, protocol)
    talk(connection)
    del connection.packets[N_KEPT:]
    return connection
