"""The rule by which every picture of a front draws its stairs, for any directions of the objectives."""

from __future__ import annotations

from typing import Literal

import numpy as np

from nastoolkit import pareto
from nastoolkit.history import History
from nastoolkit.objectives import Objective

Where = Literal["pre", "post"]


def drawn_objectives(history: History) -> tuple[Objective, Objective]:
    """The objective that is drawn across, which is the second, and the one that is drawn up, which is the first.

    Raises:
        ValueError: There is only one objective.
    """
    if len(history.objectives) < 2:
        raise ValueError(f"a front needs two objectives, and {history.objectives[0].name!r} is the only one here")
    up, across = history.objectives[:2]
    return across, up


def stairs(history: History) -> tuple[np.ndarray, Where]:
    """Points ``(k, 2)`` of the stairs of a front, from left to right, and where Matplotlib should step between two of them.

    Between two points, the stairs are as high as the point that is better across, so that a measured sub-network reaches
    everything that they show: they promise no accuracy at a latency at which no network has it. Points that are on the front
    only by a third objective are left out.
    """
    across, _ = drawn_objectives(history)
    front = history.front()
    best = front[pareto.non_dominated(front.costs[:, :2])]
    points = best.values[:, [1, 0]]
    return points[points[:, 0].argsort()], "post" if across.direction == "min" else "pre"


def corners(points: np.ndarray, where: Where) -> np.ndarray:
    """The same stairs as a plain line: points and the corners between them, ``(2k - 1, 2)``."""
    before, after = points[:-1], points[1:]
    between = np.stack([after[:, 0], before[:, 1]] if where == "post" else [before[:, 0], after[:, 1]], axis=1)
    line = np.repeat(points, 2, axis=0)[: max(2 * len(points) - 1, 0)]
    line[1::2] = between
    return line
