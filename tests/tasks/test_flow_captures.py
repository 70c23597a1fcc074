"""Captures become flows without addresses and ports; broken ones are told in a sentence, and what is whole is kept."""

import socket
import struct
import sys

import dpkt
import numpy as np
import pytest

from nastoolkit.tasks import TASKS, MissingDataError, flow_captures
from nastoolkit.tasks.flow_captures import read_capture
from nastoolkit.tasks.flow_task import dealt
from nastoolkit.tasks.flow_tokens import Composition, Vocabulary16, inputs_of

SYN = dpkt.tcp.TH_SYN


def frame(way=0, client="10.0.0.1", server="192.0.2.7", port=40000, data=b"", **fields):
    """A frame with a segment of TCP between two hosts."""
    source, target = (client, server) if way == 0 else (server, client)
    ports = (port, 443) if way == 0 else (443, port)
    segment = dpkt.tcp.TCP(sport=ports[0], dport=ports[1], data=data, **fields)
    return ethernet(source, target, dpkt.ip.IP_PROTO_TCP, segment)


def ethernet(source, target, protocol, data):
    ip = dpkt.ip.IP(src=socket.inet_aton(source), dst=socket.inet_aton(target), p=protocol, ttl=61, df=1, data=data)
    ip.len = len(bytes(ip))
    return bytes(dpkt.ethernet.Ethernet(src=b"\2" * 6, dst=b"\3" * 6, data=ip))


def written(path, frames, linktype=1, gap=0.25):
    """A capture with these frames."""
    with path.open("wb") as file:
        writer = dpkt.pcap.Writer(file, linktype=linktype)
        for number, one in enumerate(frames):
            writer.writepkt(one, ts=1000 + gap * number)
    return path


def hello(port=40000, **hosts):
    first = frame(port=port, flags=SYN, seq=0x01020304, win=64240, **hosts)
    answer = frame(1, port=port, flags=SYN | dpkt.tcp.TH_ACK, seq=5, ack=0x01020305, win=500, **hosts)
    return [first, answer, frame(port=port, flags=dpkt.tcp.TH_ACK, seq=0x01020305, ack=6, win=502, data=b"hello", **hosts)]


def test_a_flow_by_hand(tmp_path):
    flows = read_capture(written(tmp_path / "one.pcap", hello()), "web", 3)
    assert flows.header.tolist() == [
        [0, 20, 0, 40, 2, 61, 2, 64240, 0x0102, 0x0304, 0, 0, 0],
        [1, 20, 0, 40, 2, 61, 18, 500, 0, 5, 0x0102, 0x0305, 0],
        [0, 20, 0, 45, 2, 61, 16, 502, 0x0102, 0x0305, 0, 6, 0],
    ]
    assert bytes(flows.payload[2]) == b"hello" + bytes(7) and flows.payload_length.tolist() == [0, 0, 5]
    assert flows.time.tolist() == [0, 0.25, 0.5]
    assert (flows.label.tolist(), flows.source.tolist(), flows.n_packets.tolist()) == (["web"], [3], [3])


def test_datagrams_echoes_and_other_packets(tmp_path):
    query = dpkt.udp.UDP(sport=5000, dport=53, data=b"?" * 20)
    query.ulen = 28
    echo = dpkt.icmp.ICMP(type=8, data=dpkt.icmp.ICMP.Echo(id=1, seq=2, data=b"ping"))
    arp = bytes(dpkt.ethernet.Ethernet(type=dpkt.ethernet.ETH_TYPE_ARP, data=dpkt.arp.ARP()))
    frames = [ethernet("10.0.0.1", "10.0.0.2", 17, query), arp, ethernet("10.0.0.1", "10.0.0.2", 1, echo), b"\0" * 20]
    flows = read_capture(written(tmp_path / "two.pcap", frames))
    assert flows.protocol.tolist() == [1, 2]
    assert flows.header[:, 6:9].tolist() == [[28, 0, 0], [8, 0, 0]]
    assert bytes(flows.payload[1])[:8] == bytes([0, 1, 0, 2]) + b"ping"


def test_no_addresses_or_ports_enter(tmp_path):
    one = read_capture(written(tmp_path / "one.pcap", hello()))
    two = read_capture(written(tmp_path / "two.pcap", hello(port=1234, client="203.0.113.9", server="198.51.100.4")))
    words = Vocabulary16.of(np.arange(1), n_common=65536)
    for part, other in zip(*(inputs_of(flows, words, Composition()) for flows in (one, two)), strict=True):
        assert np.array_equal(part, other)


def test_flows_of_different_ports_are_different_and_long_ones_are_cut(tmp_path):
    mixed = [part for pair in zip(hello(1), hello(2), strict=True) for part in pair]
    flows = read_capture(written(tmp_path / "two.pcap", mixed + hello(1) * 9), n_kept=5)
    assert flows.n_packets.tolist() == [5, 3] and flows.time[:3].tolist() == [0, 0.5, 1.0]


@pytest.mark.parametrize("n_left", [1, 15, 16, 40])
def test_a_capture_that_is_cut_short_keeps_what_is_whole(tmp_path, n_left):
    path = written(tmp_path / "cut.pcap", hello())
    whole = path.read_bytes()
    n_last = 16 + len(hello()[2])  # with its header in the file, of which so many bytes are left
    path.write_bytes(whole[: len(whole) - n_last + n_left])
    with pytest.warns(UserWarning, match=f"^{path} ends in the middle of a packet; the 2 before it are used$"):
        flows = read_capture(path)
    assert flows.header.tolist() == read_capture(written(path, hello()[:2])).header.tolist()


def test_what_is_no_capture_is_told(tmp_path):
    path = tmp_path / "text.pcap"
    for content in (b"", b"these are words, and not packets", struct.pack("<I", 0xA1B2C3D4)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"^{path} is no capture in the format pcap or pcapng$"):
            read_capture(path)
    written(path, [])
    with pytest.raises(ValueError, match=f"^{path} has no packets of TCP, UDP or ICMP over IPv4$"):
        read_capture(path)
    written(path, hello(), linktype=195)
    with pytest.raises(ValueError, match=f"^{path} has frames of kind 195; known: 0, 1, 12, 101, 113, 228$"):
        read_capture(path)


def test_without_the_library_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dpkt", None)
    with pytest.raises(ImportError, match=r"^captures are read by the library dpkt: pip install nastoolkit\[pcap\]$"):
        read_capture(written(tmp_path / "one.pcap", hello()))


def test_a_folder_without_captures_says_where_they_go(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    words = (
        "has no captures.\nGive every class a folder with at least 3 captures: <datasets>/flow-captures/<class>/<name>.pcap"
    )
    with pytest.raises(MissingDataError) as told:
        TASKS["flow-captures"]().split("train")
    assert words in str(told.value)
    (tmp_path / "flow-captures" / "web").mkdir(parents=True)
    for number in range(2):
        written(tmp_path / "flow-captures" / "web" / f"{number}.pcap", hello())
    with pytest.raises(MissingDataError, match="class 'web' is in 2 captures, too few for three splits; give it at least 3"):
        TASKS["flow-captures"]().split("train")


def test_captures_are_dealt_out_so_that_every_class_is_in_every_split(tmp_path):
    parts = [read_capture(written(tmp_path / f"{n}.pcap", hello(n + 1)), f"kind {n % 4}", n // 2) for n in range(48)]
    flows = flow_captures.joined_flows(parts)
    rows = dealt(flows, ["kind 0", "kind 1", "kind 2"])
    sources = {name: set(flows.source[own].tolist()) for name, own in rows.items()}
    assert sources["train"] <= sources["all"] and not sources["all"] & (sources["validation"] | sources["test"])
    assert not sources["validation"] & sources["test"]
    assert all(set(flows.label[own]) == {"kind 0", "kind 1", "kind 2"} for name, own in rows.items() if name != "all")
    assert "kind 3" in flows.label[rows["all"]]
