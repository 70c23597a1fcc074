"""SPEA2: fitness combines the strength of those that dominate a point with how crowded its surroundings are.

[Zitzler2001] E. Zitzler, M. Laumanns and L. Thiele, "SPEA2: Improving the Strength Pareto Evolutionary Algorithm", TIK-Report
103, ETH Zurich, 2001.

Differs from the paper in: what :mod:`nastoolkit.search.mating` says about mating, duplicates and rounded genes; distances are
those of costs scaled from 0 to 1.
"""

from __future__ import annotations

import numpy as np
from pymoo.algorithms.moo.spea2 import SPEA2Survival
from pymoo.core.population import Population
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival

from nastoolkit.search.evolution import Evolution, Scaled, tournament


class SPEA2(Evolution):
    """The non-dominated survive; they are filled up by fitness, or thinned out where they are nearest to each other."""

    n_goals = (2, np.inf)

    def _parts(self) -> tuple[Selection, Survival]:
        return tournament(_fitter), Scaled(SPEA2Survival())


def _fitter(population: Population, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    fitness = population.get("SPEA_F")
    return fitness[second] < fitness[first]
