"""Closed forms of the area below a curve, and of the step at which it reaches a goal."""

import numpy as np
import pytest

from nastoolkit.statistics.curves import first_reached, mean_height


def test_the_mean_height_of_straight_lines():
    assert mean_height([0, 10], [20, 40]) == pytest.approx(30)
    assert mean_height([5, 10, 25], [10, 30, 30]) == pytest.approx((5 * 20 + 15 * 30) / 20)


def test_a_goal_is_reached_between_two_looks():
    steps, values = [0, 10, 20, 40], [10, 30, 20, 50]
    assert first_reached(steps, values, 20) == pytest.approx(5)
    assert first_reached(steps, values, 40) == pytest.approx(30)  # what was reached once counts: 30 at 10 and at 20
    assert first_reached(steps, values, 30) == 10
    assert first_reached(steps, values, 50) == 40


def test_a_goal_may_be_reached_at_once_or_never():
    assert first_reached([0, 10], [10, 30], 5) == 0
    assert first_reached([0, 10], [10, 30], 31) == np.inf
