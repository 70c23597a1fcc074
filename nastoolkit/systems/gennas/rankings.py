"""How well scores rank cells, and how much better one score ranks them than the best proxy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr

from nastoolkit.measurements import PROXIES
from nastoolkit.statistics import partial_correlation
from nastoolkit.systems.gennas.cells import CellsToRate

RANDOM, LARGEST = "random", "most parameters"


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two vectors ``(n,)``; 0 if all values of one are equal."""
    if (one == one[0]).all() or (other == other[0]).all():
        return 0.0
    return float(spearmanr(rankdata(one), rankdata(other)).statistic)


def correlations(found: pd.DataFrame, given: CellsToRate) -> pd.DataFrame:
    """How well arms' scores rank cells by true accuracy.

    Args:
        found: Rows of the jobs ``rate_cells`` and ``search_task``, with ``arm`` and ``seed``.
        given: The cells.

    Returns:
        A row for each seed, data set and arm: Spearman's ``rho``, and the part of it ``beyond MACs``.
    """
    rows = []
    for seed, of_seed in found.groupby("seed"):
        cells = given.drawn(of_seed.cell.nunique(), seed)
        truths, macs = given.truths(cells, "test"), given.family.macs(cells)
        for arm, rated in of_seed.groupby("arm", sort=False):
            scores = rated.sort_values("cell").score.to_numpy()
            for name, truth in truths.items():
                rho = spearman(scores, truth)
                beyond = partial_correlation(rho, spearman(scores, macs), spearman(truth, macs))
                rows.append({"seed": seed, "data set": name, "arm": arm, "rho": rho, "beyond MACs": beyond})
    return pd.DataFrame(rows)


def picked(rated: pd.DataFrame, given: CellsToRate) -> pd.DataFrame:
    """The controls for evolution of cells.

    Args:
        rated: Rows of the job ``rate_cells``, of one arm.
        given: The cells.

    Returns:
        A row for each seed, data set and ``pick``, with the true ``accuracy`` in %: the cell with the best score among the
        ``RANDOM`` ones of the seed, and the ``LARGEST`` of all.
    """
    rows = []
    for seed, scores in rated.groupby("seed"):
        best = given.drawn(len(scores), seed)[int(scores.set_index("cell").score.idxmax())]
        found = given.truths(np.stack([best, given.family.largest]), "test")
        for name, accuracies in found.items():
            about = {"seed": seed, "data set": name}
            rows += [{**about, "pick": pick, "accuracy": a} for pick, a in zip((RANDOM, LARGEST), accuracies, strict=True)]
    return pd.DataFrame(rows)


def lead_on_two(table: pd.DataFrame, arm: str) -> pd.Series:
    """How far an arm's correlation is above the best proxy's on at least two of three data sets, for each seed.

    The best proxy of a data set has the largest mean over all seeds; parameters and MACs count as proxies.

    Args:
        table: Rows of :func:`correlations` for the three data sets.
        arm: Arm under test.
    """
    means = table[table.arm.isin(PROXIES)].groupby(["data set", "arm"]).rho.mean().reset_index()
    best = means.loc[means.groupby("data set").rho.idxmax(), ["data set", "arm"]]
    theirs = table.merge(best).set_index(["seed", "data set"]).rho
    ours = table[table.arm == arm].set_index(["seed", "data set"]).rho
    return (ours - theirs).groupby("seed").agg(lambda leads: np.sort(leads)[-2:][0])
