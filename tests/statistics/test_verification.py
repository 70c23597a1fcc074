import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from nastoolkit.statistics import Verification, verification

SCORES = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=30)


def eer_by_roc(same, different):
    """The other method: where the ROC curve, made of straight lines, crosses the diagonal from top left to bottom right."""
    labels = np.repeat([1, 0], [len(same), len(different)])
    fpr, tpr, _ = roc_curve(labels, np.concatenate([same, different]), drop_intermediate=False)
    return 100 * brentq(lambda x: 1.0 - x - interp1d(fpr, tpr)(x), 0.0, 1.0)


def rates_at(same, different, threshold):
    return np.mean(np.less(same, threshold)), np.mean(np.greater_equal(different, threshold))


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0, 9.0])
def test_the_equal_error_rate_is_that_of_the_roc_curve(shift):
    rng = np.random.default_rng(0)
    same, different = rng.normal(shift, 1, 300), rng.normal(0, 1.3, 2000)
    assert Verification(same, different).eer == pytest.approx(eer_by_roc(same, different), abs=1e-6)


@given(SCORES, SCORES)
def test_so_it_is_with_few_scores_many_of_which_are_equal(same, different):
    assert Verification(same, different).eer == pytest.approx(eer_by_roc(same, different), abs=1e-6)


def test_a_known_rate():
    scores = Verification([0.9, 0.8, 0.7, 0.1], [0.6, 0.3, 0.2, 0.0])
    assert scores.eer == pytest.approx(25.0) and Verification([2.0, 3.0], [0.0, 1.0]).eer == 0
    assert Verification([0.0], [1.0]).eer == 100


@given(SCORES, SCORES, st.sampled_from([0.01, 0.5]))
def test_the_least_cost_is_that_of_the_best_threshold(same, different, p):
    costs = [p * miss + (1 - p) * taken for miss, taken in (rates_at(same, different, t) for t in (*same, *different, np.inf))]
    assert Verification(same, different).min_dcf(p) == pytest.approx(min(costs) / min(p, 1 - p))


def test_always_saying_no_costs_one():
    assert Verification([0.0], [1.0]).min_dcf() == pytest.approx(1.0)
    assert Verification([1.0], [0.0]).min_dcf() == 0


def test_all_pairs_are_scored_by_their_angle():
    embeddings, people = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0], [1.0, 1.0]]), np.array([5, 5, 7, 7])
    pairs = verification(embeddings, people)
    np.testing.assert_allclose(pairs.same, [0.5**0.5, 1.0])
    np.testing.assert_allclose(pairs.different, [0.0, 0.0, 0.5**0.5, 0.5**0.5])


@pytest.mark.parametrize(("same", "different"), [([], [1.0]), ([1.0], []), ([float("nan")], [1.0])])
def test_pairs_of_both_kinds_are_needed(same, different):
    with pytest.raises(ValueError, match="scores of (same|different) pairs must be numbers, and at least one; got"):
        Verification(same, different)
