"""A genetic algorithm for one objective; the others are only bounds to keep.

[Holland1975] J. H. Holland, "Adaptation in Natural and Artificial Systems", University of Michigan Press, 1975.
[Deb2000] K. Deb, "An Efficient Constraint Handling Method for Genetic Algorithms", Computer Methods in Applied Mechanics and
Engineering 186, 2000.

Differs from the paper in: what :mod:`nastoolkit.search.mating` says of mating, duplicates and rounded genes; the best of
parents and children survive, whatever their age.
"""

from __future__ import annotations

import numpy as np
from pymoo.algorithms.soo.nonconvex.ga import FitnessSurvival
from pymoo.core.population import Population
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival

from nastoolkit.search.evolution import Evolution, tournament


class GA(Evolution):
    """Keeps the best of parents and children by the first objective; other objectives need a bound, and only that counts."""

    n_goals = (1, 1)

    def _parts(self) -> tuple[Selection, Survival]:
        return tournament(_cheaper), FitnessSurvival()


def _cheaper(population: Population, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    costs = population.get("F")[:, 0]
    return costs[second] < costs[first]
