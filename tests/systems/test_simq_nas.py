"""Joint search of architecture and bits, and what it is held against."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nastoolkit import pareto
from nastoolkit.benchmarks.supernet_problem import SIZE
from nastoolkit.systems import simq_nas as simq

BITS, SCHEMES = [4, 8], ["symmetric", "asymmetric"]
SETTINGS = {"population": 4, "generations": 3}


@pytest.fixture
def quantised(problem):
    """Values of a problem of few images."""
    return {**problem, "bits": BITS, "schemes": SCHEMES, "n_validation": 40, "n_test": 30}


@pytest.fixture
def given(quantised):
    return simq.QuantisedProblem(**quantised)


def options_of(space, genotype, ending):
    return {option for name, option in space.decode(genotype).items() if name.endswith(ending)}


def test_arms_search_parts_of_the_joint_space(given):
    plain = given.family.unquantised.space
    whole, at_four, bits = (simq.space_of(arm, given) for arm in (simq.JOINT, simq.architecture_at(4), simq.BITS))
    rng = np.random.default_rng(0)
    assert plain.size == at_four.size < bits.size < whole.size < plain.size * bits.size
    assert all(options_of(whole, genotype, ".bits") == {4} for genotype in at_four.sample(5, rng))
    assert all(options_of(whole, genotype, "scheme") == {"symmetric"} for genotype in at_four.sample(5, rng))
    n_blocks = sum(name.endswith(".bits") for name in whole.decode(whole.largest))
    assert bits.size == (len(BITS) * len(SCHEMES)) ** n_blocks
    assert all((genotype[: plain.n_genes] == plain.largest).all() for genotype in bits.sample(5, rng))
    assert given.family.size_mb(given.uniform(8)) > given.family.size_mb(given.uniform(4))


def test_bits_that_blocks_never_have_are_an_unknown_arm(given, quantised):
    with pytest.raises(ValueError, match=r"^unknown arm 'architecture at 5 bits'; known: joint LINAS, .*at 4 bits"):
        simq.search_arm(quantised, simq.architecture_at(5), 0, 4, **SETTINGS)
    with pytest.raises(ValueError, match="no option 5"):
        given.uniform(5)
    with pytest.raises(ValueError, match="^bits are whole numbers from 2 to 32, got "):
        _ = replace(given, bits=[1]).supernet


def test_bits_are_searched_on_the_networks_of_a_front(given):
    front = given.family.unquantised.space.sample(3, np.random.default_rng(0))
    space = simq._bits_on(given.space, front)
    found = simq._joined(front, space.sample(4000, np.random.default_rng(1)))
    canonical = given.space.canonical(found)
    assert {tuple(row) for row in canonical[:, : front.shape[1]]} == {tuple(row) for row in front}
    np.testing.assert_array_equal(found, canonical)  # what a network lacks is dead, so that none is measured twice


def test_one_after_the_other_spends_half_of_its_evaluations_on_floats(given):
    history = simq.one_after_the_other(given, 8, 0, **SETTINGS)
    floats = replace(given, bits=(), schemes=(), folder=f"{given.folder}/floats")
    front = floats.search(SIZE, "linas", 4, 0, **SETTINGS).front().genotypes
    architectures = {tuple(row) for row in history.genotypes[:, : front.shape[1]]}
    assert len(history) == 4 and architectures <= {tuple(row) for row in front}
    np.testing.assert_array_equal(history.values[:, 1], given.family.size_mb(history.genotypes))
    np.testing.assert_array_equal(history.values[:, :1], given.accuracy()(history.genotypes))


@pytest.mark.parametrize("arm", [simq.JOINT, simq.RANDOM, simq.SEQUENTIAL])
def test_a_job_is_one_arms_search_with_its_front_on_other_images(quantised, given, arm):
    found = simq.search_arm(quantised, arm, 0, 8, **SETTINGS)
    n_floats = 4 if arm == simq.SEQUENTIAL else 0
    assert list(found.number) == list(range(1 + n_floats, 9))
    on_front = pareto.non_dominated(np.stack([-found.validation, found.size_mb], axis=1))
    np.testing.assert_array_equal(found.test.notna(), on_front)
    assert (found.size_mb >= given.family.size_mb(given.space.smallest)).all()


def test_the_largest_network_at_all_bits(quantised, given):
    found = simq.largest_at(quantised)
    assert list(found.bits) == BITS and found.size_mb.is_monotonic_increasing
    assert found.test.iloc[1] == given.accuracy("test")(given.uniform(8))[0, 0]


def rows(arm, seed, values):
    names = ["validation", "size_mb", "test"]
    return pd.DataFrame(values, columns=names).assign(arm=arm, seed=seed, number=range(1, len(values) + 1))


FOUND = pd.concat(
    [
        rows("a", 0, [(60, 1.0, np.nan), (80, 1.0, 70.0), (90, 2.0, 90.0)]),
        rows("b", 0, [(50, 2.0, np.nan), (60, 2.0, 50.0), (55, 3.0, np.nan)]),
    ]
)


def test_volumes_are_shares_of_what_all_fronts_attain():
    """At chance 10 % and 4 MB, by hand."""
    (row,) = simq.volumes(FOUND, (10.0, 4.0)).to_dict("records")
    both = (70 - 10) * (4 - 1) + (90 - 70) * (4 - 2)
    assert row == {"a": pytest.approx(100), "b": pytest.approx(100 * (50 - 10) * (4 - 2) / both)}


def test_evaluations_to_a_share_are_censored():
    """All attain 70 x 3 + 10 x 2 = 230; arm a has 150, 210 and 230, arm b never more than 100."""
    numbers = {share: simq.evaluations_to(FOUND, "a", (10.0, 4.0), share) for share in (0.6, 0.9, 0.95)}
    assert {share: int(count.low[0]) for share, count in numbers.items()} == {0.6: 1, 0.9: 2, 0.95: 3}
    never = simq.evaluations_to(FOUND, "b", (10.0, 4.0), 0.6)
    assert (never.low[0], never.high[0]) == (3, np.inf)


def test_picks_are_the_smallest_that_are_no_worse():
    baseline = pd.Series({"validation": 75.0, "test": 71.0, "size_mb": 3.0})
    (of_a,), (of_b,) = (simq.picks(FOUND, arm, baseline).to_dict("records") for arm in "ab")
    assert of_a == {"times smaller": 3.0, "difference": -1.0} and of_b == {"times smaller": 1.0, "difference": 0.0}


@pytest.mark.filterwarnings("ignore:.*the machine is not quiet")
def test_real_integers_are_timed_and_answer_as_fake_ones(quantised):
    values = {**quantised, "bits": [8, 32], "schemes": []}
    found = simq.real_int8(values, 0, 4, 0.01, **SETTINGS).set_index("network")
    floats, largest, _ = found.index
    assert (floats, largest) == ("largest, floats", "largest, INT8")
    assert found.file_kb[largest] < found.file_kb[floats] and (found.latency_ms > 0).all()
    assert found.real[floats] == found.fake[floats] and (found.real - found.fake).abs().max() < 20
