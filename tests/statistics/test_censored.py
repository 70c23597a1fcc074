import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.statistics import Censored, counted

NEVER = np.inf
COUNTS = st.one_of(st.integers(1, 100).map(float), st.just(NEVER))


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([3, NEVER, 4, 8, 100], "reached in 4 of 5, median 8, others above 200"),
        ([3, NEVER, NEVER, 8, NEVER], "reached in 2 of 5, median above 200, others above 200"),
        ([NEVER] * 3, "reached in 0 of 3, all above 200"),
        ([1, 2, 2], "reached in 3 of 3, median 2"),
    ],
)
def test_never_within_the_budget_stays_above_it(counts, text):
    assert str(counted(counts, 200)) == text


@pytest.mark.parametrize(
    ("theirs", "ours", "text"),
    [
        ([300, 200, 100, 260, 240], [30, 10, 50, NEVER, NEVER], "reached in 3 of 5, median ratio 2, others below 1.3"),
        ([300, NEVER, 100], [30, 10, 50], "reached in 2 of 3, median ratio 10, others above 100"),
        (
            [300, NEVER, 100, NEVER],
            [30, 10, NEVER, NEVER],
            "reached in 1 of 4, median ratio above 5, 1 below 0.5, 1 above 100, 1 unknown",
        ),
        ([1000, 4004], [1, 1], "reached in 2 of 2, median ratio 2,502"),
        ([300, 200], [30, NEVER], "reached in 1 of 2, median ratio 5 to 5.5, others below 1"),
    ],
)
def test_ratios_have_the_bounds_that_the_counts_give(theirs, ours, text):
    found = counted(theirs, [1000 if count == NEVER else 5000 for count in theirs]) / counted(ours, 200)
    assert str(found) == text and found.what == "ratio"


def test_budgets_may_be_those_of_each_search():
    found = counted([NEVER, NEVER], [100, 200])
    assert found.low.tolist() == [100, 200] and not found.known.any() and np.isinf(found.high).all()


@pytest.mark.parametrize("counts", [[], [0], [201], [np.nan], [-NEVER]])
def test_what_is_no_count_is_told(counts):
    with pytest.raises(ValueError, match="counts must be between 1 and the budget, or infinite; got"):
        counted(counts, 200)


def test_the_interval_of_a_median_has_a_censored_end_where_it_must():
    ratios = counted([240.0] * 10, 1000) / counted([20, 40, 60, 80, 100, 120, 160, NEVER, NEVER, NEVER], 200)
    assert ratios.median == (2.2, 2.2)
    assert ratios.interval() == (0.0, 6.0)  # the second smallest and the second greatest


@given(theirs=st.lists(COUNTS, min_size=7, max_size=7), ours=st.lists(COUNTS, min_size=7, max_size=7), data=st.data())
def test_bounds_hold_however_the_unknown_are_filled_in(theirs, ours, data):
    later = st.integers(101, 10**6).map(float)
    filled = [[data.draw(later) if count == NEVER else count for count in side] for side in (theirs, ours)]
    found, true = counted(theirs, 100) / counted(ours, 100), np.divide(*filled)
    assert (found.low <= true).all() and (true <= found.high).all()
    low, high = found.median
    assert low <= np.median(true) <= high
    low, high = found.interval()
    assert low <= np.sort(true)[0] or low <= np.median(true)
    assert low <= np.median(true) <= high


def test_known_numbers_are_as_they_are():
    plain = Censored(np.array([1.0, 2, 3, 4, 5, 6]), np.array([1.0, 2, 3, 4, 5, 6]), "ratio")
    assert plain.median == (3.5, 3.5) and plain.interval() == (1, 6) and plain.known.all()
