import numpy as np
import pandas as pd
import pytest

from nastoolkit.figures import COLOURS, draw_points, new_figure, plot_changes
from nastoolkit.figures.lessons import (
    plot_area,
    plot_children,
    plot_joined,
    plot_one_hot,
    plot_slice,
    plot_survivors,
    plot_winners,
)
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace

SPACE = SearchSpace(
    [Choice("depth", (1, 2), kind="depth"), Choice("kernel", (3, 5), when=("depth", (2,))), Choice("one", (4,))]
)
OBJECTIVES = (Objective("accuracy_top1", "max", "%"), Objective("latency_ms", "min", "ms"))
VALUES = np.array([[70.0, 1.0], [80.0, 2.0], [75.0, 3.0]])


def history(values=VALUES):
    return History(SPACE, OBJECTIVES, np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]])[: len(values)], values)


@pytest.fixture
def axes():
    _, (axis,) = new_figure()
    return axis


def lines(axes):
    return [line.get_xydata().tolist() for line in axes.lines]


def test_points_are_the_values_of_a_history(axes):
    frame = draw_points(axes, history(), color="k")
    assert axes.collections[0].get_offsets().tolist() == frame.to_numpy().tolist() == VALUES[:, ::-1].tolist()
    assert (axes.get_xlabel(), axes.get_ylabel()) == tuple(objective.label for objective in OBJECTIVES[::-1])


def test_a_change_has_a_row_with_a_marker_for_each_column(axes):
    plot_changes(axes, pd.DataFrame({"before": [1.0, 2.0], "after": [3.0, 0.0]}, ["a", "b"]))
    assert lines(axes) == [[[1, 0], [2, 1]], [[3, 0], [0, 1]]]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b"] and axes.yaxis_inverted()


@pytest.mark.parametrize(("centred", "left", "right"), [(False, -0.5, 1.5), (True, 0.5, 2.5)])
def test_a_slice_is_framed_where_it_is_taken(axes, centred, left, right):
    plot_slice(axes, np.ones((6, 4)), {"all": (6, 4), "part": (2, 2)}, centred)
    whole, part = axes.lines
    assert (whole.get_xdata().min(), whole.get_ydata().max()) == (-0.5, 5.5)
    assert (part.get_xdata().min(), part.get_xdata().max()) == (left, right)


def test_an_area_is_as_large_as_the_hypervolume(axes):
    plot_area(axes, {"all": history()}, (65.0, 4.0))
    corners = axes.collections[0].get_paths()[0].vertices
    x, y = corners.T
    assert abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2 == pytest.approx(history().hypervolume((65.0, 4.0)))


def test_points_beyond_the_reference_point_are_hollow(axes):
    plot_area(axes, {"all": history()}, (72.0, 4.0))
    filled, hollow, cross = lines(axes)
    assert filled == [[2, 80]] and hollow == [[1, 70]] and cross == [[4, 72]]


def test_the_winner_is_who_has_the_larger_hypervolume(axes):
    cheap, good = history(VALUES[:1]), history(VALUES[1:2])
    plot_winners(axes, {"cheap": cheap, "good": good}, np.array([1.5, 9.0]), np.array([60.0, 75.0]))
    winner = np.ma.filled(axes.collections[0].get_array(), np.nan)
    np.testing.assert_array_equal(winner, [[-1, 1], [np.nan, 1]])


def test_options_that_a_network_lacks_are_pale(axes):
    plot_one_hot(axes, np.eye(2), np.array([[False, True], [False, False]]), ["first", "second"], ["a", "b"])
    assert axes.images[0].get_array().tolist() == [[1, 0.2], [0, 1]]


def test_networks_are_joined_from_the_cheapest_to_the_dearest(axes):
    plot_joined(axes, history(VALUES[[1, 0, 2]]), ["b", "a", "c"], COLOURS[0])
    assert lines(axes) == [VALUES[:, ::-1].tolist()]
    assert {text.get_text(): text.xy for text in axes.texts} == {"a": (1, 70), "b": (2, 80), "c": (3, 75)}


def test_a_child_shows_where_its_options_come_from(axes):
    parents, children = np.array([[1, 0, 0], [1, 1, 0]]), np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]])
    frame = plot_children(axes, SPACE, parents, children)
    of_children = frame[frame.network == "child"]
    assert of_children[["choice", "origin"]].to_numpy().tolist() == [
        ["depth", 0],
        ["kernel", 1],
        ["depth", 0],
        ["kernel", 2],
        ["depth", 3],  # neither parent has it; its kernel is missing
    ]


def test_those_that_do_not_survive_are_hollow(axes):
    plot_survivors(axes, history(), np.array([True, False, True]), n_parents=2)
    groups = {one.get_label(): len(one.get_facecolors()) for one in axes.collections}
    assert groups == {"parent survives: 1": 1, "parent does not: 1": 0, "child survives: 1": 1, "child does not: 0": 0}
