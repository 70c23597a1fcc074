"""LINAS: a search on predictors, measured and corrected population by population.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Algorithm 1, there called ConcurrentNAS.
[Cummings2022b] D. Cummings et al., "A Hardware-Aware Framework for Accelerating Neural Architecture Search Across
Modalities", arXiv 2205.10358: the same loop under the name LINAS.

A population is measured; a predictor for each objective is fitted to everything measured so far; an inner search, NSGA-II by
default, runs for many generations on the predictions; its best sub-networks are the next population to measure.

Differs from the papers in: objectives that are cheap and exact are computed, not predicted; the inner search starts from the
measured sub-networks and never proposes one of them again, so each population is new; the population is chosen from all that
the inner search proposed, not only from its last generation. As in Intel's code, a predictor is ridge regression or a support
vector regression, whichever has the smaller cross-validated error; but ridge regression chooses its penalty by leave-one-out
errors, and the support vector regression has fixed settings, while theirs are searched on grids; for the features of both, see
:meth:`nastoolkit.space.SearchSpace.features`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.predicted import InnerSearch
from nastoolkit.space import SearchSpace


class LINAS(InnerSearch):
    """Lightweight iterative search with few measurements and many predictions.

    It trusts its predictors, and never explores where they are uncertain. If neighbours in a space have little in common, such
    as cells of operations, the predictors rank badly, and LINAS is hardly better than its inner search on measurements.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values; those without ``exact`` are predicted.
        seed: Random seed.
        population: Number of sub-networks measured between two fits, and the population of the inner search.
        predictor: A name in :data:`nastoolkit.predictors.PREDICTORS`.
        generations: Number of generations of the inner search.
        inner: The inner search, a name in :data:`nastoolkit.search.EVOLUTIONARY`.

    Raises:
        ValueError: An unknown predictor or inner search, or fewer than 1 generation or sub-network.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int = 0,
        population: int = 50,
        predictor: str = "ridge_or_svr",
        generations: int = 200,
        inner: str = "nsga2",
    ) -> None:
        super().__init__(space, objectives, seed, population, predictor, generations, inner)

    def _propose(self) -> np.ndarray:
        if len(self._genotypes) < 2:  # leave-one-out needs two
            return self._nothing()
        self._fit()
        return self._best_predicted(*self._search_predictions(), self.population)
