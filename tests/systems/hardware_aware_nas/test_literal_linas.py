"""The literal algorithm: each population after the first is the last one of an inner search on predictions."""

import numpy as np
import pytest

from nastoolkit import optimize
from nastoolkit.benchmarks import BENCHMARKS
from nastoolkit.objectives import Objective
from nastoolkit.search.nsga2 import NSGA2
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.systems.hardware_aware_nas.literal_linas import LiteralLINAS

PROBLEM = BENCHMARKS["digits-mbv3-table"]()
SMALL = {"population": 8, "generations": 5}


def told(**settings):
    """A search that knows one population, but has not learned from it yet."""
    search = LiteralLINAS(PROBLEM.space, PROBLEM.objectives, **SMALL, **settings)
    first = search.ask()
    search.tell(first, PROBLEM.history(first).values)
    return search


@pytest.mark.parametrize("predicts_costs", [False, True])
def test_the_next_population_is_the_last_of_an_nsga2_that_begins_at_random(predicts_costs):
    search, twin = told(predicts_costs=predicts_costs), told(predicts_costs=predicts_costs)
    twin._fit()
    inner = NSGA2(twin.space, twin.objectives, int(twin.rng.integers(2**63)), 8)
    inner.seen.update(twin.seen)
    for _ in range(5):
        proposed = inner.ask()
        inner.tell(proposed, twin._predict(proposed))
    np.testing.assert_array_equal(search.ask(), inner.parents)


def test_a_cost_is_predicted_or_exact():
    genotypes = PROBLEM.space.sample(50, np.random.default_rng(0))
    (cost,) = [i for i, objective in enumerate(PROBLEM.objectives) if objective.exact]
    exact = PROBLEM.history(genotypes).values[:, cost]
    taken, learned = told(predicts_costs=False), told()
    for search in (taken, learned):
        search.ask()
    np.testing.assert_array_equal(taken._predict(genotypes)[:, cost], exact)
    predicted = learned._predict(genotypes)[:, cost]
    assert (predicted != exact).all() and np.abs(predicted - exact).mean() < exact.std()


def test_it_searches_and_its_exact_costs_are_those_of_the_problem():
    history = optimize(PROBLEM.space, PROBLEM.evaluate, PROBLEM.objectives, LiteralLINAS, 24, progress=False, **SMALL)
    np.testing.assert_array_equal(history.values, PROBLEM.history(history.genotypes).values)


def test_a_space_is_used_up():
    space = SearchSpace([Choice("a", (1, 2, 3)), Choice("b", (1, 2, 3, 4))])
    search = LiteralLINAS(space, [Objective("gain", "max"), Objective("cost", "min")], **SMALL)
    while len(asked := search.ask()):
        search.tell(asked, asked.astype(float))
    assert len(search.seen) == space.size
