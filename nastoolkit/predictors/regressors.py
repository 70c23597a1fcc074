"""The predictors, by name.

Measured values, most of all latencies, have outliers, so ``svr``, ``lightgbm`` and ``stacked`` minimise absolute rather than
squared errors.

[Huber1964] P. Huber, "Robust Estimation of a Location Parameter", The Annals of Mathematical Statistics 35(1), 1964.
[Wolpert1992] D. Wolpert, "Stacked Generalization", Neural Networks 5(2), 1992.
[Ke2017] G. Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from lightgbm import LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neural_network import MLPRegressor
from sklearn.svm import SVR

from nastoolkit.predictors.rbf import RBFEnsemble
from nastoolkit.predictors.reading import Chosen, Scaled
from nastoolkit.support.threads import own_linear_algebra


def _penalised() -> _RidgeCV:
    """Linear regression whose penalty is chosen by leave-one-out errors in closed form, so that no data is set aside."""
    return _RidgeCV(alphas=np.logspace(-4, 4, 33), store_cv_results=True)


class _RidgeCV(RidgeCV):
    """Ridge regression that checks features only when it is fitted, not for every few rows."""

    def predict(self, features: np.ndarray) -> np.ndarray:
        return features @ self.coef_ + self.intercept_


class Ridge(Chosen):
    """Ridge regression; leave-one-out errors choose its penalty and whether it sees steps."""

    def __init__(self) -> None:
        super().__init__([_penalised()], bends=True)

    @property
    def alpha_(self) -> float:
        """The penalty on standardised features, weighted by their relevance."""
        return float(self.fitted_[-1].alpha_)


def _pairs() -> _SVR:
    """Support vector regression on all features and all their pairs, which the kernel includes implicitly."""
    return _SVR(kernel="poly", degree=2, coef0=1, C=0.3, epsilon=0.05)


class _SVR(SVR):
    """An SVR that leaves NumPy's global random state alone: scikit-learn draws a seed from it that regression does not use."""

    def fit(self, features: np.ndarray, values: np.ndarray) -> _SVR:
        self.random_state = 0
        return super().fit(features, values)


def _lightgbm() -> LGBMRegressor:
    """Gradient boosting [Ke2017] of small trees with absolute errors; the trees do not depend on the number of cores."""
    return LGBMRegressor(
        objective="l1",
        n_estimators=150,
        num_leaves=7,
        min_child_samples=10,
        random_state=0,
        deterministic=True,
        force_row_wise=True,
        num_threads=1,
        verbose=-1,
    )


def _mlp() -> _MLP:
    """A perceptron with two hidden layers, fitted to all data at once by L-BFGS."""
    return _MLP(hidden_layer_sizes=(64, 64), solver="lbfgs", alpha=10, max_iter=300, random_state=0)


class _MLP(MLPRegressor):
    """A perceptron that does not warn when it stops before it has converged, because that is when it generalises.

    Its products are small: on one thread they are fast, but with more threads, two fits side by side slow each other down
    twentyfold.
    """

    def fit(self, features: np.ndarray, values: np.ndarray) -> _MLP:
        with own_linear_algebra(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().fit(features, values)


class RobustRidge(RegressorMixin, BaseEstimator):
    """Ridge regression that is robust to outliers: rows with large errors get less weight [Huber1964], in several rounds.

    Args:
        threshold: Number of standard deviations, estimated by the median error, above which an error counts by its size, not
            its square.
        rounds: Number of times that rows are weighted anew.
    """

    def __init__(self, threshold: float = 0.7, rounds: int = 8) -> None:
        self.threshold, self.rounds = threshold, rounds

    def fit(self, features: np.ndarray, values: np.ndarray) -> RobustRidge:
        """Fit to features ``(n, f)`` and values ``(n,)``."""
        weights = np.ones(len(values))
        for _ in range(self.rounds):
            self.ridge_ = _penalised().fit(features, values, sample_weight=weights)
            errors = np.abs(values - self.ridge_.predict(features))
            most = self.threshold * 1.4826 * np.median(errors)  # a normal distribution's standard deviation, by its median
            if most <= 1e-9 * np.abs(values).max():
                break
            weights = np.minimum(1, most / np.maximum(errors, most))
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` of features ``(n, f)``."""
        return self.ridge_.predict(features)


class Stacked(RegressorMixin, BaseEstimator):
    """Several predictors, and a robust ridge regression on their predictions for rows that they were not fitted to
    [Wolpert1992].

    Args:
        folds: Number of folds of the cross-validation that makes these predictions; with fewer than two rows per fold, only
            ridge regression is fitted.
    """

    def __init__(self, folds: int = 5) -> None:
        self.folds = folds

    def fit(self, features: np.ndarray, values: np.ndarray) -> Stacked:
        """Fit to features ``(n, f)`` and values ``(n,)``."""
        few = len(values) < 2 * self.folds
        members = [Ridge()] if few else [Ridge(), Chosen([RobustRidge()]), Chosen([_pairs()]), Scaled(_lightgbm())]
        if not few:
            folds = KFold(self.folds, shuffle=True, random_state=0)
            unseen = [cross_val_predict(member, features, values, cv=folds) for member in members]
            self.join_ = RobustRidge().fit(np.stack(unseen, axis=1), values)
        self.members_ = [member.fit(features, values) for member in members]
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` of features ``(n, f)``."""
        predicted = np.stack([member.predict(features) for member in self.members_], axis=1)
        return predicted[:, 0] if len(self.members_) == 1 else self.join_.predict(predicted)


PREDICTORS: dict[str, Callable[[], Any]] = {
    "ridge": Ridge,
    "svr": lambda: Chosen([_pairs()]),
    "ridge_or_svr": lambda: Chosen([_penalised(), _pairs()], bends=True),
    "lightgbm": lambda: Scaled(_lightgbm()),
    "mlp": lambda: Scaled(_mlp()),
    "rbf": lambda: Scaled(RBFEnsemble()),
    "stacked": lambda: Scaled(Stacked()),
}
VERSIONS = dict.fromkeys(PREDICTORS, 1)  # raised with every change of what one predicts, so that kept searches are made again
DEFAULT_PREDICTOR = "stacked"
