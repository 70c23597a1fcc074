"""How well scores rank cells, and by how much one score ranks them better than the best proxy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr

from nastoolkit.measurements import PROXIES
from nastoolkit.statistics import partial_correlation
from nastoolkit.systems.gennas.cells import CellsToRate

RANDOM, LARGEST = "random", "most parameters"


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two vectors ``(n,)``; 0 where one of them ranks nothing."""
    if (one == one[0]).all() or (other == other[0]).all():
        return 0.0
    return float(spearmanr(rankdata(one), rankdata(other)).statistic)


def correlations(found: pd.DataFrame, given: CellsToRate) -> pd.DataFrame:
    """How well arms rank cells by their true accuracy.

    Args:
        found: Rows of the jobs ``rate_cells`` and ``search_task``, with ``arm`` and ``seed``.
        given: The cells.

    Returns:
        A row for each seed, data set and arm: Spearman's ``rho``, and what is left of it ``beyond MACs``.
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
    """What evolution of cells is held against.

    Args:
        rated: Rows of the job ``rate_cells``, of one arm.
        given: The cells.

    Returns:
        A row for each seed and data set, and for each ``pick``: the cell with the best score among the ``RANDOM`` ones of the
        seed, and the ``LARGEST`` of all; with its true ``accuracy`` in %.
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
    """By how much an arm's correlation is above the best proxy's on two of three data sets at least, seed by seed.

    The best proxy of a data set is that of the largest mean over all seeds; parameters and MACs are among them.

    Args:
        table: Rows of :func:`correlations`, of the three data sets.
        arm: Arm that is under test.
    """
    means = table[table.arm.isin(PROXIES)].groupby(["data set", "arm"]).rho.mean().reset_index()
    best = means.loc[means.groupby("data set").rho.idxmax(), ["data set", "arm"]]
    theirs = table.merge(best).set_index(["seed", "data set"]).rho
    ours = table[table.arm == arm].set_index(["seed", "data set"]).rho
    return (ours - theirs).groupby("seed").agg(lambda leads: np.sort(leads)[-2:][0])
