"""Learning curves in one number: the area below them, and how soon they reach a goal."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def mean_height(steps: ArrayLike, values: ArrayLike) -> float:
    """Area below a curve, along straight lines between its points, divided by its width; ``steps`` and ``values`` ``(n,)``."""
    at = np.asarray(steps, float)
    return float(np.trapezoid(np.asarray(values, float), at) / np.ptp(at))


def first_reached(steps: ArrayLike, values: ArrayLike, goal: float) -> float:
    """Step at which a curve first reaches a goal, along straight lines between its points; infinity if it never does."""
    at, best = np.asarray(steps, float), np.maximum.accumulate(np.asarray(values, float))
    if best[-1] < goal:
        return np.inf
    after = int((best >= goal).argmax())
    if after == 0:
        return float(at[0])
    share = (goal - best[after - 1]) / (best[after] - best[after - 1])
    return float(at[after - 1] + share * (at[after] - at[after - 1]))
