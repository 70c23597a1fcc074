"""How well predictors predict: rank correlations, relative errors, and learning curves by the size of the training set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from tqdm.auto import tqdm

from nastoolkit.predictors.regressors import PREDICTORS
from nastoolkit.support.counts import whole
from nastoolkit.support.files import atomically

SPLITS = 2  # version of how rows are split, which kept curves depend on


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
    """Rows of each trial's test set ``(n_test,)``, and all other rows of ``n`` in random order.

    No row is in a second test set as long as some rows have been in none.

    Raises:
        ValueError: There is less than one trial.
    """
    n_disjoint, found = max(n // n_test, 1), []
    for trial in range(whole("n_trials", n_trials)):
        order = np.random.default_rng([seed, trial // n_disjoint]).permutation(n)
        test = slice(start := trial % n_disjoint * n_test, start + n_test)
        found.append((order[test], np.random.default_rng([seed, trial, 1]).permutation(np.delete(order, test))))
    return found


def learning_curve(
    features: np.ndarray,
    values: np.ndarray,
    sizes: Sequence[int],
    n_test: int,
    n_trials: int = 10,
    predictors: Sequence[str] = tuple(PREDICTORS),
    seed: int = 0,
    file: str | Path | None = None,
) -> pd.DataFrame:
    """How well predictors predict unseen rows, depending on the number of rows that they were fitted to.

    Within a trial, the test set is the same for all predictors and sizes, and a larger training set contains the smaller ones.

    Args:
        features: ``(n, f)``.
        values: ``(n,)``.
        sizes: Sizes of the training sets.
        n_test: Number of rows in the test set.
        n_trials: Number of random splits, see :func:`splits`.
        predictors: Keys of ``PREDICTORS``.
        seed: Random seed of the splits.
        file: CSV file that keeps the scores; they are read from it if it was made from the same data and arguments.

    Returns:
        Columns ``trial``, ``n_train``, ``predictor``, ``mape_percent`` and ``kendall_tau``.

    Raises:
        ValueError: A predictor is unknown, there are too few rows, or less than one trial.
    """
    arguments = repr((SPLITS, list(sizes), n_test, n_trials, list(predictors), seed))
    identity = hashlib.sha256(features.tobytes() + values.tobytes() + arguments.encode()).hexdigest()[:16]
    if file and Path(file).exists():
        kept = pd.read_csv(file, dtype={"identity": str})  # it may look like a number
        if len(kept) == n_trials * len(sizes) * len(predictors) and kept.identity.eq(identity).all():
            return kept.drop(columns="identity")
    trials = tqdm(range(whole("n_trials", n_trials)), "trials", leave=False)
    scores = [trial_scores(features, values, sizes, n_test, trial, predictors, seed) for trial in trials]
    frame = pd.concat(scores, ignore_index=True)
    if file:
        with atomically(file) as new:
            frame.assign(identity=identity).to_csv(new, index=False)
    return frame


def trial_scores(
    features: np.ndarray,
    values: np.ndarray,
    sizes: Sequence[int],
    n_test: int,
    trial: int,
    predictors: Sequence[str] = tuple(PREDICTORS),
    seed: int = 0,
) -> pd.DataFrame:
    """The rows of one trial of a :func:`learning_curve`, with the same arguments and errors."""
    if unknown := [name for name in predictors if name not in PREDICTORS]:
        raise ValueError(f"unknown predictors {unknown}; known: {list(PREDICTORS)}")
    if not 2 <= min(*sizes, n_test) or max(sizes) + n_test > len(values):
        raise ValueError(f"{len(values)} rows are too few for training sets of {list(sizes)} and a test set of {n_test}")
    test, others = splits(len(values), n_test, trial + 1, seed)[trial]
    rows = []
    for size, name in product(sizes, predictors):
        predicted = PREDICTORS[name]().fit(features[others[:size]], values[others[:size]]).predict(features[test])
        rows.append((trial, size, name, mape(values[test], predicted), kendall_tau(values[test], predicted)))
    return pd.DataFrame(rows, columns=["trial", "n_train", "predictor", "mape_percent", "kendall_tau"])


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
    """Learning curves at their largest sizes, as papers print them: mean and standard deviation over the trials.

    Args:
        curves: A learning curve for each row (family or data set) and column (hardware) of the table.
        quantity: Column of the learning curves.
        more: Further numbers to show below, by their names.
        digits: Number of decimals.

    Returns:
        A row for each family and predictor, and a column for each hardware setting; empty if there is no curve.
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for (family, hardware), curve in curves.items():
        for name, (mean, std) in final_scores(curve, quantity).iterrows():
            rows.setdefault((family, name), {})[hardware] = f"{mean:.{digits}f} ± {std:.{digits}f}"
        for name, numbers in more.items():
            rows.setdefault((family, name), {})[hardware] = f"{numbers[family, hardware]:.{digits}f}"
    return pd.DataFrame(list(rows.values()), pd.MultiIndex.from_tuples(rows, names=["family", "predictor"])).fillna("")
