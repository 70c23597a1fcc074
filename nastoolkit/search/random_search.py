"""Random search: the naive control that every other algorithm has to beat.

[Li2019] L. Li and A. Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", arXiv 1902.07638.

Differs from the paper in: no sub-network is drawn twice; every gene is uniform over its options, so shallow and deep stages
are equally frequent, although there are many more deep ones.
"""

from __future__ import annotations

import numpy as np

from nastoolkit.search.algorithm import Algorithm


class Random(Algorithm):
    """Sub-networks drawn without looking at any value."""

    def _propose(self) -> np.ndarray:
        return self._nothing()

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        pass
