"""Our operators against plain pymoo's: the same parents have children of the same distribution, the same values survive."""

import numpy as np
import pytest
from pymoo.algorithms.moo.nsga2 import NSGA2, binary_tournament
from pymoo.algorithms.moo.spea2 import SPEA2Survival
from pymoo.core.mating import Mating
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.operators.selection.rnd import RandomSelection

from nastoolkit.objectives import Objective
from nastoolkit.search import EVOLUTIONARY
from nastoolkit.space import Choice, SearchSpace

N, D, K = 400, 30, 4
SPACE = SearchSpace([Choice(f"c{i}", tuple(range(K))) for i in range(D)])
PROBLEM = Problem(n_var=D, n_obj=2, xl=-0.5, xu=K - 0.5)
OBJECTIVES = [Objective("f", "min"), Objective("g", "min")]


def shares(children):
    return np.bincount(np.rint(children).clip(0, K - 1).astype(int).ravel(), minlength=K) / children.size


def test_children_of_the_same_parents_are_distributed_like_pymoos():
    """Parents have the first and the third of four options, so that every other option tells of crossover or mutation."""
    rng = np.random.default_rng(0)
    parents = 2 * rng.integers(0, 2, (N, D))
    x = np.linspace(0, 1, N)
    values = np.stack([x, 1 - x], axis=1)
    ours = EVOLUTIONARY["nsga2"](SPACE, OBJECTIVES, population=N)
    ours.tell(parents, values)
    children = np.concatenate([ours.ask() for _ in range(8)])
    mating = Mating(RandomSelection(), SBX(prob=0.9, eta=15), PM(prob=1.0, prob_var=1 / N, eta=3))
    population = Population.new(X=parents.astype(float), F=values)
    theirs = mating.do(PROBLEM, population, 8 * N, random_state=np.random.default_rng(1)).get("X")
    np.testing.assert_allclose(shares(children), shares(theirs), atol=0.005)


@pytest.mark.parametrize("population", [10, 50])
def test_the_rate_of_mutation_is_one_in_a_population(population):
    """Parents are all alike: what differs is mutated. Of ordered options some mutations are too small to be seen."""
    ordered = np.arange(D) % 2 == 0
    space = SearchSpace([Choice(f"c{i}", tuple(range(K)), ordered=bool(o)) for i, o in enumerate(ordered)])
    ours = EVOLUTIONARY["nsga2"](space, OBJECTIVES, population=population)
    ours.tell(np.ones((1, D), dtype=int), np.zeros((1, 2)))
    parents = Population.new(X=np.ones((4000, D)))
    mutated = ours._mating.mutation.do(ours._problem, parents, random_state=np.random.default_rng(0)).get("X")
    changed = (mutated != 1).mean(axis=0)
    np.testing.assert_allclose(changed[ordered], 1 / population, atol=0.02)
    seen = (np.rint(mutated) != 1).mean(axis=0)
    np.testing.assert_allclose(seen[~ordered], (K - 1) / K / population, atol=0.02)
    assert 0.3 / population < seen[ordered].mean() < 0.7 / population


def dominated(a, b):
    return np.all(b <= a) and np.any(b < a)


def test_the_tournament_is_that_of_the_paper():
    """By front, then by crowding; pymoo's own compares by dominance, which never contradicts the front."""
    rng = np.random.default_rng(0)
    ours = EVOLUTIONARY["nsga2"](SPACE, OBJECTIVES, population=60)
    values = rng.random((60, 2))
    ours.tell(SPACE.sample(60, rng), values)
    parents = ours._parents
    rank, crowding, costs = parents.get("rank"), parents.get("crowding"), parents.get("F")
    pairs = np.array([[i, j] for i in range(60) for j in range(60) if i != j])
    winners = ours._mating.selection.func_comp(parents, pairs, bounded=False)[:, 0]
    plain = NSGA2()
    plain.random_state, plain.tournament_type = rng, "comp_by_rank_and_crowding"
    parents.set("CV", np.zeros((60, 1)))
    theirs = binary_tournament(parents, pairs, plain)[:, 0]
    tied = (rank[pairs[:, 0]] == rank[pairs[:, 1]]) & (crowding[pairs[:, 0]] == crowding[pairs[:, 1]])
    np.testing.assert_array_equal(winners[~tied], theirs[~tied])
    losers = pairs.sum(axis=1) - winners
    assert not any(dominated(costs[winner], costs[loser]) for winner, loser in zip(winners, losers, strict=True))


def test_spea2_keeps_what_pymoos_keeps_of_scaled_costs():
    """On costs of one scale the two agree; on others ours does not depend on units, and pymoo's raw distances do."""
    rng = np.random.default_rng(0)
    genotypes = SPACE.sample(80, rng)
    x = np.sort(rng.random(80))
    values = np.stack([(x - x[0]) / (x[-1] - x[0]), 1 - (x - x[0]) / (x[-1] - x[0])], axis=1)

    def kept(costs):
        search = EVOLUTIONARY["spea2"](SPACE, OBJECTIVES, population=40)
        search.tell(genotypes, costs)
        return set(map(tuple, np.round(search._parents.get("F") / costs.max(axis=0), 9)))

    plain = SPEA2Survival().do(PROBLEM, Population.new(X=genotypes, F=values), n_survive=40).get("F")
    assert kept(values) == set(map(tuple, np.round(plain, 9))) == kept(values * [1000.0, 0.01])


def test_the_first_generation_is_as_uniform_as_pymoos():
    drawn = EVOLUTIONARY["nsga2"](SPACE, OBJECTIVES, population=2000).ask()
    problem = Problem(n_var=D, xl=0, xu=K - 1, vtype=int)
    theirs = IntegerRandomSampling().do(problem, 2000, random_state=np.random.default_rng(0)).get("X").astype(float)
    np.testing.assert_allclose(shares(drawn), shares(theirs), atol=0.012)
