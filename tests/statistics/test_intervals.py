import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nastoolkit.statistics import INTERVALS, estimate, paired_differences

NUMBERS = st.lists(st.integers(-1000, 1000).map(float), min_size=6, max_size=40)
FRAME = pd.DataFrame(
    [("linas", 1, "a", 5.0), ("random", 0, "a", 1.0), ("linas", 0, "a", 4.0), ("random", 1, "a", 3.5), ("nsga2", 0, "a", 9.0)],
    columns=["arm", "seed", "problem", "score"],
)


def ends(values, kind):
    found = estimate(values, kind)
    return np.array([found.low, found.value, found.high])


def test_a_t_interval_is_the_closed_form():
    found = estimate([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.7764451051977987 * np.sqrt(2.5 / 5)  # the 97.5 % point of Student's t with 4 degrees of freedom
    assert found.value == 3 and found.n == 5 and found.kind == "t"
    assert [found.low, found.high] == pytest.approx([3 - half, 3 + half], rel=1e-12)
    assert str(found) == "3 [1.037, 4.963] (t, n = 5)"


@pytest.mark.parametrize(("n", "rank"), [(6, 1), (9, 2), (20, 6), (30, 10)])
def test_the_intervals_of_a_median_are_order_statistics(n, rank):
    """By the tables of the sign test, which SciPy has, too."""
    values = np.random.default_rng(n).normal(size=n)
    found, expected = estimate(values, "median"), stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    assert [found.low, found.high] == [np.sort(values)[rank - 1], np.sort(values)[-rank]] == [expected.low, expected.high]
    assert found.value == np.median(values)


def test_five_seeds_have_a_t_interval_alone_and_one_has_none_at_all():
    assert list(ends(range(5), "median")) == list(ends(range(5), "bootstrap")) == [-np.inf, 2, np.inf]
    assert np.isfinite([ends(range(2), "t"), ends(range(6), "median"), ends(range(6), "bootstrap")]).all()
    assert all(list(ends([3.0], kind)) == [-np.inf, 3, np.inf] for kind in INTERVALS)


def test_a_median_takes_what_is_infinite_and_a_mean_does_not():
    assert list(ends([1, 2, 3, 4, 5, 6, np.inf], "median")) == [1, 4, np.inf]
    with pytest.raises(ValueError, match=r"kind t needs numbers, and got \[1.0, inf\]"):
        estimate([1.0, np.inf])


@pytest.mark.parametrize("values", [[], [1.0, np.nan]])
@pytest.mark.parametrize("kind", INTERVALS)
def test_what_is_no_number_has_no_interval(kind, values):
    with pytest.raises(ValueError, match=f"an interval of kind {kind} needs numbers"):
        estimate(values, kind)


def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(ValueError, match="unknown kind of interval 'sd'; known: t, bootstrap, median"):
        estimate([1.0, 2.0], "sd")


@pytest.mark.parametrize("kind", INTERVALS)
@given(values=NUMBERS, shift=st.integers(-50, 50), power=st.integers(-3, 3))
def test_intervals_move_and_grow_with_the_values(kind, values, shift, power):
    values = np.array(values)
    found = ends(values, kind)
    assert found[0] <= found[1] <= found[2]
    np.testing.assert_allclose(ends(2.0**power * values + shift, kind), 2.0**power * found + shift, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["t", "median"])
@given(values=NUMBERS)
def test_intervals_are_symmetric(kind, values):
    np.testing.assert_allclose(ends(-np.array(values), kind), -ends(values, kind)[::-1], atol=1e-9)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("outlier", [1.0, -1e9])
def test_a_bootstrap_interval_lies_within_the_values_whatever_they_are(outlier, scale):
    low, center, high = ends(scale * np.array([0.0] * 6 + [outlier]), "bootstrap")
    assert scale * min(0, outlier) <= low <= center <= high <= scale * max(0, outlier) and low < high
    assert (low if outlier > 0 else high) == 0  # as that of resamples without the outlier: an effect is not made of rounding


@pytest.mark.parametrize("kind", INTERVALS)
def test_seeds_that_agree_leave_no_doubt(kind):
    np.testing.assert_allclose(ends([0.1] * 7, kind), 0.1, rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "n", "least", "most"), [("t", 8, 0.935, 0.965), ("bootstrap", 20, 0.92, 0.97), ("median", 20, 0.94, 0.98)]
)
def test_intervals_cover_the_truth_as_often_as_they_say(kind, n, least, most):
    samples = np.random.default_rng(0).normal(1.0, 2.0, (250 if kind == "bootstrap" else 2000, n))
    found = np.array([ends(values, kind) for values in samples])
    assert least <= np.mean((found[:, 0] <= 1) & (found[:, 2] >= 1)) <= most


def test_a_wider_interval_is_surer():
    low, high = estimate(range(20), level=0.9), estimate(range(20), level=0.99)
    assert high.low < low.low < low.high < high.high


def test_differences_are_paired_whatever_the_order_of_rows():
    found = paired_differences(FRAME, "score", "linas", "random")
    assert found.to_dict() == {0: 3.0, 1: 1.5} and found.name == "score"
    both = paired_differences(FRAME, "score", "linas", "random", ("problem", "seed"))
    assert both.to_dict() == {("a", 0): 3.0, ("a", 1): 1.5} and both.groupby("seed").mean().to_dict() == found.to_dict()


def test_arms_may_stand_in_another_column():
    found = paired_differences(FRAME.rename(columns={"arm": "way"}), "score", "random", "linas", arm="way")
    assert found.to_dict() == {0: -3.0, 1: -1.5}


def test_pairs_that_are_none_are_told():
    with pytest.raises(ValueError, match="score of 'linas' or 'nsga2' is missing for seed = 1"):
        paired_differences(FRAME, "score", "linas", "nsga2")
    with pytest.raises(ValueError, match="missing for seed = 0"):
        paired_differences(FRAME.replace(4.0, np.nan), "score", "linas", "random")
    with pytest.raises(ValueError, match="there is no arm ga; known: linas, random, nsga2"):
        paired_differences(FRAME, "score", "linas", "ga")
    with pytest.raises(ValueError, match="several rows have the same arm, seed: say in pair what else tells them apart"):
        paired_differences(pd.concat([FRAME, FRAME.assign(problem="b")]), "score", "linas", "random")
