"""Five packets by hand, field by field and in chunks; the vocabulary; what enters a network, and what does not."""

import numpy as np
import pytest

from nastoolkit.tasks.flow_simulator import simulated
from nastoolkit.tasks.flow_tokens import MASK, PAD, SPECIAL, Composition, Vocabulary16, chunks, inputs_of, packet_values
from nastoolkit.tasks.flows import Flows

WHOLE = Vocabulary16.of(np.arange(10), n_common=65536)
ACK = [0, 20, 0, 52, 2, 64, 0x10, 502, 0x1234, 0x5678, 0x9ABC, 0xDEF0, 0]


def five_packets():
    """Two segments of TCP and an answer, a datagram, an echo request."""
    rows = [
        [0, 20, 0, 60, 2, 64, 0x02, 64240, 0x1234, 0x5677, 0, 0, 0],
        [1, 20, 0, 60, 2, 55, 0x12, 65535, 0x9ABC, 0xDEEF, 0x1234, 0x5678, 0],
        ACK,
        [0, 20, 8, 43, 0, 128, 23, 0, 0, 0, 0, 0, 0],
        [0, 20, 0, 84, 2, 255, 8, 0, 0, 0, 0, 0, 0],
    ]
    payload = np.zeros((5, 12), np.uint8)
    payload[3] = [*range(1, 13)]
    payload[4, :3] = [0xAB, 0xCD, 0xEF]
    return Flows(
        header=np.array(rows, np.uint16),
        payload=payload,
        payload_length=np.array([0, 0, 0, 15, 3]),
        time=np.array([0, 0.02, 0.021, 0, 0]),
        n_packets=np.array([3, 1, 1]),
        protocol=np.array([0, 1, 2]),
        label=np.array(["a", "b", "c"]),
        source=np.arange(3),
    )


def test_values_of_five_packets_by_hand():
    values = packet_values(five_packets())
    none = [0] * 6
    assert values[0].tolist() == [21, 1, 61, 3, 65, 3, 64241, 0x1235, 0x5678, 1, 1, 1, *none]
    assert values[1].tolist() == [21, 1, 61, 3, 56, 0x13, 65536, 0x9ABD, 0xDEF0, 0x1235, 0x5679, 1, *none]
    assert values[2].tolist() == [21, 1, 53, 3, 65, 0x11, 503, 0x1235, 0x5679, 0x9ABD, 0xDEF1, 1, *none]
    assert values[3].tolist() == [21, 9, 44, 1, 129, 24, *none, 0x0103, 0x0305, 0x0507, 0x0709, 0x090B, 0x0B0D]
    assert values[4].tolist() == [21, 1, 85, 3, 256, 9, 1, *none[:5], 0xABCE, 0xEF01, 0, 0, 0, 0]


def test_chunks_have_the_same_bytes_and_cut_fields_in_two():
    values = chunks(five_packets())
    # header length and type of service, length, flags and time to live; then flags with half of the window, and so on
    ours = [0x1400, 0x0034, 0x0240, 0x1001, 0xF612, 0x3456, 0x789A, 0xBCDE, 0xF000, 0x0000]
    assert values[2].tolist() == [value + 1 for value in ours] + [0] * 8
    assert values[3].tolist() == [0x1409, 0x002C, 0x0081, 0x0018] + [0] * 14
    assert values[4].tolist() == [0x1401, 0x0055, 0x0300, 0x0801] + [0] * 14


def test_every_field_has_its_place_whatever_the_others_are():
    flows = simulated(40, [3])
    values, header = packet_values(flows), flows.header.astype(int)
    tcp = flows.protocol[flows.flow] == 0
    assert (values[tcp, :12] == header[tcp, 1:] + 1).all()
    assert (values[~tcp, :6] == header[~tcp, 1:7] + 1).all() and not values[~tcp, 6:12].any()


def test_common_numbers_have_their_own_tokens_and_rare_ones_share_some():
    numbers = np.repeat([7, 500, 65535, 3], [5, 4, 3, 1])
    words = Vocabulary16.of(numbers, n_common=3, n_shared=4)
    assert words.common.tolist() == [7, 500, 65535] and len(words) == SPECIAL + 3 + 4
    assert words.tokens(np.array([[0, 8], [501, 65536]])).tolist() == [[PAD, SPECIAL], [SPECIAL + 1, SPECIAL + 2]]
    rare = words.tokens(np.setdiff1d(np.arange(65536), words.common) + 1)
    assert set(rare.tolist()) == {5, 6, 7, 8} and np.bincount(rare).max() < 1.1 * np.bincount(rare)[5:].min()


def test_at_full_size_every_number_is_a_token():
    values = np.arange(65537)
    assert len(WHOLE) == 65538 and MASK not in WHOLE.tokens(values)
    assert WHOLE.tokens(values).tolist() == [PAD, *range(SPECIAL, 65538)]
    with pytest.raises(ValueError, match="^n_shared must be at least 1 unless all 65536 numbers are common, got 0$"):
        Vocabulary16.of(values, n_common=10, n_shared=0)


def test_inputs_by_hand():
    tokens, facts, protocols = inputs_of(five_packets(), WHOLE, Composition(n_bursts=4, n_packets=2))
    assert tokens.shape == (3, 4, 2, 18) and facts.shape == (3, 4, 4) and protocols.tolist() == [0, 1, 2]
    assert (tokens[0, :, 0, 0] != PAD).tolist() == [True, True, True, False]
    assert tokens[0, 2, 0, :12].tolist() == [value + SPECIAL for value in ACK[1:]]
    log_kb = np.log1p([0.06, 0.06, 0.052])
    np.testing.assert_allclose(facts[0, :3, 0], [1, -1, 1])
    np.testing.assert_allclose(facts[0, :3, 1], log_kb, rtol=1e-6)
    np.testing.assert_allclose(facts[0, :3, 3], np.log1p([0, 20, 1]), rtol=1e-6)
    assert not facts[0, :, 2].any() and not facts[0, 3].any()


def test_facts_count_packets_that_are_not_kept():
    flows = simulated(200, [0])
    whole, some = (inputs_of(flows, WHOLE, Composition(2, n)) for n in (16, 1))
    assert np.array_equal(whole[1], some[1]) and (some[1][:, :, 2] > 0).any()
    assert np.array_equal(whole[0][:, :, :1], some[0])


def test_the_tokens_of_a_flow_do_not_depend_on_other_flows():
    flows = simulated(30, [1])
    together = inputs_of(flows, WHOLE, Composition())
    for row in range(0, 30, 7):
        alone = inputs_of(flows.take(np.array([row])), WHOLE, Composition())
        assert all(np.array_equal(part[row], own[0]) for part, own in zip(together, alone, strict=True))
