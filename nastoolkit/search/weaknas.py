"""WeakNAS: weak predictors, each of which says where the next one learns.

[Wu2021] J. Wu et al., "Stronger NAS with Weaker Predictors", NeurIPS 2021, arXiv 2102.10490, Section 3; for the MobileNet
space its published code has a pool of 10,000 random sub-networks, of which those to measure are drawn from the 1,000 predicted
best, with boosted trees for a predictor.

Differs from the paper in: several objectives, of which the paper has one: a predictor each, and the predicted best are the
first fronts, the last of them by crowding distance (with one objective, that is the order of its predicted values); objectives
that are cheap and exact are computed, not predicted; LightGBM stands for XGBoost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.predicted import PredictedSearch
from nastoolkit.search.sampling import new_ones, sample_new
from nastoolkit.space import SearchSpace


class WeakNAS(PredictedSearch):
    """Draws the next population from the predicted best of a fixed pool, then fits again.

    Args:
        space: Where to search.
        objectives: What the columns of the values are; those without ``exact`` are predicted.
        seed: Of all randomness.
        population: How many sub-networks are measured between two fits.
        predictor: A name in :data:`nastoolkit.predictors.PREDICTORS`.
        pool: How many random sub-networks there are to choose from.
        top: How many of them, the predicted best, the next population is drawn from.

    Raises:
        ValueError: An unknown predictor, or fewer than 1 sub-network to choose from.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int = 0,
        population: int = 50,
        predictor: str = "lightgbm",
        pool: int = 10_000,
        top: int = 1000,
    ) -> None:
        super().__init__(space, objectives, seed, population, predictor)
        if min(pool, top) < 1:
            raise ValueError(f"there is at least 1 sub-network to choose from, got a pool of {pool} and its best {top}")
        self._pool = sample_new(space, pool, self.rng, set())
        self._top = top

    def _propose(self) -> np.ndarray:
        self._pool = new_ones(self._pool, self.seen)
        if len(self._genotypes) < 2 or not len(self._pool):
            return self._pool[: self.population]
        self._fit()
        best = self._best_predicted(self._pool, self._predict(self._pool), self._top)
        return best[self.rng.permutation(len(best))[: self.population]]
