"""What every entry of ALGORITHMS keeps; a new one is tested by being there."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from inspect import signature

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS, Algorithm
from nastoolkit.space import Choice, SearchSpace, genotype_keys
from nastoolkit.studies import optimize

SPACE = SearchSpace(
    [
        choice
        for stage in range(3)
        for choice in (
            Choice(f"s{stage}.depth", (1, 2)),
            Choice(f"s{stage}.kernel", (3, 5, 7)),
            Choice(f"s{stage}.second", (3, 5, 7), when=(f"s{stage}.depth", (2,))),
        )
    ]
)
SMALL = SearchSpace([Choice("a", (1, 2, 3)), Choice("b", (1, 2), when=("a", (2, 3))), Choice("c", (1, 2))])
OBJECTIVES = [Objective("f0", "max"), Objective("f1", "min"), Objective("f2", "min"), Objective("f3", "max")]
QUICK = {
    "linas": {"generations": 4},
    "full": {"generations": 8, "sample": 15},
    "nat": {"generations": 4, "predictor": "ridge"},
    "weaknas": {"pool": 1000, "top": 100},
}

TRACES = """
import hashlib, json, sys
from dataclasses import replace
import numpy as np
from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.studies import optimize
from nastoolkit.space import Choice, SearchSpace

space = SearchSpace([Choice(f"c{i}", tuple("abcd")) for i in range(10)])
values = lambda genotypes: np.stack([genotypes @ np.arange(10), (genotypes**2) @ np.arange(10)[::-1]], axis=1) / 7

def trace(name, settings):
    bound = 40.0 if ALGORITHMS[name].n_goals[1] < 2 else None
    objectives = [Objective("f0", "max"), Objective("f1", "min", at_most=bound)]
    before = np.random.get_state()[1].tobytes()
    history = optimize(space, values, objectives, name, 40, seed=3, population=10, progress=False, **settings)
    assert np.random.get_state()[1].tobytes() == before, f"{name} used the global random state"
    return hashlib.sha256(history.genotypes.tobytes() + history.values.tobytes()).hexdigest()

quick = json.loads(sys.argv[1])
print(json.dumps({name: trace(name, quick.get(name, {})) for name in ALGORITHMS}))
"""


def evaluate(genotypes, m=2):
    weights = np.random.default_rng(0).integers(1, 9, size=(genotypes.shape[1], m))
    return np.sin(genotypes @ weights)  # of integers: a row's value does not depend on the rows beside it


def objectives_of(name, m=2):
    """The first m; where the algorithm optimises fewer, the others with bounds that are never broken."""
    n_goals = ALGORITHMS[name].n_goals[1]
    return [replace(o, at_most=2.0) if i >= n_goals else o for i, o in enumerate(OBJECTIVES[:m])]


def search(name, space=SPACE, m=2, values=evaluate, objectives=None, **arguments):
    settings = {"progress": False} | QUICK.get(name, {}) | arguments
    return optimize(space, lambda genotypes: values(genotypes, m), objectives or objectives_of(name, m), name, **settings)


def algorithm_of(name, space=SPACE, m=2, **settings):
    return ALGORITHMS[name](space, objectives_of(name, m), **QUICK.get(name, {}) | settings)


@pytest.fixture(params=ALGORITHMS)
def name(request):
    return request.param


def test_counts_are_whole_numbers_of_any_type(name):
    arguments = signature(ALGORITHMS[name]).parameters.values()
    for argument, default in [(a.name, a.default) for a in arguments if type(a.default) is int]:
        assert len(algorithm_of(name, **{argument: np.int16(default)}).ask()) > 0
        for wrong in (default + 0.5, str(default), None):
            with pytest.raises(TypeError, match=f"^{argument} must be a whole number, got {wrong!r}$"):
                algorithm_of(name, **{argument: wrong})


@pytest.mark.parametrize(("budget", "population"), [(1, 50), (7, 1), (30, 10), (45, 20)])
def test_the_budget_is_spent_to_the_last_evaluation_on_new_subnetworks(name, budget, population):
    history = search(name, budget=budget, population=population)
    assert len(history) == budget == len(set(genotype_keys(history.genotypes)))
    np.testing.assert_array_equal(SPACE.canonical(history.genotypes), history.genotypes)
    np.testing.assert_array_equal(history.values, evaluate(history.genotypes))


SPACES = {  # by size; the third is a chain, each choice of which waits for the one before
    1: SearchSpace([Choice("a", (7,))]),
    5: SearchSpace([Choice("a", (1, 2, 3, 4, 5))]),
    11: SearchSpace([Choice("c0", (0, 1))] + [Choice(f"c{i}", (0, 1), when=(f"c{i - 1}", (1,))) for i in range(1, 10)]),
    81: SearchSpace([Choice(f"c{i}", ("a", "b", "c")) for i in range(4)]),
    300: SearchSpace([Choice("a", tuple(range(25))), Choice("b", tuple("xyz")), Choice("c", tuple(range(6)))]).restrict(
        {"c": (0, 1, 3, 5)}
    ),
}


SIZES = [(1, 20), (5, 2), (11, 1), (11, 50), (81, 13), (300, 20)]
SLOW_TO_END = {"optuna_nsga2": 81, "optuna_tpe": 11}  # the largest space whose last sub-networks are soon suggested


@pytest.mark.parametrize(
    ("name", "size", "population"),
    [(name, *sizes) for sizes in SIZES for name in ALGORITHMS if sizes[0] <= SLOW_TO_END.get(name, 300)],
)
def test_budgets_beyond_a_space_end_with_its_last_subnetwork(name, size, population):
    history = search(name, SPACES[size], budget=size + 200, population=population)
    assert len(history) == size == SPACES[size].size == len(set(genotype_keys(history.genotypes)))
    np.testing.assert_array_equal(SPACES[size].canonical(history.genotypes), history.genotypes)


def test_asking_ends_with_an_empty_array(name):
    algorithm = algorithm_of(name, SMALL, population=6)
    sizes = []
    for _ in range(SMALL.size + 2):
        genotypes = algorithm.ask()
        algorithm.tell(genotypes, evaluate(genotypes))
        sizes.append(len(genotypes))
        assert genotypes.shape == (sizes[-1], 3)
    assert sum(sizes) == SMALL.size and sizes[-2:] == [0, 0]
    assert all(size == algorithm.batch for size in sizes[: SMALL.size // algorithm.batch])


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_one_to_four_objectives_or_a_clear_no(name, m):
    least, most = ALGORITHMS[name].n_goals
    if m < least:
        with pytest.raises(ValueError, match=rf"needs at least {least} objectives, got \['f0'\]"):
            search(name, m=m, budget=30, population=10)
        return
    assert search(name, m=m, budget=30, population=10).values.shape == (30, m)
    if m > most:
        with pytest.raises(ValueError, match=r"optimises \['f0'\] only; \['f1'.* need a bound"):
            search(name, m=m, objectives=OBJECTIVES[:m])


def test_exact_objectives_need_no_evaluate(name):
    objectives = [
        replace(objective, exact=lambda genotypes, i=i: evaluate(genotypes)[:, i])
        for i, objective in enumerate(objectives_of(name))
    ]
    history = optimize(SPACE, None, objectives, name, 30, population=10, progress=False, **QUICK.get(name, {}))
    np.testing.assert_array_equal(history.values, evaluate(history.genotypes))


def test_it_may_be_told_a_part_or_more_than_it_asked(name):
    algorithm = algorithm_of(name, population=10)
    known = SPACE.sample(1, np.random.default_rng(5))
    algorithm.tell(known, evaluate(known))
    asked = [known]
    for _ in range(4):
        asked.append(algorithm.ask())
        algorithm.tell(asked[-1][:3], evaluate(asked[-1][:3]))
    assert len(set(genotype_keys(np.concatenate(asked)))) == 1 + 4 * algorithm.batch


def constant(genotypes, m):
    return np.full((len(genotypes), m), 7.0)


def constant_beside_another(genotypes, m):
    return np.stack([genotypes.sum(axis=1)] + [np.zeros(len(genotypes))] * (m - 1), axis=1)


def in_agreement(genotypes, m):
    """One sub-network is the best in everything."""
    signs = [1 if objective.direction == "max" else -1 for objective in OBJECTIVES[:m]]
    return genotypes.sum(axis=1)[:, None] * signs


def of_few_values(genotypes, m):
    return np.stack([genotypes[:, i] for i in range(m)], axis=1)


@pytest.mark.parametrize("values", [constant, constant_beside_another, in_agreement, of_few_values])
@pytest.mark.filterwarnings("error::RuntimeWarning", "ignore:no measured sub-network")
def test_ties_constants_and_fronts_of_one_point(name, values):
    history = search(name, values=values, budget=36, population=12)
    assert len(history) == 36 == len(set(genotype_keys(history.genotypes)))


def test_bounds_are_preferred(name):
    """One in seven sub-networks keeps the bound, and the first objective pulls away from it."""

    def values(genotypes, m):
        return np.stack([genotypes.sum(axis=1), genotypes @ np.arange(1, 10)], axis=1).astype(float)

    objectives = [Objective("f0", "max"), Objective("f1", "min", at_most=14.5)]
    how = {"values": values, "objectives": objectives, "budget": 60, "population": 15}
    histories, drawn = ([search(by, **how, seed=seed) for seed in range(2)] for by in (name, "random"))
    assert all((history.front().values[:, 1] <= 14.5).all() for history in histories)
    n_feasible, n_drawn = (sum(history.feasible.sum() for history in found) for found in (histories, drawn))
    assert name == "random" or n_feasible > 1.3 * n_drawn


def test_where_nothing_keeps_the_bounds_it_comes_nearer(name):
    objectives = [Objective("f0", "max"), Objective("f1", "min", at_most=-3.0)]
    with pytest.warns(UserWarning, match=r"no measured sub-network has f1 <= -3.0; the nearest has f0 .*, f1 "):
        history = search(name, objectives=objectives, budget=40, population=10)
    assert len(history) == 40 and len(history.front()) == 0
    assert history.nearest_miss().values[0, 1] == history.values[:, 1].min()


@pytest.mark.filterwarnings("ignore:.* evaluations failed")
def test_failed_evaluations_are_survived(name):
    def values(genotypes, m):
        fails = genotypes[:, 1] == 0  # a third of the space
        return np.where(fails[:, None], np.nan, evaluate(genotypes, m))

    history = search(name, values=values, budget=60, population=12)
    assert len(history) == 60 == len(set(genotype_keys(history.genotypes)))
    np.testing.assert_array_equal(history.failed, history.genotypes[:, 1] == 0)
    assert not history.front().failed.any()


def test_a_warm_start_is_measured_first(name):
    past = search("random", budget=80, seed=9)
    history = search(name, budget=30, population=10, warm_start=past)
    assert set(genotype_keys(history.genotypes[:10])) == set(genotype_keys(past.best(10).genotypes))
    assert len(history) == 30 == len(set(genotype_keys(history.genotypes)))


def test_a_restriction_is_respected(name):
    space = SPACE.restrict({"s0.depth": (2,), "s1.kernel": (3, 7)})
    genotypes = search(name, space, budget=60, population=20).genotypes
    np.testing.assert_array_equal(space.canonical(genotypes), genotypes)
    assert set(genotypes[:, 0]) == {1} and set(genotypes[:, 4]) == {0, 2}


def test_the_seed_decides(name):
    one, same, other = (search(name, budget=40, population=10, seed=seed).genotypes for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_workers_that_finish_in_any_order_change_nothing(name):
    def slow_and_quick(genotypes, m):
        time.sleep(0.002 * (genotypes.sum() % 3))
        return evaluate(genotypes, m)

    with ThreadPoolExecutor(3) as executor:
        history = search(name, values=slow_and_quick, budget=40, population=10, executor=executor)
    alone = search(name, budget=40, population=10)
    np.testing.assert_array_equal(history.genotypes, alone.genotypes)
    assert history.values.tobytes() == alone.values.tobytes()


@pytest.fixture(scope="module")
def traces():
    """A hash of what each algorithm did, by name, from two processes with other hash seeds."""
    command = [sys.executable, "-W", "ignore", "-c", TRACES, json.dumps(QUICK)]
    running = [
        subprocess.Popen(command, env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE) for seed in ("1", "2")
    ]
    output = [process.communicate(timeout=600)[0] for process in running]
    assert all(process.returncode == 0 for process in running)
    return [json.loads(text) for text in output]


def test_processes_with_other_hash_seeds_agree(name, traces):
    assert traces[0][name] == traces[1][name]


def test_the_registry_is_documented():
    for name, algorithm in ALGORITHMS.items():
        assert issubclass(algorithm, Algorithm) and algorithm.__doc__
        module = sys.modules[algorithm.__module__]
        assert module.__name__.endswith((f".{name}", f".{name}_search")) and "Differs from the paper" in module.__doc__
