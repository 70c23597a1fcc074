"""MOEA/D: a problem with many objectives, split into many problems with one, each solved with its neighbours' help.

[Zhang2007] Q. Zhang and H. Li, "MOEA/D: A Multiobjective Evolutionary Algorithm Based on Decomposition", IEEE Transactions on
Evolutionary Computation 11(6), 2007.
[Wang2014] Z. Wang et al., "A Replacement Strategy for Balancing Convergence and Diversity in MOEA/D", IEEE CEC 2014:
replacement in all problems.

Differs from the papers in: what :mod:`nastoolkit.search.mating` says about mating, duplicates and rounded genes; a whole
population of children is born before any replaces a parent, and then each problem takes the best of all children, not only of
its neighbourhood's; in one of ten pairs, both parents come from anywhere, as in pymoo.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival
from scipy.spatial.distance import cdist

from nastoolkit.search.evolution import Evolution, Scaled, directions

N_NEIGHBOURS = 20
P_NEIGHBOURS = 0.9
LEAST_WEIGHT = 1e-3  # so that at the ends of the front, too, the other objectives break ties


class MOEAD(Evolution):
    """Keeps the best sub-network for each of many weightings of the objectives, by the largest weighted cost [Zhang2007]."""

    n_goals = (2, np.inf)

    def _parts(self) -> tuple[Selection, Survival]:
        weights = directions(len(self.goals), self.population)
        return _Neighbours(weights), Scaled(_BestOfEachProblem(np.maximum(weights, LEAST_WEIGHT)))


class _Neighbours(Selection):
    """Both parents of a child are solutions of problems near its own; problems take turns."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self._nearest = cdist(weights, weights).argsort(axis=1, kind="stable")[:, :N_NEIGHBOURS]

    def _do(
        self, _: Problem, pop: Population, n_select: int, n_parents: int, random_state: np.random.Generator, **__: Any
    ) -> np.ndarray:
        n_problems, n_neighbours = self._nearest.shape
        problems = np.resize(random_state.permutation(n_problems), n_select)
        chosen = random_state.integers(n_neighbours, size=(n_select, n_parents))
        anywhere = random_state.integers(len(pop), size=(n_select, n_parents))
        near = random_state.random((n_select, 1)) < P_NEIGHBOURS
        return np.where(near, self._nearest[problems[:, None], chosen], anywhere)


class _BestOfEachProblem(Survival):
    def __init__(self, weights: np.ndarray) -> None:
        super().__init__(filter_infeasible=False)
        self._weights = weights

    def _do(self, problem: Problem, pop: Population, **_: Any) -> Population:
        worst = (pop.get("F")[:, None, :] * self._weights).max(axis=2)  # of costs from 0 to 1, so at most 1
        violation = pop.get("CV")
        return pop[np.where(violation > 0, 1 + violation, worst).argmin(axis=0)]
