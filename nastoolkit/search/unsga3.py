"""U-NSGA-III: NSGA-III, which spreads survivors over directions, with a tournament, so that it works for few objectives too.

[Seada2016] H. Seada and K. Deb, "A Unified Evolutionary Optimization Procedure for Single, Multiple, and Many Objectives",
IEEE Transactions on Evolutionary Computation 20(3), 2016.
[Deb2014] K. Deb and H. Jain, "An Evolutionary Many-Objective Optimization Algorithm Using Reference-Point-Based Nondominated
Sorting Approach, Part I", IEEE Transactions on Evolutionary Computation 18(4), 2014: survival.

Differs from the papers in: what :mod:`nastoolkit.search.mating` says about mating, duplicates and rounded genes; there are as
many directions as an even spread has, at most the population.
"""

from __future__ import annotations

import numpy as np
from pymoo.algorithms.moo.nsga3 import ReferenceDirectionSurvival
from pymoo.core.population import Population
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival

from nastoolkit.search.evolution import Evolution, directions, tournament


class UNSGA3(Evolution):
    """The best fronts survive; in the last of them, points in the emptiest directions."""

    def _parts(self) -> tuple[Selection, Survival]:
        return tournament(_better_in_its_niche), ReferenceDirectionSurvival(directions(len(self.goals), self.population))


def _better_in_its_niche(population: Population, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    niche, rank, distance = population.get("niche", "rank", "dist_to_niche")
    nearer = (rank[second] == rank[first]) & (distance[second] < distance[first])
    return (niche[second] == niche[first]) & ((rank[second] < rank[first]) | nearer)
