import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pymoo.indicators.hv import HV

from nastoolkit import pareto

COSTS = arrays(float, array_shapes(min_dims=2, max_dims=2, max_side=6).filter(lambda s: s[1] <= 4), elements=st.integers(0, 5))


def dominates(a, b):
    return bool((a <= b).all() and (a < b).any())


@given(COSTS)
def test_non_dominated_by_definition(costs):
    mask = pareto.non_dominated(costs)
    best = {tuple(row) for row in costs if not any(dominates(other, row) for other in costs)}
    kept = [tuple(row) for row in costs[mask]]
    assert set(kept) == best and len(kept) == len(best)


@given(COSTS)
def test_ranks_peel_fronts_off(costs):
    ranks = pareto.ranks(costs)
    for number in range(ranks.max() + 1):
        left = np.flatnonzero(ranks >= number)
        front = [i for i in left if not any(dominates(costs[j], costs[i]) for j in left)]
        assert front == np.flatnonzero(ranks == number).tolist()


def test_best_first_takes_fronts_in_order_and_the_lonely_first():
    front = np.array([[0.0, 10], [1, 9], [2, 8], [6, 4], [10, 0]])
    costs = np.vstack([front + 5, front])
    order = pareto.best_first(costs, 7)
    assert set(order[:2]) == {5, 9} and order[2:5].tolist() == [8, 7, 6]
    assert set(order[5:]) == {0, 4}
    assert len(pareto.best_first(costs, 99)) == 10
    assert len(pareto.best_first(np.empty((0, 2)), 3)) == 0
    assert pareto.best_first(np.array([[3.0], [1], [2]]), 2).tolist() == [1, 2]


@given(st.integers(1, 4), st.lists(st.floats(0.1, 5), min_size=1, max_size=4))
def test_hypervolume_of_one_point_is_a_box(repeats, sides):
    costs = np.repeat([[-side for side in sides]], repeats, axis=0)
    assert pareto.hypervolume(costs, np.zeros(len(sides))) == pytest.approx(np.prod(sides))


def test_hypervolume_of_a_staircase():
    staircase = np.array([[1.0, 3], [2, 2], [3, 1]])
    assert pareto.hypervolume(staircase, (4, 4)) == 3 + 2 + 1
    beyond = np.array([[4.0, 0], [0, 4], [5, 5]])
    assert pareto.hypervolume(np.vstack([staircase, beyond]), (4, 4)) == 6
    assert pareto.hypervolume(beyond, (4, 4)) == 0


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_hypervolume_agrees_with_pymoo_and_the_curve_with_its_prefixes(m):
    costs = np.random.default_rng(m).random((60, m))
    reference = np.full(m, 0.9)
    inside = costs[(costs < reference).all(axis=1)]
    assert pareto.hypervolume(costs, reference) == pytest.approx(float(HV(ref_point=reference)(inside)))
    curve = pareto.hypervolume_curve(costs, reference)
    np.testing.assert_allclose(curve, [pareto.hypervolume(costs[: k + 1], reference) for k in range(60)])


def test_best_first_puts_violations_behind_everything_else():
    costs = np.array([[0.0, 0], [3, 3], [2, 2], [1, 1]])
    assert pareto.best_first(costs, 4, np.array([0.5, 0, 0, 0.1])).tolist() == [2, 1, 3, 0]
    assert pareto.best_first(costs, 1, np.array([0.5, 0.4, 0.3, 0.2])).tolist() == [3]
    assert pareto.best_first(costs, 4, np.zeros(4)).tolist() == pareto.best_first(costs, 4).tolist() == [0, 3, 2, 1]


def test_crowding_is_the_mean_distance_between_neighbours():
    costs = np.array([[4.0, 4], [0, 10], [10, 0], [1, 6]])
    assert pareto.crowding(costs).tolist() == [pytest.approx(0.75), np.inf, np.inf, pytest.approx(0.5)]


def test_best_first_breaks_ties_by_position_and_takes_no_more_than_asked():
    equal = np.zeros((4, 2))
    assert pareto.best_first(equal, 2).tolist() == [0, 1] and pareto.best_first(equal, 0).tolist() == []
    assert pareto.best_first(np.array([[1.0, 1], [0, 0], [2, 2]]), 2, np.array([0.0, 0, 0])).tolist() == [1, 0]
    assert pareto.best_first(equal, 3, np.array([0.2, 0.1, 0.2, 0.1])).tolist() == [1, 3, 0]
    assert pareto.best_first(equal, 9, np.array([0.0, 0.3, 0.0, 0.3])).tolist() == [0, 2, 1, 3]
    assert pareto.best_first(equal, 3).dtype == np.int64


def test_a_curve_counts_no_point_at_the_reference_and_no_point_twice():
    costs = np.array([[4.0, 0], [2, 2], [2, 2], [3, 1], [5, 5], [1, 1]])
    assert pareto.hypervolume_curve(costs, (4, 4)).tolist() == [0, 4, 4, 5, 5, 9]
    assert pareto.hypervolume_curve(np.empty((0, 2)), (4, 4)).tolist() == []
    assert pareto.hypervolume(np.empty((0, 2)), (4, 4)) == 0


def test_lists_serve_as_arrays():
    assert pareto.non_dominated([[1, 2], [2, 1], [2, 2], [1, 2]]).tolist() == [True, True, False, False]
    assert pareto.ranks([[1, 2], [2, 1], [2, 2]]).tolist() == [0, 0, 1] and pareto.hypervolume([[1, 2]], [2, 4]) == 2


def test_ties_of_many_points_keep_their_order():
    chain = np.arange(60.0)
    equal_steps = np.stack([chain, -chain], axis=1)  # one front, as crowded everywhere but at its ends
    assert pareto.best_first(equal_steps, 60).tolist() == [0, 59, *range(1, 59)]
    violations = np.tile([0.2, 0.1, 0.3], 20)
    assert pareto.best_first(equal_steps, 60, violations).tolist() == [*range(1, 60, 3), *range(0, 60, 3), *range(2, 60, 3)]


def test_numbers_of_any_type_are_compared_as_floats():
    costs = np.array([[1, 2], [2, 1], [2, 2]], dtype=object)
    assert pareto.non_dominated(costs).tolist() == [True, True, False] and pareto.ranks(costs).tolist() == [0, 0, 1]
    assert (
        pareto.hypervolume(costs, np.array([3, 3], dtype=object)) == 3 and pareto.crowding(costs[:2]).tolist() == [np.inf] * 2
    )


def line(*shares):
    """Points of the front from (0, 10) to (2, 0), by their shares of the way."""
    return np.array([[2 * share, 10 * (1 - share)] for share in shares])


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        (line(0, 0.25, 0.5, 0.75, 1), 0.0),
        (line(1, 0, 0.5), 0.0),
        (line(0.5), 1.0),
        (line(0, 1), 0.0),
        (line(0.25, 0.5, 0.75), 0.5),  # a quarter is missing at either end
        (line(0, 0.1, 1), 0.8),  # gaps of 0.1 and 0.9
    ],
)
def test_the_spread_indicator_is_that_of_the_paper(front, expected):
    assert pareto.spread_indicator(front, line(1, 0)) == pytest.approx(expected, abs=1e-12)
    assert pareto.spread_indicator(front * [7, 0.1], line(0, 1) * [7, 0.1]) == pytest.approx(expected, abs=1e-12)


def test_a_dominated_share_is_that_of_the_box_in_any_units():
    costs = np.array([[-80.0, 5.0], [-62.5, 2.5], [-10.0, 1.0]])  # the last one is beyond the reference point
    share = pareto.dominated_share(costs, ideal=(-100, 0), reference_point=(-25, 10))
    assert share == pytest.approx(100 * (5 * 55 + 2.5 * 37.5) / 750)
    assert pareto.dominated_share(costs * [7, 0.1], (-700, 0), (-175, 1)) == pytest.approx(share)
    assert pareto.dominated_share(np.array([[-100.0, 0.0]]), (-100, 0), (-25, 10)) == pytest.approx(100)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**3).map(lambda n: n * 1e-6)), min_size=1, max_size=30))
def test_the_knee_is_farthest_below_the_line_through_the_ends(points):
    costs = np.array(points)[pareto.non_dominated(np.array(points))]
    order = costs[:, 0].argsort()
    (left, top), (right, bottom) = costs[order[0]], costs[order[-1]]
    scaled = (costs - [left, bottom]) / [max(right - left, 1e-300), max(top - bottom, 1e-300)]
    below = 1 - scaled.sum(axis=1)
    assert below[pareto.knee(costs)] == pytest.approx(below.max(), abs=1e-9)


def test_the_knee_of_a_front_is_its_corner_in_any_unit():
    costs = np.array([[1.0, 10], [2, 3], [9, 2], [10, 1]])
    assert pareto.knee(costs) == pareto.knee(costs * [1e-6, 1e6] + 5) == 1
