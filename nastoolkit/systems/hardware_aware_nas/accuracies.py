"""How well the accuracies of unseen sub-networks are predicted.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Figures 3, 13 and 14, which print no number; the authors published their measurements, from which
:data:`INTEL` is.

Differs from the paper in: there is a naive control that costs as much to train, linear in the logarithm of the MACs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.benchmarks.digits_mbv3_table import DigitsTable
from nastoolkit.benchmarks.members import members
from nastoolkit.benchmarks.ofa_mbv3_w10_imagenet import measured_accuracies
from nastoolkit.benchmarks.supernet_problem import MACS
from nastoolkit.families import FAMILIES, Family
from nastoolkit.predictors import PREDICTORS, kendall_tau, mape, splits, trial_scores
from nastoolkit.studies.results import Row, as_text

CONTROL = "MACs alone"
DIGITS, IMAGENET = "digits-mbv3-table", "ofa-mbv3-w1.0"
INTEL = {  # Kendall's tau of ridge regression, penalty 1, on Intel's published measurements, by the size of the training set
    "mbv3": {50: 0.814, 100: 0.865, 200: 0.895, 500: 0.922, 1000: 0.927},
    "resnet50": {100: 0.834, 400: 0.903},
    "transformer": {100: 0.819, 400: 0.884},
}


@dataclass(frozen=True)
class Networks:
    """Sub-networks and their measurements.

    Attributes:
        family: Family of the sub-networks.
        genotypes: Genotypes ``(n, d)``.
        values: Accuracies in %, or BLEU, ``(n,)``.
    """

    family: Family
    genotypes: np.ndarray
    values: np.ndarray

    @property
    def features(self) -> np.ndarray:
        """The predictors' features: one-hot options ``(n, f)``."""
        return self.family.space.one_hot(self.genotypes)

    @property
    def log_macs(self) -> np.ndarray:
        """The control's feature ``(n, 1)``."""
        return np.log(self.family.macs(self.genotypes))[:, None]


def published_networks(name: str, data_folder: str, at_least: int) -> Networks:
    """Sub-networks with published measurements, or with ones that ship with the package.

    Args:
        name: ``digits-mbv3-table``, a complete part of a space, or ``ofa-mbv3-w1.0``, from Intel's searches on ImageNet.
        data_folder: Folder of the published files; empty means the usual places.
        at_least: Number of sub-networks needed.

    Raises:
        FileNotFoundError: The data are not on this machine.
        ValueError: There are fewer.
    """
    if name == DIGITS:
        table = DigitsTable()
        genotypes = members(table.space)
        found = Networks(FAMILIES["digits-mbv3"](), genotypes, table.evaluate(genotypes)[:, 0])
    else:
        found = Networks(FAMILIES[name](), *measured_accuracies(data_folder or None))
    if at_least > len(found.values):
        raise ValueError(f"{at_least:,} sub-networks are needed for training and tests, and {name} has {len(found.values):,}")
    return found


def measured_networks(problem: dict[str, Any], n: int, seed: int) -> Networks:
    """Random sub-networks of a supernet, measured now or taken from the problem's folder.

    Args:
        problem: Argument that makes a :class:`nastoolkit.benchmarks.SupernetProblem`.
        n: Number of sub-networks.
        seed: Random seed of the sub-networks.
    """
    supernet_problem = SupernetProblem(**problem)
    history = supernet_problem.search(MACS, "random", n, seed, population=n)
    return Networks(supernet_problem.family, history.genotypes, history.values[:, 0])


def networks_from(source: dict[str, Any]) -> Networks:
    """Sub-networks by the arguments of :func:`measured_networks` or :func:`published_networks`, made once for each process."""
    return _made(as_text(source))


@lru_cache(maxsize=8)
def _made(source: str) -> Networks:
    arguments = json.loads(source)
    return measured_networks(**arguments) if "problem" in arguments else published_networks(**arguments)


def intel_taus(network: str) -> dict[int, float]:
    """Kendall's taus of :data:`INTEL` for a kind of network, by the number of training sub-networks."""
    return next((taus for kind, taus in INTEL.items() if kind in network), {})


def spread_of_values(data: str, source: dict[str, Any]) -> list[Row]:
    """The spread of the sub-networks' values, which are measured if necessary; a job.

    Args:
        data: Name of the sub-networks.
        source: See :func:`networks_from`.

    Returns:
        One row: quartiles, and the number ``n`` of sub-networks.
    """
    values = networks_from(source).values
    names = ("least", "25 %", "median", "75 %", "greatest")
    return [dict(zip(names, np.percentile(values, (0, 25, 50, 75, 100)), strict=True)) | {"n": len(values)}]


def accuracy_scores(
    data: str, source: dict[str, Any], sizes: list[int], n_test: int, predictors: list[str], trial: int, seed: int
) -> pd.DataFrame:
    """How well predictors and the control predict unseen sub-networks, by the size of the training set; a job.

    Args:
        data: Name of the sub-networks.
        source: See :func:`networks_from`.
        sizes: Sizes of the training sets.
        n_test: Number of unseen sub-networks.
        predictors: Keys of ``PREDICTORS``.
        trial: Number of the split.
        seed: Seed of the splits.

    Returns:
        The columns of :func:`nastoolkit.predictors.learning_curve`; the control is the predictor ``MACs alone``.
    """
    networks = networks_from(source)
    learned = trial_scores(networks.features, networks.values, sizes, n_test, trial, predictors, seed)
    control = trial_scores(networks.log_macs, networks.values, sizes, n_test, trial, ["ridge"], seed)
    return pd.concat([learned, control.assign(predictor=CONTROL)], ignore_index=True)


def predicted_networks(
    data: str, source: dict[str, Any], predictor: str, n_train: int, n_test: int, trial: int, seed: int
) -> pd.DataFrame:
    """Unseen sub-networks and a predictor's values for them; a job.

    Args:
        data: Name of the sub-networks.
        source: See :func:`networks_from`.
        predictor: Key of ``PREDICTORS``.
        n_train: Number of sub-networks that it is fitted to.
        n_test: Number of unseen ones.
        trial: Number of the split.
        seed: Seed of the splits.

    Returns:
        Columns ``measured`` and ``predicted``, in the metric's unit, and ``macs``.
    """
    networks = networks_from(source)
    test, others = splits(len(networks.values), n_test, trial + 1, seed)[trial]
    train = others[:n_train]
    fitted = PREDICTORS[predictor]().fit(networks.features[train], networks.values[train])
    columns = {"measured": networks.values[test], "predicted": fitted.predict(networks.features[test])}
    return pd.DataFrame(columns | {"macs": networks.family.macs(networks.genotypes[test])})


def agreement(points: pd.DataFrame) -> pd.Series:
    """How well the predictions of one trial agree with the measurements.

    Args:
        points: Rows of :func:`predicted_networks`.

    Returns:
        Kendall's tau of the predictor, of MACs, and of the predictor among the best fifth of the sub-networks; MAPE in %.
    """
    best = points.nlargest(max(2, len(points) // 5), "measured")
    found = {
        "tau": kendall_tau(points.measured, points.predicted),
        "tau of MACs": kendall_tau(points.measured, points.macs),
        "tau among the best fifth": kendall_tau(best.measured, best.predicted),
        "MAPE in %": mape(points.measured, points.predicted),
    }
    return pd.Series(found)
