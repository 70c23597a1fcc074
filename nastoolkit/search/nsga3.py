"""NSGA-III: survivors are spread over reference directions, so that it works for many objectives.

[Deb2014] K. Deb and H. Jain, "An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based Nondominated
Sorting Approach, Part I", IEEE Transactions on Evolutionary Computation 18(4), 2014.
[Lu2021] Z. Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, arXiv 2005.05859: its niching also keeps an
archive, and chooses what a predictor learns from.

Differs from the papers in: what :mod:`nastoolkit.search.mating` says about mating, duplicates and rounded genes; there are as
many directions as an even spread by Das and Dennis has, at most the population. [Lu2021] uses directions of least Riesz
energy, which take seconds to find, and are the same for two objectives.
"""

from __future__ import annotations

import numpy as np
from pymoo.algorithms.moo.nsga3 import ReferenceDirectionSurvival
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival

from nastoolkit.search.evolution import Evolution, directions, tournament


class NSGA3(Evolution):
    """The best fronts survive; in the last of them, points in the emptiest directions. Parents are chosen at random."""

    def _parts(self) -> tuple[Selection, Survival]:
        return tournament(_never), ReferenceDirectionSurvival(directions(len(self.goals), self.population))


def _never(population: Population, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.zeros(len(first), dtype=bool)


def spread(costs: np.ndarray, n: int, violations: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """Rows ``(n,)`` that survive in NSGA-III, in ascending order; all rows where there are no more than n.

    Args:
        costs: ``(k, m)``, every column to be minimised.
        n: Number of rows to choose.
        violations: Violations of bounds ``(k,)``; rows above 0 are taken last, the least first.
        seed: Random seed for ties between directions.
    """
    m = costs.shape[1]
    rows = Population.new(F=costs, CV=np.zeros((len(costs), 1)) if violations is None else violations[:, None])
    problem = Problem(n_var=1, n_obj=m, n_ieq_constr=int(violations is not None))
    survival, rng = ReferenceDirectionSurvival(directions(m, n)), np.random.default_rng(seed)
    return np.sort(survival.do(problem, rows, n_survive=n, random_state=rng, return_indices=True)).astype(np.int64)
