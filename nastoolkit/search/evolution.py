"""What evolutionary searches share: the same mating, and a survival rule of their own.

[Deb2000] K. Deb, "An Efficient Constraint Handling Method for Genetic Algorithms", Computer Methods in Applied Mechanics and
Engineering 186, 2000: a solution that keeps the bounds is better than one that does not; if neither does, the nearer one is
better.
[Ito2023] R. C. Ito and F. J. Von Zuben, "OFA^2: A Multi-Objective Perspective for the Once-for-All Neural Architecture
Search", IJCNN 2023, arXiv 2303.13683.
[Das1998] I. Das and J. E. Dennis, "Normal-Boundary Intersection", SIAM Journal on Optimization 8(3), 1998.

All have the mating of the first paper's NSGA-II (:mod:`nastoolkit.search.nsga2`), so that they differ only in selection and
survival, or all have that of [Ito2023]: see :data:`nastoolkit.search.mating.MATINGS`, also for duplicates and rounded genes.
They mate :mod:`nastoolkit.search.genomes`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from math import comb
from typing import Any

import numpy as np
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival
from pymoo.operators.selection.tournament import TournamentSelection
from pymoo.util.ref_dirs import get_reference_directions

from nastoolkit.objectives import Objective
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.genomes import Genomes
from nastoolkit.search.mating import MATINGS, Mating
from nastoolkit.space import SearchSpace


class Evolution(Algorithm):
    """Parents have children; the survivors of both are the next parents.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values.
        seed: Random seed.
        population: Number of children in a generation, and of survivors.
        mating: A name in :data:`nastoolkit.search.mating.MATINGS`.

    Raises:
        ValueError: There is no such mating.
    """

    def __init__(
        self, space: SearchSpace, objectives: Sequence[Objective], seed: int = 0, population: int = 50, mating: str = "sbx"
    ) -> None:
        super().__init__(space, objectives, seed, population)
        if mating not in MATINGS:
            raise ValueError(f"unknown mating {mating!r}; known: {sorted(MATINGS)}")
        self._genomes = Genomes(space)
        crossover, mutation = MATINGS[mating](np.array([choice.ordered for choice in space.choices]), self.population)
        n_bounds, greatest = sum(objective.is_bounded for objective in self.objectives), self._genomes.n_places - 0.5
        self._problem = Problem(n_var=space.n_genes, n_obj=len(self.goals), n_ieq_constr=n_bounds, xl=-0.5, xu=greatest)
        selection, self._survival = self._parts()
        self._mating = Mating(self._problem, selection, crossover, mutation, self._genomes, self.seen)
        self._parents = Population.empty()

    @abstractmethod
    def _parts(self) -> tuple[Selection, Survival]:
        """How parents are chosen for mating, and which of parents and children survive."""

    @property
    def parents(self) -> np.ndarray:
        """Genotypes ``(n, d)`` of the present parents; none before the first values."""
        return self._genomes.genotypes(self._parents.get("X").reshape(-1, self.space.n_genes))

    def _propose(self) -> np.ndarray:
        if not len(self._parents):
            return self._nothing()
        return self._genomes.ask_for(self._mating.children(self._parents, self.population, self.rng))

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        told = Population.new(X=self._genomes.of(genotypes, self.rng), F=self.costs(values))
        if self._problem.has_constraints():
            told.set("CV", self.violations(values)[:, None])
        candidates = Population.merge(self._parents, told)
        self._parents = self._survival.do(self._problem, candidates, n_survive=self.population, random_state=self.rng)


def scaled(points: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """Points ``(k, m)`` scaled such that every column of costs ``(n, m)`` goes from 0 to 1; a constant column becomes 0."""
    lowest, highest = costs.min(axis=0), costs.max(axis=0)
    return (points - lowest) / np.where(highest > lowest, highest - lowest, 1.0)


def directions(n_objectives: int, n: int) -> np.ndarray:
    """Evenly spread weights ``(k, m)`` that sum to 1 [Das1998]: as many as such a spread has, at most n and at least one."""
    n_partitions = 0
    while n_objectives > 1 and comb(n_partitions + n_objectives, n_objectives - 1) <= n:
        n_partitions += 1
    if n_partitions == 0:
        return np.full((1, n_objectives), 1 / n_objectives)
    return get_reference_directions("das-dennis", n_objectives, n_partitions=n_partitions)


class Scaled(Survival):
    """Wraps a survival rule, which then sees costs from 0 to 1: for rules that compare objectives with each other."""

    def __init__(self, survival: Survival) -> None:
        super().__init__(filter_infeasible=False)
        self._survival = survival

    def _do(self, problem: Problem, pop: Population, **kwargs: Any) -> Population:
        costs = pop.get("F")
        pop.set("F", scaled(costs, costs))
        survivors = self._survival.do(problem, pop, **kwargs)
        pop.set("F", costs)
        return survivors


SecondWins = Callable[[Population, np.ndarray, np.ndarray], np.ndarray]


def tournament(second_wins: SecondWins) -> TournamentSelection:
    """The better one of two random parents, with bounds first [Deb2000]; see :func:`feasible_first`."""
    return TournamentSelection(func_comp=feasible_first(second_wins))


def feasible_first(second_wins: SecondWins) -> Callable[..., np.ndarray]:
    """A comparison for pymoo: winners ``(n, 1)`` of pairs ``(n, 2)``; on a tie, the first wins, because pairs are random.

    Args:
        second_wins: Which of the pairs ``(k,)``, ``(k,)`` the second wins: bools ``(k,)``; for pairs that keep all bounds.
    """

    def compare(population: Population, pairs: np.ndarray, bounded: bool, **_: Any) -> np.ndarray:
        first, second = pairs.T
        if not bounded:
            return np.where(second_wins(population, first, second), second, first)[:, None]
        violation = population.get("CV")[:, 0]
        wins = violation[second] < violation[first]
        feasible = (violation[first] <= 0) & (violation[second] <= 0)
        wins[feasible] = second_wins(population, first[feasible], second[feasible])
        return np.where(wins, second, first)[:, None]

    return compare


def by_rank_and_crowding(population: Population, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The crowded comparison of NSGA-II: the better front wins, and within a front the less crowded point."""
    rank, crowding = population.get("rank", "crowding")
    return (rank[second] < rank[first]) | ((rank[second] == rank[first]) & (crowding[second] > crowding[first]))


def by_dominance(population: Population, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The one that dominates the other wins."""
    costs = population.get("F")
    return (costs[second] <= costs[first]).all(axis=1) & (costs[second] < costs[first]).any(axis=1)
