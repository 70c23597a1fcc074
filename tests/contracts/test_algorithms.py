"""What every entry of ALGORITHMS keeps; a new one is tested by being there."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS, Algorithm, optimize
from nastoolkit.space import Choice, SearchSpace, genotype_keys

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
OBJECTIVES = [Objective("f0", "max"), Objective("f1", "min"), Objective("f2", "min")]
QUICK = {"linas": {"generations": 4}}

TRACE = """
import hashlib, json, sys
import numpy as np
from nastoolkit.objectives import Objective
from nastoolkit.search import optimize
from nastoolkit.space import Choice, SearchSpace

space = SearchSpace([Choice(f"c{i}", tuple("abcd")) for i in range(10)])
before = np.random.get_state()[1].tobytes()
values = lambda genotypes: np.stack([genotypes @ np.arange(10), (genotypes**2) @ np.arange(10)[::-1]], axis=1) / 7
objectives = [Objective("f0", "max"), Objective("f1", "min")]
name, settings = sys.argv[1], json.loads(sys.argv[2])
history = optimize(space, values, objectives, name, 70, seed=3, population=20, progress=False, **settings)
assert np.random.get_state()[1].tobytes() == before, "the global random state was used"
print(hashlib.sha256(history.genotypes.tobytes() + history.values.tobytes()).hexdigest())
"""


def evaluate(genotypes, m=2):
    weights = np.random.default_rng(0).integers(1, 9, size=(genotypes.shape[1], m))
    return np.sin(genotypes @ weights)  # of integers: a row's value does not depend on the rows beside it


def search(name, space=SPACE, m=2, **arguments):
    settings = {"progress": False} | QUICK.get(name, {}) | arguments
    return optimize(space, lambda genotypes: evaluate(genotypes, m), OBJECTIVES[:m], name, **settings)


@pytest.fixture(params=ALGORITHMS)
def name(request):
    return request.param


@pytest.mark.parametrize(("budget", "population"), [(1, 50), (7, 3), (30, 10), (31, 1), (40, 100), (45, 20)])
def test_the_budget_is_spent_to_the_last_evaluation_on_new_subnetworks(name, budget, population):
    history = search(name, budget=budget, population=population)
    assert len(history) == budget == len(set(genotype_keys(history.genotypes)))
    np.testing.assert_array_equal(SPACE.canonical(history.genotypes), history.genotypes)
    np.testing.assert_array_equal(history.values, evaluate(history.genotypes))


@pytest.mark.parametrize("population", [1, 4, 50])
def test_a_small_space_is_used_up(name, population):
    history = search(name, SMALL, budget=100, population=population)
    assert len(history) == SMALL.size == len(set(genotype_keys(history.genotypes)))


def test_asking_ends_with_an_empty_array(name):
    algorithm = ALGORITHMS[name](SMALL, OBJECTIVES[:1], population=6, **QUICK.get(name, {}))
    sizes = []
    for _ in range(4):
        genotypes = algorithm.ask()
        algorithm.tell(genotypes, evaluate(genotypes, 1))
        sizes.append(genotypes.shape)
    assert sizes == [(6, 3), (4, 3), (0, 3), (0, 3)]


@pytest.mark.parametrize("m", [1, 3])
def test_any_number_of_objectives(name, m):
    assert search(name, m=m, budget=45, population=15).values.shape == (45, m)


def test_exact_objectives_need_no_evaluate(name):
    objectives = [Objective(f"f{i}", "min", exact=lambda genotypes, i=i: evaluate(genotypes)[:, i]) for i in range(2)]
    history = optimize(SPACE, None, objectives, name, 30, population=10, progress=False, **QUICK.get(name, {}))
    np.testing.assert_array_equal(history.values, evaluate(history.genotypes))


def test_it_may_be_told_a_part_or_more_than_it_asked(name):
    algorithm = ALGORITHMS[name](SPACE, OBJECTIVES[:2], population=10, **QUICK.get(name, {}))
    known = SPACE.sample(1, np.random.default_rng(5))
    algorithm.tell(known, evaluate(known))
    asked = [known]
    for _ in range(4):
        asked.append(algorithm.ask())
        algorithm.tell(asked[-1][:3], evaluate(asked[-1][:3]))
    assert len(set(genotype_keys(np.concatenate(asked)))) == 41


def test_a_restriction_is_respected(name):
    space = SPACE.restrict({"s0.depth": (2,), "s1.kernel": (3, 7)})
    genotypes = search(name, space, budget=60, population=20).genotypes
    np.testing.assert_array_equal(space.canonical(genotypes), genotypes)
    assert set(genotypes[:, 0]) == {1} and set(genotypes[:, 4]) == {0, 2}


def test_the_seed_decides(name):
    one, same, other = (search(name, budget=40, population=10, seed=seed).genotypes for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_processes_with_other_hash_seeds_agree(name):
    command = [sys.executable, "-c", TRACE, name, json.dumps(QUICK.get(name, {}))]
    running = [
        subprocess.Popen(command, env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE) for seed in ("1", "2")
    ]
    traces = [process.communicate(timeout=120)[0] for process in running]
    assert all(process.returncode == 0 for process in running) and traces[0] == traces[1]


def test_the_registry_is_documented():
    for name, algorithm in ALGORITHMS.items():
        assert issubclass(algorithm, Algorithm) and algorithm.__doc__
        module = sys.modules[algorithm.__module__]
        assert module.__name__.endswith(f".{name}") and "Differs from the paper" in module.__doc__
