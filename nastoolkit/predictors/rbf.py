"""An ensemble of radial basis functions, the accuracy predictor of Neural Architecture Transfer.

[Lu2021] Z. Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, arXiv 2005.05859, Section 3.3: 500 cubic radial
basis functions with a linear tail, each on a random subset of the features; the prediction is their median.

Differs from the paper in: rows that are equal in a member's features count once, with the mean of their values, because no
function passes through several; a member sees its features in coordinates along which its rows differ, so that redundant
features do not make the system singular. Distances between its rows stay the same, and so does the function in their span.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RBFInterpolator
from sklearn.base import BaseEstimator, RegressorMixin

NEGLIGIBLE = 1e-9  # singular values below this share of the largest one


class Member:
    """One interpolant, with a cubic kernel and a linear tail, on some columns of the features.

    Args:
        features: ``(n, f)``.
        values: ``(n,)``.
        columns: Columns of the features that it sees; rows must differ in them.
    """

    def __init__(self, features: np.ndarray, values: np.ndarray, columns: np.ndarray) -> None:
        rows, same = np.unique(features[:, columns], axis=0, return_inverse=True)
        means = np.bincount(same, values) / np.bincount(same)
        self.columns, self.centre = columns, rows.mean(axis=0)
        _, spread, axes = np.linalg.svd(rows - self.centre, full_matrices=False)
        self.axes = axes[spread > NEGLIGIBLE * spread[0]].T
        self.interpolant = RBFInterpolator(self._coordinates(rows), means, kernel="cubic", degree=1)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` of features ``(n, f)``."""
        return self.interpolant(self._coordinates(features[:, self.columns]))

    def _coordinates(self, rows: np.ndarray) -> np.ndarray:
        return (rows - self.centre) @ self.axes


class RBFEnsemble(RegressorMixin, BaseEstimator):
    """The median of many interpolants, each on a random subset of the features with a random size.

    Args:
        n_members: Number of interpolants.
        seed: Random seed of their subsets.
    """

    def __init__(self, n_members: int = 500, seed: int = 0) -> None:
        self.n_members, self.seed = n_members, seed

    def fit(self, features: np.ndarray, values: np.ndarray) -> RBFEnsemble:
        """Fit to features ``(n, f)`` and values ``(n,)``; features that are constant are left out."""
        features, values = np.asarray(features, dtype=float), np.asarray(values, dtype=float)
        rng = np.random.default_rng(self.seed)
        self.mean_ = float(np.mean(values))
        varied = np.flatnonzero(np.ptp(features, axis=0) > 0)
        sizes = rng.integers(1, len(varied) + 1, self.n_members if len(varied) else 0)
        self.members_ = [Member(features, values, rng.choice(varied, size, replace=False)) for size in sizes]
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` of features ``(n, f)``; the mean of all values if all fitted rows had the same features."""
        if not self.members_:
            return np.full(len(features), self.mean_)
        features = np.asarray(features, dtype=float)
        return np.median([member.predict(features) for member in self.members_], axis=0)
