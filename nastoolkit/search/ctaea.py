"""C-TAEA: two archives, one that keeps the bounds and converges, and one that explores what the first leaves empty.

[Li2019] K. Li, R. Chen, G. Fu and X. Yao, "Two-Archive Evolutionary Algorithm for Constrained Multiobjective Optimization",
IEEE Transactions on Evolutionary Computation 23(2), 2019.

Differs from the paper in: what :mod:`nastoolkit.search.mating` says about mating, duplicates and rounded genes; an archive has
as many places as an even spread of directions has, at most the population; until there are enough sub-networks to fill one,
all are parents.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pymoo.algorithms.moo.ctaea import CADASurvival, RestrictedMating
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival

from nastoolkit.search.evolution import Evolution, Scaled, by_dominance, directions, feasible_first


class CTAEA(Evolution):
    """Parents come from the archives of convergence and of diversity, more of them from the better one."""

    n_goals = (2, np.inf)

    def _parts(self) -> tuple[Selection, Survival]:
        mating = RestrictedMating(func_comp=feasible_first(by_dominance))
        return mating, Scaled(_Archives(directions(len(self.goals), self.population)))


class _Archives(Survival):
    """The two archives, one after the other: what :class:`RestrictedMating` takes as parents."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__(filter_infeasible=False)
        self._size = len(weights)
        self._rules = CADASurvival(weights)
        self._rules.ideal_point = np.zeros(weights.shape[1])  # of costs from 0 to 1
        self._convergence = self._diversity = Population.empty()

    def _do(self, problem: Problem, pop: Population, random_state: np.random.Generator, **_: Any) -> Population:
        told = pop[len(self._convergence) + len(self._diversity) :]
        convergence = Population.merge(self._convergence, told)
        diversity = Population.merge(self._diversity, told)
        if len(convergence) >= self._size:
            convergence = self._rules._updateCA(convergence, self._size, random_state=random_state)
            diversity = self._rules._updateDA(convergence, diversity, self._size)
        self._convergence, self._diversity = convergence, diversity
        return Population.merge(convergence, diversity)
