"""What pymoo 0.6.0.1 selects, in small."""

import numpy as np

from nastoolkit.systems.ofa_squared.authors_selection import contributions, crowding, fronts, rows_in_order


def test_fronts_come_until_there_are_enough():
    costs = np.array([[2.0, 2.0], [0.0, 1.0], [3.0, 3.0], [1.0, 0.0], [0.0, 1.0]])
    assert [front.tolist() for front in fronts(costs, 4)] == [[1, 3, 4], [0]]


def test_repeated_points_have_no_room():
    distances = crowding(np.array([[0.0, 4.0], [1.0, 2.0], [1.0, 2.0], [4.0, 0.0]]))
    assert distances.tolist() == [np.inf, 1.0, 0.0, np.inf]


def test_what_a_point_adds_to_the_hypervolume():
    assert contributions(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.25]])).tolist() == [10 * 0.25, 0.5 * 10, 0.5 * 0.75]


def test_equal_values_are_where_numpy_1_24_has_them():
    """Sixteen are inserted, which keeps the order of equal ones; the seventeenth parts them, which does not."""
    assert rows_in_order(np.zeros(16)).tolist() == list(range(16))
    assert rows_in_order(np.zeros(17)).tolist() == [0, 14, 13, 12, 11, 10, 9, 15, 8, 6, 5, 4, 3, 2, 1, 7, 16]
    values = np.random.default_rng(0).permutation(100).astype(float)
    assert rows_in_order(values).tolist() == values.argsort().tolist()
