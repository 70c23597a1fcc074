"""The search of Neural Architecture Transfer: predictors learn from a spread of measured sub-networks, and NSGA-III searches
on them.

[Lu2021] Z. Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, arXiv 2005.05859, Section 3; numbers as in
[Chebykin2022], which reproduced it with the authors' code.
[Chebykin2022] A. Chebykin, T. Alderliesten and P. A. N. Bosman, "Evolutionary Neural Cascade Search across Supernetworks"
(ENCAS), GECCO 2022, arXiv 2203.04011.

Here the weights stay as they are; the system of the same name has the loop that adapts them.

Differs from the papers in: mating, see :mod:`nastoolkit.search.evolution`; objectives that are cheap and exact are computed,
not predicted; what is measured next is chosen from all that the inner search proposed, not only from its last generation;
features are those of :meth:`nastoolkit.space.SearchSpace.features`, standardised, not the indices of options.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.nsga3 import spread
from nastoolkit.search.predicted import InnerSearch
from nastoolkit.space import SearchSpace
from nastoolkit.support.counts import whole


class NAT(InnerSearch):
    """Fits predictors to some rows, starts the inner search from all, and spreads the next measurements over directions.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values; those without ``exact`` are predicted.
        seed: Random seed.
        population: Number of sub-networks measured between two fits, and the population of the inner search.
        predictor: A name in :data:`nastoolkit.predictors.PREDICTORS`.
        generations: Number of generations of the inner search.
        inner: The inner search, a name in :data:`nastoolkit.search.EVOLUTIONARY`.
        n_rows: Number of measured sub-networks that the predictors learn from, spread over reference directions.

    Raises:
        ValueError: An unknown predictor or inner search, fewer than 1 generation or sub-network, or fewer than 2 rows.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int = 0,
        population: int = 100,
        predictor: str = "rbf",
        generations: int = 20,
        inner: str = "nsga3",
        n_rows: int = 100,
    ) -> None:
        super().__init__(space, objectives, seed, population, predictor, generations, inner)
        self._n_rows = whole("n_rows", n_rows, 2)

    def _propose(self) -> np.ndarray:
        if len(self._genotypes) < 2:
            return self._nothing()
        self._fit(self._spread(self._values, self._n_rows, self.violations(self._values)))
        genotypes, values = self._search_predictions()
        return genotypes[self._spread(values, self.population, self._flaws(genotypes, values))]

    def _spread(self, values: np.ndarray, n: int, flaws: np.ndarray) -> np.ndarray:
        return spread(self.costs(values), n, flaws, int(self.rng.integers(2**63)))
