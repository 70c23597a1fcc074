"""Searches of the shipped table: the rows that are kept of them say as much as all that they measured."""

import numpy as np
import pytest

from nastoolkit import BENCHMARKS, optimize
from nastoolkit.studies import jobs, run_grid
from nastoolkit.systems.ofa_squared.one_search import curves, evaluations_to, front_search, gains, hypervolume_after

LIMIT = 2.5


def search(algorithm, seed):
    problem = BENCHMARKS["digits-mbv3-table"]()
    how = {"budget": 40, "seed": seed, "population": 10, "progress": False}
    return problem.history(optimize(problem.space, problem.evaluate, problem.objectives, algorithm, **how).genotypes)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    common = {"benchmark": "digits-mbv3-table", "data_folder": "", "budget": 40, "settings": {"population": 10}}
    whole = jobs(algorithm=["nsga2", "random"], seed=range(2), **common)
    within = jobs(algorithm="ofa_evolution", seed=range(2), limit=[LIMIT], **common)
    return run_grid(front_search, [*whole, *within], tmp_path_factory.mktemp("jobs"), version=1, n_workers=0, progress=False)


@pytest.mark.parametrize("algorithm", ["nsga2", "random"])
def test_hypervolumes_are_known_after_every_evaluation(algorithm, found):
    run = found[(found.algorithm == algorithm) & (found.seed == 1)]
    curve = search(algorithm, 1).hypervolume_curve(BENCHMARKS["digits-mbv3-table"]().reference_point)
    assert hypervolume_after(run, np.arange(1, 41)).tolist() == curve.tolist()
    assert run.evaluations.iloc[-1] == 40 and len(run) < 40
    shown = curves(found).query("search == @algorithm and seed == 1")
    assert shown.hypervolume.tolist() == curve[shown.evaluations - 1].tolist() and shown.evaluations.max() == 40


def test_the_front_is_there(found):
    front, run = search("nsga2", 0).front(), found[(found.algorithm == "nsga2") & (found.seed == 0) & found.on_front]
    assert sorted(100 - run.error) == pytest.approx(sorted(front.values[:, 0]))
    assert sorted(run.cost) == sorted(front.values[:, 1])


def test_evaluations_to_a_hypervolume_are_those_of_its_seed_or_infinite(found):
    whole = found[found.limit.isna()].groupby(["algorithm", "seed"]).hypervolume.last().unstack("algorithm")
    goals = whole["random"].where(whole.index == 0, np.inf)
    curve = search("random", 0).hypervolume_curve(BENCHMARKS["digits-mbv3-table"]().reference_point)
    assert evaluations_to(found, "random", goals).tolist() == [np.argmax(curve == curve[-1]) + 1, np.inf]


def test_gains_are_points_of_error_within_a_limit(found):
    gained = gains(found)
    assert gained.groupby("search").size().to_dict() == {"nsga2": 2, "random": 2} and set(gained.limit) == {LIMIT}
    for seed, points in gained[gained.search == "random"].set_index("seed").points.items():
        history = search("random", seed)
        best = history.values[history.values[:, 1] <= LIMIT, 0].max()
        alone = found[(found.algorithm == "ofa_evolution") & (found.seed == seed) & (found.cost <= LIMIT)].error.min()
        assert points == pytest.approx(alone - (100 - best))
