"""WeakNAS: weak predictors, each of which says where the next one should learn.

[Wu2021] J. Wu et al., "Stronger NAS with Weaker Predictors", NeurIPS 2021, arXiv 2102.10490, Section 3; for the MobileNet
space its published code (https://github.com/VITA-Group/WeakNAS, commit 31b779e) has a pool of 10,000 random sub-networks of
550 to 600 MMACs, of which those to measure are drawn from the 1,000 predicted best, 100 at a time, with boosted trees.

Differs from the paper in: there are several objectives, while the paper has one (as with ``single_objective``): each has a
predictor, and the predicted best are the first fronts, the last of them by crowding distance (with one objective, that is the
order of its predicted values); objectives that are cheap and exact are computed, not predicted; LightGBM replaces XGBoost; the
features count options too; the result is the best that was measured, not the predicted best of the pool.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.predicted import PredictedSearch
from nastoolkit.search.sampling import new_ones, sample_new
from nastoolkit.space import SearchSpace, genotype_keys
from nastoolkit.support.counts import whole

N_DRAWS = 50  # of as many sub-networks as the pool is to have, until it is full


class WeakNAS(PredictedSearch):
    """Draws the next population from the predicted best of a fixed pool, then fits again.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values; those without ``exact`` are predicted.
        seed: Random seed.
        population: Number of sub-networks measured between two fits.
        predictor: A name in :data:`nastoolkit.predictors.PREDICTORS`.
        pool: Number of random sub-networks to choose from; they keep the bounds of exact objectives.
        top: Number of predicted best ones of these from which the next population is drawn.
        single_objective: Whether to optimise only the first objective, as in the paper; only the bounds of others then count.

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
        single_objective: bool = False,
    ) -> None:
        super().__init__(space, objectives, seed, population, predictor)
        self.goals = self.goals[:1] if single_objective else self.goals
        self._pool, self._top = self._draw_pool(whole("pool", pool)), whole("top", top)

    def _draw_pool(self, n: int) -> np.ndarray:
        """Random sub-networks ``(n, d)`` that keep the bounds of exact objectives; fewer rows where these are rare."""
        pool, drawn = self._nothing(), set[bytes]()
        for _ in range(N_DRAWS):
            genotypes = sample_new(self.space, n, self.rng, drawn)
            drawn.update(genotype_keys(genotypes))
            pool = np.concatenate([pool, self._within_bounds(genotypes)])[:n]
            if len(pool) == n or not len(genotypes):
                break
        return pool

    def _within_bounds(self, genotypes: np.ndarray) -> np.ndarray:
        for objective in self.objectives:
            if objective.exact and objective.is_bounded and len(genotypes):
                genotypes = genotypes[objective.violation(objective.exact(genotypes)) <= 0]
        return genotypes

    def _propose(self) -> np.ndarray:
        self._pool = new_ones(self._pool, self.seen)
        if len(self._genotypes) < 2 or not len(self._pool):
            return self._pool[: self.population]
        self._fit()
        best = self._best_predicted(self._pool, self._predict(self._pool), self._top)
        return best[self.rng.permutation(len(best))[: self.population]]
