"""Predictors of objectives from one-hot features, and how well they rank.

A predictor is a scikit-learn regressor: ``fit(features (n, f), values (n,))`` and ``predict(features) -> (n,)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats
from sklearn.linear_model import RidgeCV


def _ridge() -> RidgeCV:
    """Ridge regression; the closed form of leave-one-out errors chooses its penalty, so no data is set aside."""
    return RidgeCV(alphas=np.logspace(-4, 4, 33))


PREDICTORS: dict[str, Callable[[], Any]] = {
    "ridge": _ridge,
}


def kendall_tau(a: np.ndarray, b: np.ndarray) -> float:
    """Kendall's rank correlation (tau-b, so ties count) of two vectors ``(n,)``: 1 for the same order, -1 for the reverse."""
    return float(stats.kendalltau(a, b).statistic)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two vectors ``(n,)``."""
    return float(stats.spearmanr(a, b).statistic)


def mape(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Mean absolute percentage error, in % of the actual values ``(n,)``."""
    return float(100 * np.mean(np.abs(predicted - actual) / np.abs(actual)))
