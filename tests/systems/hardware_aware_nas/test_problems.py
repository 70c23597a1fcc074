import json

import numpy as np
import pandas as pd
import pytest

from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.history import History
from nastoolkit.systems.hardware_aware_nas.problems import (
    PublishedTables,
    curves_by_search,
    evidence_of,
    front_of_all,
    judged_curves,
    percent_of,
    points_of,
    problem_from,
)


def test_plain_values_make_either_problem_again(tmp_path, data_folder):
    published = PublishedTables(folder=str(tmp_path), data_folder=str(data_folder), resolutions=[224])
    again = problem_from(json.loads(json.dumps(published.as_argument("Note10"))))
    assert again == published
    measured = SupernetProblem(family_name="digits-mbv3", task_name="digits", folder=str(tmp_path))
    assert problem_from(measured.as_argument("MACs")).family_name == "digits-mbv3"


def test_how_close_a_problem_is_to_the_paper(tmp_path):
    where = {"folder": str(tmp_path)}
    small = SupernetProblem(family_name="digits-mbv3", task_name="digits", **where)
    whole = SupernetProblem(family_name="ofa-mbv3-w1.2", task_name="imagenet", **where)
    found = [evidence_of(problem) for problem in (whole, PublishedTables(**where), small)]
    assert found == ["the paper's own problem", "public data", "miniature"]


def test_published_searches_are_made_once(tmp_path, data_folder, monkeypatch):
    problem = PublishedTables(folder=str(tmp_path), data_folder=str(data_folder), resolutions=[160, 224])
    first = problem.search("i7-8700K", "nsga2", 20, seed=0, population=5)
    monkeypatch.setattr("nastoolkit.benchmarks.race.optimize", None)
    again = problem.search("i7-8700K", "nsga2", 20, seed=0, population=5)
    assert again.values.tolist() == first.values.tolist()
    assert set(first.to_frame()["resolution"]) <= {160, 224}
    assert (problem.cost("Note10").exact(first.genotypes) != first.values[:, 1]).all()
    assert problem.judged([first]) == [first]


def test_without_the_files_nothing_is_searched(tmp_path):
    with pytest.raises(FileNotFoundError, match="ofa-accuracy-predictor"):
        PublishedTables(folder=str(tmp_path), data_folder=str(tmp_path)).as_argument("Note10")


def test_hypervolumes_are_by_the_other_values(toy):
    history = toy.search("old", "random", 10, seed=0)
    (row,) = judged_curves(toy, {"one": history}, (0.0, 30.0))
    assert row["search"] == "one" and len(row["hypervolume"]) == 10
    assert row["hypervolume"][-1] < history.hypervolume((0.0, 30.0))


def test_searches_that_nothing_else_judges_have_the_same_curves(toy, monkeypatch):
    history = toy.search("old", "nsga2", 40, seed=0, population=5)
    copy = History(history.space, history.objectives, history.genotypes, history.values)
    curves = []
    for judged in (history, copy):
        monkeypatch.setattr(toy, "judged", lambda histories, judged=judged: [judged])
        curves.append(judged_curves(toy, {"one": history}, (0.0, 30.0))[0]["hypervolume"])
    np.testing.assert_allclose(*curves)


def test_curves_are_by_search_and_seed(toy):
    histories = {name: toy.search("old", "random", n, seed=0) for name, n in {"long": 10, "short": 5}.items()}
    rows = pd.DataFrame(judged_curves(toy, histories, (0.0, 30.0)) * 2)
    runs = curves_by_search(rows)
    assert {name: run.curves.shape for name, run in runs.items()} == {"long": (2, 10), "short": (2, 5)}
    points = points_of(runs, [5, 10])
    assert points.groupby("search").evaluations.unique().map(list).to_dict() == {"long": [5, 10], "short": [5]}
    assert points.hypervolume.tolist()[:4] == [runs["long"].curves[0, k] for k in (4, 4, 9, 9)]


def test_the_front_of_all_has_no_rows_that_one_of_them_beats(toy):
    histories = [toy.search("old", "random", 10, seed=seed) for seed in range(3)]
    front = front_of_all(histories)
    assert front.on_front.all()
    everything = np.concatenate([history.genotypes for history in histories]).tolist()
    assert all(genotype in everything for genotype in front.genotypes.tolist())


def test_of_nothing_nothing_is_lost():
    assert percent_of(np.array([1.0, 0.0, -2.0]), np.array([4.0, 0.0, 4.0])).tolist() == [25, 0, -50]
