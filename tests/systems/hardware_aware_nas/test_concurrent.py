from dataclasses import asdict

import numpy as np
import pytest

from nastoolkit.benchmarks.race import Curves
from nastoolkit.systems.hardware_aware_nas.concurrent import Tactics, break_even, hypervolumes, pairs

SEARCHES = {"full_search": "nsga2", "concurrent_search": "spea2", "controls": ["random"]}
HARDWARE = {
    "source": "old",
    "target": "new",
    "budget": 20,
    "source_budgets": [20, 40],
    "population": 5,
    "reference_point": (0.0, 30.0),
}


@pytest.fixture
def tactics(toy):
    return Tactics(problem={}, **SEARCHES, **HARDWARE)


def test_all_but_the_warm_one_begin_alike(tactics):
    warm = "full, warm start of 20", "full, warm start of 40"
    assert list(tactics.algorithms) == ["full (nsga2)", *warm, "concurrent (spea2)", "random"]
    first = {name: tactics.search(name, seed=1).genotypes[:5].tolist() for name in tactics.algorithms}
    assert first["full (nsga2)"] == first["concurrent (spea2)"] == first["random"]
    finished = tactics.made.search("old", "nsga2", 40, 1, population=5)
    assert [first[name] for name in warm] == [finished[:n].best(5).genotypes.tolist() for n in (20, 40)]


def test_a_job_is_one_search(tactics):
    (row,) = hypervolumes(asdict(tactics), search="random", seed=0)
    assert row["search"] == "random" and len(row["hypervolume"]) == 20


def test_random_search_is_a_control(toy):
    with pytest.raises(ValueError, match="random must be among"):
        Tactics(problem={}, **{**SEARCHES, "controls": ["default"]}, **HARDWARE)


def test_the_best_known_front_is_of_all_searches_or_of_a_long_one(tactics):
    of_all = tactics.best_known(1).hypervolume((0.0, 30.0))
    assert of_all >= max(tactics.search(name, 0).hypervolume((0.0, 30.0)) for name in tactics.algorithms)
    assert tactics.best_known(1, budget=300).hypervolume((0.0, 30.0)) >= of_all


def test_pairs_tell_what_is_known_of_a_median():
    soon, late, never = np.array([0.0, 5, 5, 5]), np.array([0.0, 0, 0, 5]), np.array([0.0, 0, 0, 4])
    runs = {name: Curves(np.tile(curve, (6, 1))) for name, curve in {"soon": soon, "late": late, "never": never}.items()}
    table = pairs(runs)
    assert table.loc["soon", "late"] == "2 [2, 2]" and table.loc["late", "soon"] == "0.5 [0.5, 0.5]"
    assert table.loc["never", "late"] == "below 1 [0, 1]"
    assert table.loc["soon", "soon"] == "" and table.loc["soon", "hypervolume"] == "5 ± 0"


def test_break_even_is_by_what_the_warm_start_cost(tactics):
    soon, late = np.array([0.0, 5, 5, 5]), np.array([0.0, 0, 0, 5])
    names = dict(zip(tactics.algorithms, (late, late, soon, soon, late), strict=True))
    found = break_even({name: Curves(np.tile(curve, (6, 1))) for name, curve in names.items()}, tactics)
    concurrent, full = tactics.concurrent, tactics.full
    medians = {key: ratio.median[0] for key, ratio in found.items()}
    assert medians == {(concurrent, 20): 2, (concurrent, 40): 1, (full, 20): 1, (full, 40): 0.5}
