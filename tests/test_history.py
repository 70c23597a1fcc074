import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace

SPACE = SearchSpace(
    [
        Choice("depth", (2, 3)),
        Choice("kernel", (3, 5), when=("depth", (3,))),
        Choice("width", (1.0, 1.5)),
        Choice("activation", ("relu", "swish")),
    ]
)
OBJECTIVES = (Objective("accuracy_top1", "max", "%"), Objective("latency_ms", "min", "ms"))


@pytest.fixture
def history():
    genotypes = np.array([[0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 1], [0, 0, 1, 0]])
    return History(SPACE, OBJECTIVES, genotypes, np.array([[72.0, 20.0], [76.0, 28.0], [75.0, 29.0], [70.0, 10.0]]))


def test_the_front_is_the_measured_best_sorted_by_the_first_objective(history):
    np.testing.assert_array_equal(history.front().values, [[76, 28], [72, 20], [70, 10]])
    np.testing.assert_array_equal(history.front().genotypes, history.genotypes[[1, 0, 3]])
    assert len(history[:0].front()) == 0


def test_hypervolume_has_its_reference_in_raw_units(history):
    assert history.hypervolume((70.0, 30.0)) == 2 * 10 + 4 * 2
    np.testing.assert_array_equal(history.hypervolume_curve((70.0, 30.0)), [20, 28, 28, 28])
    assert history[:1].hypervolume((70.0, 30.0)) == 20
    with pytest.raises(ValueError, match="accuracy_top1.*latency_ms"):
        history.hypervolume((70.0,))


def test_failed_and_infeasible_rows_are_on_no_front(history):
    failed = History(SPACE, OBJECTIVES, history.genotypes, np.where([[True], [False], [True], [True]], history.values, np.nan))
    assert failed.failed.tolist() == [False, True, False, False]
    np.testing.assert_array_equal(failed.front().values, [[75, 29], [72, 20], [70, 10]])
    np.testing.assert_array_equal(failed.hypervolume_curve((70.0, 30.0)), [20, 20, 2 * 10 + 3 * 1, 2 * 10 + 3 * 1])
    bounded = replace(failed, objectives=(OBJECTIVES[0], replace(OBJECTIVES[1], at_most=20.0)))
    np.testing.assert_array_equal(bounded.front().values, [[72, 20], [70, 10]])
    assert bounded.hypervolume((70.0, 30.0)) == 20 and bounded.feasible.tolist() == [True, False, False, True]


def test_the_nearest_miss_is_the_least_beyond_the_bounds(history):
    objectives = (replace(OBJECTIVES[0], at_least=80.0), replace(OBJECTIVES[1], at_most=20.0))
    beyond = replace(history, objectives=objectives)
    np.testing.assert_allclose(beyond.violations, [8 / 80, 4 / 80 + 8 / 20, 5 / 80 + 9 / 20, 10 / 80])
    assert len(beyond.front()) == 0 == beyond.hypervolume((70.0, 30.0))
    assert beyond.nearest_miss().values.tolist() == [[72.0, 20.0]]
    assert len(replace(beyond, values=beyond.values * np.nan).nearest_miss()) == 0


def test_the_best_are_the_front_then_what_is_behind_it_and_the_infeasible_last(history):
    assert set(history.best(3).values[:, 0]) == {76, 72, 70} and history.best(9).values[3].tolist() == [75, 29]
    bounded = replace(history, objectives=(OBJECTIVES[0], replace(OBJECTIVES[1], at_most=20.0)))
    assert bounded.best(9).values[2:].tolist() == [[76, 28], [75, 29]]


def test_frame(history):
    frame = history.to_frame()
    assert frame.columns.tolist() == ["accuracy_top1", "latency_ms", "depth", "kernel", "width", "activation"]
    assert frame["depth"].tolist() == [2, 3, 3, 2] and frame["width"].tolist() == [1.0, 1.0, 1.5, 1.5]
    assert frame["kernel"].isna().tolist() == [True, False, False, True]
    assert frame["kernel"].dropna().tolist() == [5, 3] and pd.api.types.is_integer_dtype(frame["kernel"].dtype)
    assert len(history[:0].to_frame()) == 0


def test_one_row_is_a_history_too():
    space = SearchSpace([Choice("depth", (2, 3))])
    history = History(space, (Objective("a", "min"),), np.array([[0], [1]]), np.array([[3.0], [2.0]]))
    assert history[0].values.tolist() == [[3.0]] and len(history[-1].front()) == 1


def test_the_front_grows_row_by_row():
    space = SearchSpace([Choice("a", tuple(range(9)))])
    values = np.array([[2.0, 2], [3, 3], [np.nan, 0], [1, 3], [1, 3], [1, 1], [0, 9]])
    history = History(space, (Objective("x", "min"), Objective("y", "min")), np.arange(7)[:, None], values)
    assert list(history.growing_front()) == [(0, [0]), (3, [0, 3]), (5, [5]), (6, [5, 6])]
    assert history.judged_curve(history, (4.0, 4.0)).tolist() == history.hypervolume_curve((4.0, 4.0)).tolist()


def test_a_front_is_judged_by_other_values_which_only_its_sub_networks_need(history):
    judged = replace(
        history, values=np.where([[True, True]] * 2 + [[False, False]] + [[True, True]], history.values - [1, 0], np.nan)
    )
    np.testing.assert_array_equal(history.judged_curve(judged, (70.0, 30.0)), [10, 10 + 4 * 2, 18, 18])


def assert_same(found, history):
    np.testing.assert_array_equal(found.genotypes, history.genotypes)
    np.testing.assert_array_equal(found.values, history.values)
    assert (found.space, found.objectives) == (history.space, history.objectives) and found.genotypes.dtype == np.int64


@pytest.fixture
def mixed(history):
    """With a failure, and with options that other programs take for missing values or for numbers."""
    choices = [*SPACE.choices, Choice("norm", ("None", "nan", "1"), when=("depth", (3,))), Choice("only", (7,))]
    genotypes = np.array([[0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [1, 0, 1, 1, 1, 0], [1, 0, 1, 0, 2, 0]])
    values = np.where([[True], [False], [True], [True]], history.values, np.nan)
    return History(SearchSpace(choices), OBJECTIVES, genotypes, values)


def test_a_history_comes_back_from_its_frame(history, mixed):
    for whole in (history, mixed, history[:0], mixed[1]):
        frame = whole.to_frame()
        assert_same(History.from_frame(frame, whole.space, whole.objectives), whole)
        shuffled = frame[frame.columns[::-1]].set_axis(range(5, 5 + len(frame))).astype(object)
        assert_same(History.from_frame(shuffled, whole.space, whole.objectives), whole)


def test_a_history_comes_back_from_a_csv(history, mixed, tmp_path):
    history.to_frame().to_csv(tmp_path / "a.csv")
    assert_same(History.from_frame(pd.read_csv(tmp_path / "a.csv"), SPACE, OBJECTIVES), history)
    mixed.to_frame().to_csv(tmp_path / "b.csv", index=False, na_rep="missing")
    frame = pd.read_csv(tmp_path / "b.csv", keep_default_na=False, na_values=["missing"])
    assert_same(History.from_frame(frame.drop(columns="only"), mixed.space, OBJECTIVES), mixed)


def test_a_history_comes_back_where_an_objective_is_named_like_a_choice():
    space = SearchSpace([Choice("resolution", (96, 128))])
    history = History(space, (Objective("resolution", "min"),), np.array([[1], [0]]), np.array([[128.0], [96.0]]))
    assert_same(History.from_frame(history.to_frame(), space, history.objectives), history)


def test_a_frame_that_is_no_history_is_told(history):
    frame = history.to_frame()
    with pytest.raises(
        ValueError, match=r"the frame has no columns \['latency_ms'\] for these objectives; it has \['accuracy"
    ):
        History.from_frame(frame.drop(columns="latency_ms"), SPACE, OBJECTIVES)
    with pytest.raises(ValueError, match="no option given for .'width'"):
        History.from_frame(frame.drop(columns="width"), SPACE, OBJECTIVES)
    with pytest.raises(ValueError, match="'depth' has no option 9"):
        History.from_frame(frame.assign(depth=9), SPACE, OBJECTIVES)


def test_a_reference_point_that_nothing_beats_is_told(history):
    with pytest.warns(UserWarning, match=r"beats .* in every objective: the hypervolume is 0; are its numbers swapped\?"):
        assert history.hypervolume((95.0, 30.0)) == 0
    with pytest.warns(UserWarning, match=r"in every objective: the hypervolume is 0$"):
        assert not history.hypervolume_curve((99.0, 99.0)).any()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history.hypervolume((70.0, 30.0))
        history[:0].hypervolume((99.0, 0.1))


def test_without_a_reference_point_one_is_inferred_that_all_feasible_ones_beat(history):
    values = history.values[history.feasible]
    size = np.ptp(values, axis=0)
    expected = (values[:, 0].min() - size[0] / 10, values[:, 1].max() + size[1] / 10)
    np.testing.assert_allclose(history.reference_point(), expected)
    assert history.hypervolume() == history.hypervolume(expected) == history.hypervolume_curve()[-1] > 0
    assert history[:0].hypervolume() == 0 and history[:1].hypervolume() > 0
    with pytest.raises(ValueError, match="no evaluation is feasible, so a reference point"):
        history[:0].reference_point()
