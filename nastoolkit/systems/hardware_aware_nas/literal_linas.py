"""LINAS as printed in the papers, next to the toolkit's own: a control for the differences.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Algorithm 1, there called ConcurrentNAS.
[Cummings2022b] D. Cummings et al., "A Hardware-Aware Framework for Accelerating Neural Architecture Search Across
Modalities", arXiv 2205.10358: the same loop under the name LINAS; best and unique sub-networks are kept.

Differs from the papers in: what :mod:`nastoolkit.search.mating` says about the inner search; measured sub-networks are not
proposed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.nsga2 import NSGA2
from nastoolkit.search.predicted import PredictedSearch
from nastoolkit.space import SearchSpace
from nastoolkit.support.counts import whole


class LiteralLINAS(PredictedSearch):
    """Measures a random population; each next one is the last population of an NSGA-II on predictions, also started at random.

    In contrast, :class:`nastoolkit.search.linas.LINAS` starts from measured sub-networks and chooses among all proposed ones.

    Args:
        space: Search space.
        objectives: Objectives, one for each column of the values.
        seed: Random seed.
        population: Number of sub-networks measured between two fits, and the population of NSGA-II.
        predictor: Name of a predictor in :data:`nastoolkit.predictors.PREDICTORS`.
        generations: Number of generations of NSGA-II.
        predicts_costs: Whether exact objectives, such as a latency of a table, are predicted like others, as in the papers.

    Raises:
        ValueError: The predictor is unknown, or there is less than 1 generation or sub-network.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int = 0,
        population: int = 50,
        predictor: str = "ridge",
        generations: int = 200,
        predicts_costs: bool = True,
    ) -> None:
        seen = [replace(objective, exact=None) if predicts_costs else objective for objective in objectives]
        super().__init__(space, seen, seed, population, predictor)
        self._generations = whole("generations", generations)

    def _propose(self) -> np.ndarray:
        if len(self._genotypes) < 2:  # leave-one-out needs two
            return self._nothing()
        self._fit()
        inner = NSGA2(self.space, self.objectives, int(self.rng.integers(2**63)), self.population)
        inner.seen.update(self.seen)
        for _ in range(self._generations):
            proposed = inner.ask()
            if not len(proposed):
                break
            inner.tell(proposed, self._predict(proposed))
        return inner.parents
