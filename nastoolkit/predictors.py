"""Predictors of objectives from features of sub-networks, and how well they rank.

A predictor is a scikit-learn regressor: ``fit(features (n, f), values (n,))`` and ``predict(features) -> (n,)``. Features are
one-hot genotypes or anything else that is numeric; scale and offset of features and values do not matter. Measured values have
outliers, latencies most of all, so that all but ``ridge``, ``mlp`` and ``rbf`` minimise absolute rather than squared errors.

[Huber1964] P. Huber, "Robust Estimation of a Location Parameter", The Annals of Mathematical Statistics 35(1), 1964.
[Wolpert1992] D. Wolpert, "Stacked Generalization", Neural Networks 5(2), 1992.
[Ke2017] G. Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from nastoolkit.files import atomically
from nastoolkit.rbf import RBFEnsemble


def _scaled(regressor: Any) -> TransformedTargetRegressor:
    """A regressor that sees features and values of mean 0 and standard deviation 1."""
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), regressor), transformer=StandardScaler())


def _ridge() -> RidgeCV:
    """Ridge regression; the closed form of leave-one-out errors chooses its penalty, so no data is set aside."""
    return RidgeCV(alphas=np.logspace(-4, 4, 33))


def _svr() -> TransformedTargetRegressor:
    """Support vector regression on all features and all their pairs, which the kernel holds without writing them down."""
    return _scaled(_SVR(kernel="poly", degree=2, coef0=1, C=0.3, epsilon=0.05))


class _SVR(SVR):
    """One that leaves NumPy's global random state alone: scikit-learn draws a seed from it that regression does not use."""

    def fit(self, features: np.ndarray, values: np.ndarray) -> _SVR:
        self.random_state = 0
        return super().fit(features, values)


def _lightgbm() -> TransformedTargetRegressor:
    """Gradient boosting [Ke2017] of small trees, with absolute errors; the same trees whatever the machine's cores."""
    trees = LGBMRegressor(
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
    return _scaled(trees)


def _mlp() -> TransformedTargetRegressor:
    """A perceptron with two hidden layers, fitted to all data at once by L-BFGS."""
    return _scaled(_MLP(hidden_layer_sizes=(64, 64), solver="lbfgs", alpha=10, max_iter=300, random_state=0))


class _MLP(MLPRegressor):
    """One that does not warn when it stops before it has converged: that is when it generalises.

    Its products are small: on one thread they are quick, while those of two fits side by side slow each other down twentyfold.
    """

    def fit(self, features: np.ndarray, values: np.ndarray) -> _MLP:
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().fit(features, values)


class RobustRidge(RegressorMixin, BaseEstimator):
    """Ridge regression that outliers do not bend: rows with large errors weigh less [Huber1964], as often as it takes.

    Args:
        threshold: Errors above so many standard deviations count by their size, not its square; the median error estimates it.
        rounds: Of weighing anew.
    """

    def __init__(self, threshold: float = 0.7, rounds: int = 8) -> None:
        self.threshold, self.rounds = threshold, rounds

    def fit(self, features: np.ndarray, values: np.ndarray) -> RobustRidge:
        """Fit to features ``(n, f)`` and values ``(n,)``."""
        weights = np.ones(len(values))
        for _ in range(self.rounds):
            self.ridge_ = _ridge().fit(features, values, sample_weight=weights)
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
    """Several predictors, and a robust ridge regression on what each says of rows that it was not fitted to [Wolpert1992].

    Args:
        folds: Of the cross-validation that makes these predictions; of fewer than two rows a fold,
            ridge regression alone learns.
    """

    def __init__(self, folds: int = 5) -> None:
        self.folds = folds

    def fit(self, features: np.ndarray, values: np.ndarray) -> Stacked:
        """Fit to features ``(n, f)`` and values ``(n,)``."""
        few = len(values) < 2 * self.folds
        members = [_ridge()] if few else [_ridge(), RobustRidge(), _svr(), _lightgbm()]
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
    "ridge": _ridge,
    "svr": _svr,
    "lightgbm": _lightgbm,
    "mlp": _mlp,
    "rbf": RBFEnsemble,
    "stacked": lambda: _scaled(Stacked()),
}
DEFAULT_PREDICTOR = "stacked"


def kendall_tau(a: np.ndarray, b: np.ndarray) -> float:
    """Kendall's rank correlation (tau-b, so ties count) of two vectors ``(n,)``: 1 for the same order, -1 for the reverse."""
    return float(stats.kendalltau(a, b).statistic)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two vectors ``(n,)``."""
    return float(stats.spearmanr(a, b).statistic)


def mape(actual: np.ndarray, predicted: np.ndarray) -> float:
    """Mean absolute percentage error, in % of the actual values ``(n,)``."""
    return float(100 * np.mean(np.abs(predicted - actual) / np.abs(actual)))


def splits(n: int, n_test: int, n_trials: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each trial the rows of its test set ``(n_test,)``, and in random order all others of ``n``.

    Raises:
        ValueError: Less than one trial.
    """
    if n_trials < 1:
        raise ValueError(f"n_trials is 1 or more, got {n_trials}")
    orders = [np.random.default_rng([seed, trial]).permutation(n) for trial in range(n_trials)]
    return [(order[:n_test], order[n_test:]) for order in orders]


def learning_curve(
    features: np.ndarray,
    values: np.ndarray,
    sizes: Sequence[int],
    n_test: int,
    n_trials: int = 10,
    predictors: Sequence[str] = tuple(PREDICTORS),
    seed: int = 0,
    executor: Executor | None = None,
    file: str | Path | None = None,
) -> pd.DataFrame:
    """How well predictors predict unseen rows, by the number of rows that they were fitted to.

    Within a trial the test set is the same for all predictors and sizes, and a larger training set holds the smaller ones.

    Args:
        features: ``(n, f)``.
        values: ``(n,)``.
        sizes: Of the training sets.
        n_test: Rows of the test set.
        n_trials: Random splits, see :func:`splits`.
        predictors: Keys of ``PREDICTORS``.
        seed: Of the splits.
        executor: Where to fit, by default here.
        file: CSV file that keeps the scores; they are taken from it where it was made of the same data and arguments.

    Returns:
        Columns ``trial``, ``n_train``, ``predictor``, ``mape_percent`` and ``kendall_tau``.

    Raises:
        ValueError: An unknown predictor, too few rows, or less than one trial.
    """
    rows = splits(len(values), n_test, n_trials, seed)
    if unknown := [name for name in predictors if name not in PREDICTORS]:
        raise ValueError(f"unknown predictors {unknown}; known: {list(PREDICTORS)}")
    if not 2 <= min(*sizes, n_test) or max(sizes) + n_test > len(values):
        raise ValueError(f"{len(values)} rows are too few for training sets of {list(sizes)} and a test set of {n_test}")
    arguments = repr((list(sizes), n_test, n_trials, list(predictors), seed))
    identity = hashlib.sha256(features.tobytes() + values.tobytes() + arguments.encode()).hexdigest()[:16]
    cases = [(trial, size, name) for trial in range(n_trials) for size in sizes for name in predictors]
    if file and Path(file).exists():
        kept = pd.read_csv(file, dtype={"identity": str})  # it may look like a number
        if len(kept) == len(cases) and kept.identity.eq(identity).all():
            return kept.drop(columns="identity")
    sets = [(rows[trial][1][:size], rows[trial][0], name) for trial, size, name in cases]
    scores = (executor.map if executor else map)(_scores, *zip(*[(features, values, *one) for one in sets], strict=True))
    told = [(*case, *score) for case, score in zip(cases, tqdm(scores, "fits", len(cases), leave=False), strict=True)]
    frame = pd.DataFrame(told, columns=["trial", "n_train", "predictor", "mape_percent", "kendall_tau"])
    if file:
        with atomically(file) as new:
            frame.assign(identity=identity).to_csv(new, index=False)
    return frame


def _scores(features: np.ndarray, values: np.ndarray, train: np.ndarray, test: np.ndarray, name: str) -> tuple[float, float]:
    predicted = PREDICTORS[name]().fit(features[train], values[train]).predict(features[test])
    return mape(values[test], predicted), kendall_tau(values[test], predicted)


def final_scores(curve: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Mean (column ``mean``) and standard deviation (``std``) by predictor at the largest size of a learning curve."""
    largest = curve[curve.n_train == curve.n_train.max()]
    return largest.groupby("predictor", sort=False)[quantity].agg(["mean", "std"]).fillna({"std": 0.0})


def score_table(
    curves: Mapping[tuple[str, str], pd.DataFrame],
    quantity: str,
    more: Mapping[str, Mapping[tuple[str, str], float]],
    digits: int = 3,
) -> pd.DataFrame:
    """Learning curves at their largest sizes as papers print them: mean and standard deviation over the trials.

    Args:
        curves: A learning curve for each row and column of the table, a family or data set and a hardware setting.
        quantity: A column of theirs.
        more: Numbers to stand below them, by what they are called.
        digits: After the point.

    Returns:
        A row for each family and predictor, a column for each setting; empty where there is no curve.
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for (family, setting), curve in curves.items():
        for name, (mean, std) in final_scores(curve, quantity).iterrows():
            rows.setdefault((family, name), {})[setting] = f"{mean:.{digits}f} ± {std:.{digits}f}"
        for name, numbers in more.items():
            rows.setdefault((family, name), {})[setting] = f"{numbers[family, setting]:.{digits}f}"
    return pd.DataFrame(list(rows.values()), pd.MultiIndex.from_tuples(rows, names=["family", "predictor"])).fillna("")
