import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nastoolkit.statistics import equivalence, smallest_effect

DIFFERENCES = st.lists(st.integers(-100, 100).map(float), min_size=3, max_size=20)


@given(DIFFERENCES, st.integers(1, 100))
def test_equivalence_is_two_one_sided_tests(differences, margin):
    found = equivalence(differences, margin)
    if np.ptp(differences):
        lower = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
        upper = stats.ttest_1samp(differences, margin, alternative="less").pvalue
        assert found.p_value == pytest.approx(max(lower, upper), abs=1e-9)
    inside = -margin < found.difference.low and found.difference.high < margin
    assert found.is_equivalent == inside or found.p_value == pytest.approx(0.05, abs=1e-6)
    turned = equivalence(-np.array(differences), margin)
    assert turned.p_value == pytest.approx(found.p_value, abs=1e-9)


def test_to_find_no_difference_is_not_to_find_that_there_is_none():
    few, many = ([-3.0, 3.0] * n for n in (2, 40))
    assert not equivalence(few, 1).is_equivalent and equivalence(many, 1).is_equivalent
    assert not equivalence([0.0], 1).is_equivalent  # one seed says nothing


def test_seeds_that_agree_leave_no_doubt():
    assert equivalence([0.5] * 4, 1).is_equivalent and not equivalence([1.5] * 4, 1).is_equivalent


@pytest.mark.parametrize("margin", [0, -1, np.nan])
def test_a_margin_is_above_0(margin):
    with pytest.raises(ValueError, match="the margin must be above 0"):
        equivalence([1.0, 2.0], margin)


@pytest.mark.parametrize(("n", "effect"), [(3, 3.2640), (5, 1.6820), (10, 0.9960), (30, 0.5292)])
def test_the_smallest_effect_is_that_of_the_tables(n, effect):
    """Cohen's d of a paired t-test, two-sided at 5 %, with a power of 80 %."""
    assert smallest_effect(n) == pytest.approx(effect, abs=2e-4)
    assert smallest_effect(n, spread=7.0) == pytest.approx(7 * smallest_effect(n))


def test_the_smallest_effect_is_seen_as_often_as_it_says():
    rng, n = np.random.default_rng(0), 6
    samples = rng.normal(smallest_effect(n, 2.0, power=0.7), 2.0, (4000, n))
    assert np.mean(stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05) == pytest.approx(0.7, abs=0.02)


@settings(max_examples=25)
@given(st.integers(2, 60), st.floats(0.1, 0.95))
def test_more_seeds_see_smaller_effects(n, power):
    assert smallest_effect(n + 1, power=power) < smallest_effect(n, power=power) < smallest_effect(n, power=power + 0.04)


@pytest.mark.parametrize(("n", "power"), [(1, 0.8), (5, 1.0), (5, 0.05)])
def test_what_no_effect_has_is_told(n, power):
    with pytest.raises(ValueError, match=r"at least two pairs and a power between 0.05 and 1"):
        smallest_effect(n, power=power)
