"""Block latencies from whole networks' latencies, for backends that cannot time single blocks.

There are far more unknown blocks than measured networks. Therefore each block first gets a price from its MACs, its parameters
and a constant; a ridge regression then changes each price by the factor that fits the networks best.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls
from sklearn.linear_model import RidgeCV

from nastoolkit.blocks import BlockSpec

PENALTIES = np.logspace(-4, 2, 25)


def block_times(
    specs: Sequence[BlockSpec], plans: Sequence[Sequence[BlockSpec]], latencies: np.ndarray
) -> tuple[np.ndarray, float]:
    """Times ``(k,)`` of block specs whose sums over plans are close to the networks' latencies ``(n,)``, in the same unit.

    It weighs relative errors of networks against relative changes of prices.

    Returns:
        The times, and the interquartile range of the networks' relative errors.
    """
    index = {spec: i for i, spec in enumerate(specs)}
    counts = np.array([np.bincount([index[spec] for spec in plan], minlength=len(specs)) for plan in plans])
    prices = _prices(specs, counts, latencies)
    parts = counts * prices / latencies[:, None]
    ridge = RidgeCV(alphas=PENALTIES, fit_intercept=False).fit(parts, 1 - parts.sum(axis=1))
    low, high = np.percentile(parts @ (1 + ridge.coef_), (25, 75))
    return prices * np.maximum(1 + ridge.coef_, 0), float(high - low)


def _prices(specs: Sequence[BlockSpec], counts: np.ndarray, latencies: np.ndarray) -> np.ndarray:
    features = np.array([[spec.macs, spec.params, 1] for spec in specs], dtype=float)
    features /= features.max(axis=0)
    weights, _ = nnls(counts @ features / latencies[:, None], np.ones(len(latencies)))
    return features @ weights
