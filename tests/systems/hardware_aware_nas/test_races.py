"""Counts of evaluations, on searches of a few rows."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.benchmarks import BENCHMARKS, SupernetProblem
from nastoolkit.systems.hardware_aware_nas.races import (
    benchmark_named,
    evaluations_to,
    evidence_of,
    of_same_seed,
    reference_of,
    rows_of,
    search_problem,
    some_evaluations,
)


def made(**volumes):
    """Evaluations of searches, of which each has its hypervolumes, with seed 0 and in reverse with seed 1."""
    frames = [
        pd.DataFrame({"problem": "p", "search": name, "seed": seed, "hypervolume": values[:: 1 - 2 * seed]}).assign(
            evaluations=range(1, len(values) + 1)
        )
        for name, values in volumes.items()
        for seed in (0, 1)
    ]
    return pd.concat(frames, ignore_index=True)


def test_a_search_that_never_gets_there_has_no_count_and_keeps_its_budget():
    rows = made(a=[1.0, 2.0, 3.0], b=[0.0, 1.0])
    needed = evaluations_to(rows, rows.hypervolume >= 2).set_index(["search", "seed"])
    assert needed.evaluations.to_dict() == {("a", 0): 2, ("a", 1): 1, ("b", 0): np.inf, ("b", 1): np.inf}
    assert needed.budget.to_dict() == {("a", 0): 3, ("a", 1): 3, ("b", 0): 2, ("b", 1): 2}


def test_each_row_gets_the_value_of_its_seed():
    rows = made(a=[1.0, 2.0])
    values = pd.Series({("p", 1): 5.0, ("p", 0): 3.0, ("q", 0): 9.0})
    assert of_same_seed(rows, values).tolist() == [3.0, 3.0, 5.0, 5.0]


def test_few_evaluations_include_the_first_and_the_last():
    shown = some_evaluations(made(long=list(range(1000)), short=[1.0, 2.0]), first=10, n=5)
    counts = shown[shown.seed == 0].groupby("search").evaluations.apply(list)
    assert counts["long"] == [10, 31, 100, 316, 1000] and counts["short"] == [2]


def test_a_search_has_a_row_for_each_evaluation():
    benchmark = benchmark_named("digits-mbv3-table", "")
    history = benchmark.history(benchmark.space.sample(5, np.random.default_rng(0)))
    rows = rows_of(history, benchmark.reference_point)
    assert list(rows) == ["evaluations", "hypervolume", "costs", "reference_costs"] and list(rows.evaluations) == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert rows.costs.tolist() == history.costs.tolist() and rows.reference_costs[4] == [-80.0, 3.0]
    assert rows.hypervolume.iloc[-1] == pytest.approx(history.hypervolume(benchmark.reference_point))
    assert benchmark_named("digits-mbv3-table", "") is benchmark


def test_a_supernet_is_searched_on_validation_data_and_judged_on_test_data(tmp_path):
    problem = SupernetProblem(family_name="digits-mbv3", task_name="digits", folder=str(tmp_path), n_calibration=50)
    reference = reference_of(problem, "MACs", 20.0)
    assert reference == [20.0, problem.family.mmacs(problem.space.largest[None])[0]]
    rows = search_problem("digits", problem.as_argument("MACs"), "MACs", reference, "random", 2, 0, {"population": 2})
    assert len(rows) == 2 and rows.test_hypervolume.nunique() == 1
    assert rows.test_hypervolume[0] > 0 and rows.test_hypervolume[0] != rows.hypervolume.iloc[-1]


def test_a_benchmark_without_its_data_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        benchmark_named(next(name for name in BENCHMARKS if name.startswith("ofa")), str(tmp_path))


def test_a_miniature_is_no_problem_of_the_paper():
    problems = ["digits-mbv3-table", "number-words-transformer", "nas-bench-macro", "ofa-mbv3-w1.0"]
    assert [evidence_of(name) for name in problems] == ["miniature", "miniature", "public data", "the paper's own problem"]
