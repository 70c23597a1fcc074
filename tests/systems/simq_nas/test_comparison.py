"""What arms found, by hand."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.systems import simq_nas as simq


def test_the_largest_network_at_all_bits(quantised, given):
    found = simq.largest_at(quantised)
    assert list(found.bits) == [4, 8] and found.size_mb.is_monotonic_increasing
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


def test_volumes_are_0_where_no_network_is_better_than_chance():
    (row,) = simq.volumes(FOUND, (101.0, 4.0)).to_dict("records")
    assert set(row.values()) == {0.0}


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


def test_picks_are_the_smallest_that_are_hardly_worse():
    baseline = pd.Series({"validation": 80.5, "test": 71.0, "size_mb": 3.0})
    (of_a,), (of_b,) = (simq.picks(FOUND, arm, baseline).to_dict("records") for arm in "ab")
    (strict,) = simq.picks(FOUND, "a", baseline, margin=0.4).to_dict("records")
    assert strict == {"times smaller": 1.5, "difference": 19.0}
    assert of_a == {"times smaller": 3.0, "difference": -1.0} and of_b == {"times smaller": 1.0, "difference": 0.0}
