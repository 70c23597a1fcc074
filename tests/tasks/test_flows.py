"""Flows, bursts and their statistics by hand; what does not fit is refused in a sentence."""

from dataclasses import replace

import numpy as np
import pytest

from nastoolkit.tasks.flows import Flows, bursts, flow_statistics, joined_flows


def flows_of(*flows):
    """Flows of TCP from lists of (seconds, direction, total length)."""
    packets = [packet for flow in flows for packet in flow]
    header = np.zeros((len(packets), 13), np.uint16)
    header[:, 0] = [direction for _, direction, _ in packets]
    header[:, 3] = [length for _, _, length in packets]
    return Flows(
        header=header,
        payload=np.zeros((len(packets), 12), np.uint8),
        payload_length=np.zeros(len(packets), int),
        time=np.array([time for time, _, _ in packets]),
        n_packets=np.array([len(flow) for flow in flows]),
        protocol=np.zeros(len(flows), int),
        label=np.array([f"kind {number}" for number in range(len(flows))]),
        source=np.arange(len(flows)),
    )


def test_a_burst_ends_after_a_gap_in_its_direction_and_bursts_are_in_the_order_of_their_first_packets():
    number, place = bursts(
        flows_of(
            [(0.0, 0, 60), (0.004, 1, 60), (0.008, 0, 40), (0.012, 1, 40), (0.030, 0, 40), (0.031, 0, 40)],
            [(0.0, 0, 60), (0.010, 0, 60), (0.0201, 0, 60), (0.021, 1, 60)],
        )
    )
    assert number.tolist() == [0, 1, 0, 1, 2, 2] + [0, 0, 1, 2]
    assert place.tolist() == [0, 0, 1, 1, 0, 1] + [0, 1, 0, 0]


def test_bursts_are_those_of_a_plain_loop():
    rng = np.random.default_rng(0)
    for _ in range(20):
        times = np.sort(rng.exponential(0.02, 12)).round(4)
        flow = [(float(time), int(way), 40) for time, way in zip(times, rng.integers(0, 2, 12), strict=True)]
        found, last = [], {}
        for number, (time, way, _) in enumerate(flow):
            if way in last and time - flow[last[way]][0] <= 0.01:
                found.append(found[last[way]])
            else:
                found.append(1 + max(found, default=-1))
            last[way] = number
        assert bursts(flows_of(flow))[0].tolist() == found


def test_statistics_by_hand():
    one = flow_statistics(flows_of([(0.0, 0, 60), (0.1, 1, 40), (0.3, 0, 100)], [(0.0, 0, 50)]))
    assert one.shape == (2, 21) and np.isfinite(one).all()
    np.testing.assert_allclose(one[0, :9], [2, 2 / 3, 160, 80, 20, 100, 0.3, 0, 0.3])
    np.testing.assert_allclose(one[0, 9:], [1, 1 / 3, 40, 40, 0, 40, 0, 0, 0, 0, 0.3, 3])
    np.testing.assert_allclose(one[1], [1, 1, 50, 50, 0, 50] + [0] * 14 + [1])


def test_some_flows_keep_their_packets():
    flows = flows_of([(0.0, 0, 60)], [(0.0, 0, 70), (1.0, 1, 80)], [(0.0, 0, 90)])
    some = flows.take(np.array([2, 1]))
    assert some.header[:, 3].tolist() == [90, 70, 80] and some.flow.tolist() == [0, 1, 1]
    assert some.label.tolist() == ["kind 2", "kind 1"]
    assert len(flows.take(np.array([], int))) == 0
    again = joined_flows([some, flows.take(np.array([0]))])
    assert again.header[:, 3].tolist() == [90, 70, 80, 60] and again.n_packets.tolist() == [1, 2, 1]


def test_flows_without_packets_and_parts_that_do_not_fit_are_refused():
    flows = flows_of([(0.0, 0, 60)], [(0.0, 0, 70), (1.0, 1, 80)])
    with pytest.raises(ValueError, match="^every flow needs a packet, and flow 1 has none$"):
        replace(flows, n_packets=np.array([3, 0]))
    with pytest.raises(ValueError, match="^2 flows have 4 packets, and there are 3 headers of 13 numbers$"):
        replace(flows, n_packets=np.array([2, 2]))
    with pytest.raises(ValueError, match="^there are 2 flows, with 1 labels and 2 sources$"):
        replace(flows, label=np.array(["one"]))
