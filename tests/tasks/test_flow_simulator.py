"""The arithmetic of TCP in simulated flows, lengths that add up, hosts that do not give away the kind, and repeatability."""

import numpy as np
import pytest

from nastoolkit.tasks.flow_simulator import ACK, FIN, KINDS, LOSS, N_KEPT, RST, SYN, Connection, simulated


@pytest.fixture(scope="module")
def flows():
    return simulated(1600, [0])


def each(flows):
    """Protocol, header and payload lengths of each flow."""
    ends = np.cumsum(flows.n_packets)
    for protocol, n, end in zip(flows.protocol, flows.n_packets, ends, strict=True):
        yield protocol, flows.header[end - n : end].astype(np.int64), flows.payload_length[end - n : end]


def test_sequence_numbers_count_bytes_and_acknowledgements_what_was_sent(flows):
    again = 0
    for protocol, header, lengths in each(flows):
        if protocol:
            continue
        following, seen = {}, set()
        for row, n in zip(header, lengths, strict=True):
            way, flags = row[0], row[6]
            sequence, answer = row[8] * 65536 + row[9], row[10] * 65536 + row[11]
            if way in following and sequence != following[way]:
                again += 1
                assert (way, sequence, n) in seen  # only what was sent before is sent again
            else:
                following[way] = (sequence + n + bool(flags & SYN) + bool(flags & FIN)) % 2**32
            seen.add((way, sequence, n))
            if flags & ACK:
                assert 1 - way not in following or answer == following[1 - way]
            else:
                assert answer == 0 and flags in (SYN, RST)
    assert 0 < again < 3 * LOSS * len(flows.header)


def test_connections_begin_with_three_segments(flows):
    opened = [header for protocol, header, _ in each(flows) if protocol == 0 and header[0, 6] == SYN]
    assert len(opened) > 800
    for header in opened:
        assert header[1, 6] in (SYN, SYN | ACK, RST | ACK)
        if header[1, 6] == SYN | ACK:
            assert header[2, 6] in (ACK, RST)


def test_lengths_add_up(flows):
    for protocol, header, lengths in each(flows):
        if protocol == 0:
            assert np.isin(header[:, 3] - lengths - 40, (0, 12, 20)).all()
        else:
            assert (header[:, 3] == 28 + lengths).all() and (header[:, 6] == 8 + lengths).all()
    unused = np.minimum(flows.payload_length, 12)[:, None] <= np.arange(12)
    assert not flows.payload[unused].any()


def test_times_do_not_go_back_and_flows_are_short(flows):
    inside = np.diff(flows.flow) == 0
    assert (np.diff(flows.time)[inside] >= 0).all() and flows.n_packets.max() == N_KEPT and flows.n_packets.min() >= 2


def test_all_kinds_are_equally_frequent_and_hosts_do_not_tell_them(flows):
    names, counts = np.unique(flows.label, return_counts=True)
    assert names.tolist() == sorted(KINDS) and set(counts.tolist()) == {200}
    first = np.cumsum(flows.n_packets) - flows.n_packets
    ttl = flows.header[first, 5]
    shares = [np.mean(ttl[flows.label == name] <= 64) for name in names]
    assert max(shares) - min(shares) < 0.2


def test_a_flow_depends_on_its_number_and_seed_alone():
    few, again, other = simulated(16, [4]), simulated(16, [4]), simulated(16, [5])
    assert np.array_equal(few.header, again.header) and np.array_equal(few.payload, again.payload)
    assert not np.array_equal(few.time[:16], other.time[:16])
    more = simulated(24, [4])
    one, two = (flows.take(np.flatnonzero(flows.source == 3)) for flows in (few, more))
    assert np.array_equal(one.header, two.header)


def test_sequence_numbers_wrap_around():
    connection = Connection(np.random.default_rng(0))
    connection.next[0] = 2**32 - 5
    connection.message(0, 10)
    assert connection.next[0] == 5


def test_fewer_flows_than_kinds_are_refused():
    with pytest.raises(ValueError, match="^n must be at least 8, a flow of each kind, got 7$"):
        simulated(7, [0])
