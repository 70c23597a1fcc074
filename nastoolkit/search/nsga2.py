"""NSGA-II, the evolutionary algorithm of the first paper's searches.

[Deb2002] K. Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Transactions on Evolutionary
Computation 6(2), 2002.
[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 4: population 50, crossover rate 0.9, mutation rate 1 / population, and duplicates prevented with
unused genes accounted for.

Differs from the papers in: what :mod:`nastoolkit.search.mating` says about mating, duplicates and rounded genes.
"""

from __future__ import annotations

from pymoo.core.selection import Selection
from pymoo.core.survival import Survival
from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

from nastoolkit.search.evolution import Evolution, by_rank_and_crowding, tournament


class NSGA2(Evolution):
    """The best of parents and children become the next parents, by front and then by crowding distance."""

    def _parts(self) -> tuple[Selection, Survival]:
        return tournament(by_rank_and_crowding), RankAndCrowding()
