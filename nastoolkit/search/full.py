"""Full search: a sample is measured, predictors learn from it, and one long search on them says what to measure next.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 3: the full search, which ConcurrentNAS shortens.

Differs from the paper in: objectives that are cheap and exact are computed, not predicted; after the predicted front, the
next-best sub-networks are measured until the budget is spent; predictors are not fitted again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.predicted import InnerSearch
from nastoolkit.space import SearchSpace
from nastoolkit.support.counts import whole


class Full(InnerSearch):
    """Fits once, searches once on the predictions, then measures the sub-networks found, best first.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values; those without ``exact`` are predicted.
        seed: Random seed.
        population: Number of sub-networks measured at a time, and the population of the inner search.
        predictor: A name in :data:`nastoolkit.predictors.PREDICTORS`.
        generations: Number of generations of the inner search.
        inner: The inner search, a name in :data:`nastoolkit.search.EVOLUTIONARY`.
        sample: Number of random sub-networks that the predictors learn from, rounded up to whole populations.

    Raises:
        ValueError: An unknown predictor or inner search, fewer than 1 generation or sub-network, or a sample below 2.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int = 0,
        population: int = 50,
        predictor: str = "ridge",
        generations: int = 1000,
        inner: str = "nsga2",
        sample: int = 100,
    ) -> None:
        super().__init__(space, objectives, seed, population, predictor, generations, inner)
        self._sample = whole("sample", sample, 2)
        self._found: np.ndarray | None = None

    def _propose(self) -> np.ndarray:
        if len(self._genotypes) < self._sample:
            return self._nothing()
        if self._found is None:
            self._fit()
            genotypes, values = self._search_predictions()
            self._found = self._best_predicted(genotypes, values, len(genotypes))
        if len(self._found):
            self._found = self._found[self._likely_to_fail_last(self._found)]
        proposed, self._found = self._found[: self.population], self._found[self.population :]
        return proposed

    def _likely_to_fail_last(self, genotypes: np.ndarray) -> np.ndarray:
        """An order ``(k,)`` of genotypes ``(k, d)`` in which those that are now likely to fail come last."""
        self._feasibility.fit(self._genotypes, self._predict)
        return self._feasibility.risks(genotypes, self._predict(genotypes)).argsort(kind="stable")
