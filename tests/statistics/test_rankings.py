import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nastoolkit.statistics import partial_correlation, rank_contributions, rank_correlation, tau_ceiling

VALUES = st.lists(st.integers(0, 9), min_size=12, max_size=12).filter(lambda values: len(set(values)) > 1)


def normal_pairs(rng, n, tau):
    """Two vectors whose Kendall tau is this one on average."""
    r = np.sin(np.pi / 2 * tau)
    a, b = rng.normal(size=(2, n))
    return a, r * a + np.sqrt(1 - r**2) * b


@given(VALUES, VALUES)
def test_it_is_scipys_tau_within_an_interval_that_a_turn_turns(a, b):
    found, turned = rank_correlation(a, b), rank_correlation(a, -np.array(b))
    assert found.value == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-12)
    assert -1 <= found.low <= found.value + 1e-12 and found.value <= found.high + 1 / 66 and found.high <= 1
    assert [turned.low, turned.high] == pytest.approx([-found.high, -found.low], abs=1e-12)
    swapped = rank_correlation(b, a)
    assert [swapped.low, swapped.high] == pytest.approx([found.low, found.high], abs=1e-12)


def test_a_perfect_order_of_few_is_no_certainty():
    few, many = (rank_correlation(range(n), range(n)) for n in (4, 100))
    assert few.value == many.value == 1 and few.low < 0.9 < 0.99 < many.low < 1


@pytest.mark.parametrize("tau", [0.0, 0.5, 0.9])
def test_intervals_cover_the_truth_as_often_as_they_say(tau):
    rng = np.random.default_rng(0)
    found = [rank_correlation(*normal_pairs(rng, 30, tau)) for _ in range(200)]
    assert 0.93 <= np.mean([one.low <= tau <= one.high for one in found]) <= 1


@given(VALUES, VALUES)
def test_contributions_have_tau_as_their_mean(a, b):
    assert rank_contributions(a, b).mean() == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-12)


def test_contributions_are_what_tau_loses_without_a_row():
    a, b = normal_pairs(np.random.default_rng(0), 12, 0.5)
    without = [stats.kendalltau(np.delete(a, row), np.delete(b, row)).statistic for row in range(12)]
    assert rank_contributions(a, b) == pytest.approx(12 * stats.kendalltau(a, b).statistic - 11 * np.array(without))


@pytest.mark.parametrize(("a", "b"), [([1, 2], [1, 2]), ([1, 1, 1], [1, 2, 3])])
def test_what_cannot_be_ranked_is_told(a, b):
    with pytest.raises(ValueError, match="needs at least three rows, and values that differ"):
        rank_correlation(a, b)


@pytest.mark.parametrize("n_measured", [2, 3, 10])
def test_the_ceiling_is_what_the_true_order_has(n_measured):
    rng = np.random.default_rng(n_measured)
    truth = rng.normal(size=400)
    measured = truth[:, None] + rng.normal(0, 1.0, (400, n_measured))
    found, best = tau_ceiling(measured), stats.kendalltau(truth, measured.mean(axis=1)).statistic
    assert found.tau == pytest.approx(best, abs=0.04) and 0 < found.reliability < found.tau
    assert str(found) == f"at most {found.tau:.3f} (halves agree with {found.reliability:.3f})"


def test_measurements_that_agree_have_no_ceiling_and_noise_has_no_room():
    assert tau_ceiling(np.arange(9.0)[:, None].repeat(4, axis=1)).tau == 1
    assert tau_ceiling(np.random.default_rng(0).normal(size=(300, 2))).tau < 0.25
    assert tau_ceiling([[1, 3], [2, 2], [3, 1]]).tau == 0


@pytest.mark.parametrize("shape", [(5, 1), (2, 4), (5,)])
def test_too_few_measurements_are_told(shape):
    with pytest.raises(ValueError, match="needs three networks, each measured twice"):
        tau_ceiling(np.ones(shape))


def test_a_partial_correlation_is_what_a_third_vector_leaves():
    assert partial_correlation(0.5, 0.0, 0.0) == 0.5 and partial_correlation(0.36, 0.6, 0.6) == pytest.approx(0)
    found = partial_correlation(0.4, 0.5, 0.3)
    assert found == pytest.approx((0.4 - 0.15) / np.sqrt(0.75 * 0.91)) and partial_correlation(0.3, 1.0, 0.3) == 0
