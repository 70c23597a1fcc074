"""R-NSGA-II: NSGA-II that looks near aims, the values that one would like to have.

[Deb2006] K. Deb and J. Sundar, "Reference Point Based Multi-Objective Optimization Using Evolutionary Algorithms", GECCO 2006;
their reference points are called aims here, because a reference point here bounds a hypervolume.

Differs from the paper in: what :mod:`nastoolkit.search.mating` says about mating, duplicates and rounded genes; if no aims are
given, there is one: the best value of every objective found so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pymoo.algorithms.moo.rnsga2 import RankAndModifiedCrowdingSurvival
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival

from nastoolkit.objectives import Objective
from nastoolkit.search.evolution import Evolution, by_rank_and_crowding, scaled, tournament
from nastoolkit.space import SearchSpace

EPSILON = 0.001  # [Deb2006], Section 4: nearer than this to one another, only one counts


class RNSGA2(Evolution):
    """Keeps the best of parents and children by front, and then by their distance from the nearest aim.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values.
        seed: Random seed.
        population: Number of parents, and of children.
        aims: ``(k, m)`` raw values in the order of the objectives; they need not be possible.

    Raises:
        ValueError: The aims have another shape, or there are fewer than two objectives.
    """

    n_goals = (2, np.inf)

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int = 0,
        population: int = 50,
        aims: Sequence[Sequence[float]] | None = None,
    ) -> None:
        self._aims = None if aims is None else np.array(aims, dtype=float)
        if self._aims is not None and (self._aims.ndim != 2 or self._aims.shape[1] != len(objectives)):
            raise ValueError(f"an aim needs a value for each of {[o.name for o in objectives]}, got {aims}")
        super().__init__(space, objectives, seed, population)

    def _parts(self) -> tuple[Selection, Survival]:
        aims = None if self._aims is None else self.costs(self._aims)
        return tournament(by_rank_and_crowding), _NearAims(aims, len(self.goals))


class _NearAims(RankAndModifiedCrowdingSurvival):
    """Puts costs, and the aims with them, on a scale from 0 to 1 before each selection."""

    def __init__(self, aims: np.ndarray | None, n_objectives: int) -> None:
        best_found = np.zeros((1, n_objectives))
        super().__init__(best_found, EPSILON, weights=None, normalization="no", extreme_points_as_reference_points=False)
        self._aims = aims

    def _do(self, problem: Problem, pop: Population, **kwargs: Any) -> Population:
        costs = pop.get("F")
        if self._aims is not None:
            self.ref_points = scaled(self._aims, costs)
        pop.set("F", scaled(costs, costs))
        survivors = super()._do(problem, pop, **kwargs)
        pop.set("F", costs)
        return survivors
