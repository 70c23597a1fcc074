"""How predictors read features: on one scale, weighted by relevance, and in steps if these give smaller errors.

A feature with an order, such as a resolution, acts on values smoothly or in jumps. Its *steps*, an indicator for each level
that it reaches, let a linear model find any function of it, but prefer functions that change little from level to level;
one-hot indicators have no such preference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from nastoolkit.transforms import NO_BEND, Bend, learn

N_FOLDS = 5
MOST_JUDGED = 300  # rows that decide what is best
MOST_STEPS = 32  # levels of one feature


class Standard(StandardScaler):
    """A scaler that checks features only when it is fitted, because inner searches call it thousands of times on few rows."""

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Features ``(n, f)`` of mean 0 and standard deviation 1."""
        return (features - self.mean_) / self.scale_


class Scaled(RegressorMixin, BaseEstimator):
    """A regressor that sees features and values as floats of mean 0 and standard deviation 1, whatever they are.

    Args:
        regressor: Regressor that learns from them.
    """

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, features: np.ndarray, values: np.ndarray) -> Scaled:
        """Fit to features ``(n, f)`` and values ``(n,)``."""
        features, values = np.asarray(features, dtype=float), np.asarray(values, dtype=float)
        self.bend_ = self._learn_bend(features, values)
        bent = self.bend_(values)
        self.mean_, self.sd_ = bent.mean(), bent.std() or 1.0
        self.fitted_ = self._choose(features, (bent - self.mean_) / self.sd_)
        return self

    def _learn_bend(self, features: np.ndarray, values: np.ndarray) -> Bend:
        return NO_BEND

    def _choose(self, features: np.ndarray, values: np.ndarray) -> Pipeline:
        return make_pipeline(Standard(), clone(self.regressor)).fit(features, values)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` of features ``(n, f)``."""
        standard = self.fitted_.predict(np.asarray(features, dtype=float))
        return self.bend_.inverse(self.mean_ + self.sd_ * standard)


class Chosen(Scaled):
    """The one of several regressors, with or without steps, that has the smallest error on rows that it was not fitted to.

    Args:
        regressors: Regressors to choose from.
        bends: Whether broken networks and long tails are bent towards the other values first, which squared errors need; see
            :mod:`nastoolkit.transforms`.
    """

    def __init__(self, regressors: Sequence[Any], bends: bool = False) -> None:
        self.regressors, self.bends = regressors, bends

    def _learn_bend(self, features: np.ndarray, values: np.ndarray) -> Bend:
        if not self.bends:
            return NO_BEND
        rows = some(len(values))
        standard = Standard().fit_transform(features[rows])
        return learn(values[rows], standard @ standard.T)

    def _choose(self, features: np.ndarray, values: np.ndarray) -> Pipeline:
        has_levels = len(WithSteps().fit(features).columns_) > 0
        readings: list[list[Any]] = [[], [WithSteps()]] if has_levels else [[]]
        candidates = [
            make_pipeline(*reading, Standard(), Relevance(), clone(regressor))
            for regressor in self.regressors
            for reading in readings
        ]
        if len(candidates) == 1 or len(values) < 2 * N_FOLDS:  # too few rows to choose
            return candidates[0].fit(features, values)
        is_ridge = all(isinstance(regressor, RidgeCV) for regressor in self.regressors)
        error = leave_one_out_error if is_ridge else cross_validated_error
        return min(candidates, key=lambda candidate: error(candidate, features, values)).fit(features, values)


def some(n: int) -> np.ndarray:
    """Some rows in random order, few enough to choose quickly."""
    return np.random.default_rng(0).permutation(n)[:MOST_JUDGED]


def leave_one_out_error(candidate: Pipeline, features: np.ndarray, values: np.ndarray) -> float:
    """Mean absolute error of ridge regression on each row when fitted to all others, in closed form."""
    ridge = candidate.fit(features, values)[-1]
    return float(np.sqrt(ridge.cv_results_[:, ridge.alphas == ridge.alpha_]).mean())


def cross_validated_error(candidate: Pipeline, features: np.ndarray, values: np.ndarray) -> float:
    """Mean absolute error on folds of some rows, each predicted from the other folds."""
    rows = some(len(values))
    predicted = cross_val_predict(candidate, features[rows], values[rows], cv=KFold(N_FOLDS))
    return float(np.abs(predicted - values[rows]).mean())


class WithSteps(TransformerMixin, BaseEstimator):
    """Features ``(n, f)`` and their steps: indicators of the levels reached, for features with more than two levels."""

    def fit(self, features: np.ndarray, values: np.ndarray | None = None) -> WithSteps:
        """Find the levels."""
        columns, levels = [np.empty(0, dtype=int)], [np.empty(0)]
        for column, feature in enumerate(features.T):
            above = np.unique(feature)[1:]
            if len(above) > 1:
                levels.append(above[np.linspace(0, len(above) - 1, min(len(above), MOST_STEPS)).round().astype(int)])
                columns.append(np.full(len(levels[-1]), column))
        self.columns_, self.levels_ = np.concatenate(columns), np.concatenate(levels)
        return self

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Features ``(n, f)`` and their indicators: ``(n, f + k)``."""
        return np.hstack([features, features[:, self.columns_] >= self.levels_])


class Relevance(TransformerMixin, BaseEstimator):
    """Standardised features times their correlation with the values, so that a penalty acts on those that say little.

    Because correlations are uncertain, two standard errors are added (in squares): with few rows, all count about equally.
    """

    def fit(self, features: np.ndarray, values: np.ndarray) -> Relevance:
        """Find the correlations with standardised values ``(n,)``."""
        correlations = features.T @ (values - values.mean()) / len(values)
        self.weights_ = np.sqrt(correlations**2 + 4 / len(values))
        return self

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Weighted features ``(n, f)``."""
        return features * self.weights_
