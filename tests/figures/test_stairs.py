from itertools import product

import numpy as np
import pytest
from matplotlib.cbook import STEP_LOOKUP_MAP

from nastoolkit.figures import draw_front, new_figure, plot_fronts, plot_growing_front, plot_progress, plot_repeated_front
from nastoolkit.figures.stairs import corners, stairs
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace

SPACE = SearchSpace([Choice("latency_ms", tuple(range(60)))])
DIRECTIONS = [*product(("max", "min"), repeat=2)]
PLOTS = {
    "plot_fronts": lambda axis, history: plot_fronts(axis, {"search": history}),
    "plot_progress": plot_progress,
    "plot_growing_front": lambda axis, history: plot_growing_front(axis, history, [len(history)]),
    "plot_repeated_front": lambda axis, history: plot_repeated_front(axis, [history, history]),
    "draw_front": draw_front,
}


def searched(*directions, seed=0):
    """A ring, of which some is beyond the bounds that every objective has, and some failed."""
    rng = np.random.default_rng(seed)
    angle, radius = rng.uniform(0, 2 * np.pi, 60), rng.uniform(0.4, 0.5, 60)
    ring = [0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle), rng.uniform(0.1, 0.9, 60)]
    values = np.column_stack(ring[: len(directions)])
    values[[5, 20, 40]] = np.nan
    values[[7, 50], 0] = np.nan
    names = ["accuracy", "latency_ms", "params"]  # one of them is named like a choice
    bounds = [{"at_least": 0.1, "at_most": 0.9}] * len(directions)
    objectives = [Objective(name, way, **kept) for name, way, kept in zip(names, directions, bounds, strict=False)]
    return History(SPACE, tuple(objectives), np.arange(60)[:, None], values)


def line_of(axis):
    """What Matplotlib draws of the longest line of stairs: ``(k, 2)``."""
    line = max((line for line in axis.lines if line.get_drawstyle() != "default"), key=lambda line: len(line.get_xdata()))
    return np.column_stack(STEP_LOOKUP_MAP[line.get_drawstyle()](*line.get_xydata().T))


def keep(history, points):
    """Which points ``(k, 2)`` a feasible sub-network keeps: it is as good in both objectives, or better."""
    signs = [-1 if objective.direction == "max" else 1 for objective in history.objectives[:2]]
    kept = history.values[history.feasible, :2] * signs
    return ((kept[None] <= points[:, None, ::-1] * signs + 1e-12).all(axis=2)).any(axis=1)


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("directions", DIRECTIONS)
def test_a_network_keeps_all_that_the_stairs_of_a_plot_promise(plot, directions):
    history, (_, (axis,)) = searched(*directions), new_figure()
    points = PLOTS[plot](axis, history)
    front = history.front().values[:, ::-1]
    assert len(front) > 3 and keep(history, line_of(axis)).all()
    assert {*map(tuple, front)} <= {*map(tuple, line_of(axis))}
    marked = points[points.on_front] if "on_front" in points else points
    assert {*map(tuple, marked[["latency_ms", "accuracy"]].to_numpy())} == {*map(tuple, front)}


@pytest.mark.parametrize("directions", DIRECTIONS)
def test_the_corners_are_where_matplotlib_steps(directions):
    history = searched(*directions)
    points, where = stairs(history)
    drawn = np.column_stack(STEP_LOOKUP_MAP[f"steps-{where}"](*points.T))
    np.testing.assert_array_equal(corners(points, where), drawn)
    for few in (0, 1):
        np.testing.assert_array_equal(corners(points[:few], where), points[:few])


def test_a_point_that_is_on_the_front_by_a_third_objective_is_marked_beside_the_stairs():
    history, (_, (axis,)) = searched("max", "min", "min"), new_figure()
    front, points = history.front(), draw_front(axis, history, marker="o")
    assert len(points) == len(front) > len(stairs(history)[0]) > 1
    assert keep(history, line_of(axis)).all() and (np.diff(stairs(history)[0], axis=0) > 0).all()
    assert {*map(tuple, axis.lines[-1].get_xydata())} == {*map(tuple, front.values[:, 1::-1])}


@pytest.mark.parametrize("plot", PLOTS)
def test_nothing_on_the_front_is_drawn_as_nothing(plot):
    history, (_, (axis,)) = searched("max", "min"), new_figure()
    nothing = History(SPACE, history.objectives, history.genotypes, history.values * np.nan)
    points = PLOTS[plot](axis, nothing)
    assert not (points.on_front if "on_front" in points else points.index).any()


@pytest.mark.parametrize("plot", PLOTS)
def test_a_front_has_two_objectives(plot):
    _, (axis,) = new_figure()
    with pytest.raises(ValueError, match="a front needs two objectives, and 'accuracy' is the only one here"):
        PLOTS[plot](axis, searched("max"))
