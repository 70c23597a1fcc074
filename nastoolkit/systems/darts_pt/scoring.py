"""How good picks truly are, and how well alphas and perturbations rank operations ([Wang2021]; see the package)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nastoolkit.predictors import spearman

RANDOM, LARGEST = "random", "convolutions everywhere"
ALPHA, PERTURBATION = "alpha", "perturbation"
Truths = Mapping[str, pd.Series]  # true accuracies of all cells in %, by their codes, of each space


def scored(found: pd.DataFrame, truths: Truths) -> pd.DataFrame:
    """True accuracies of picks.

    Args:
        found: Rows of :func:`nastoolkit.systems.darts_pt.comparison.search_and_pick`, with ``space``.
        truths: True accuracies.

    Returns:
        A row for each space, seed and ``arm``: the true ``accuracy`` in %, and on how many edges it has the ``first option``.
        Two arms need no supernet: ``RANDOM`` is the mean of all cells, ``LARGEST`` has the last option on all edges.
    """
    rows = []
    for (space, seed), group in found.dropna(subset="cell").groupby(["space", "seed"], sort=False):
        truth = truths[space]
        about = {"space": space, "seed": seed}
        for arm, cell in zip(group.arm, group.cell, strict=True):
            rows.append({**about, "arm": arm, "accuracy": truth[cell], "first option": cell.count("0")})
        n_first = truth.index.str.count("0")
        rows.append({**about, "arm": RANDOM, "accuracy": truth.mean(), "first option": n_first.to_numpy().mean()})
        rows.append({**about, "arm": LARGEST, "accuracy": truth[truth.index.max()], "first option": n_first.min()})
    return pd.DataFrame(rows)


def agreements(found: pd.DataFrame, truths: Truths) -> pd.DataFrame:
    """How well alphas and perturbations rank the operations of all edges.

    Args:
        found: As in :func:`scored`.
        truths: True accuracies.

    Returns:
        A row for each space, seed and ``arm``, ``ALPHA`` or ``PERTURBATION``: Spearman's correlation with the ``discretised``
        accuracy, and with the ``truth``, the mean true accuracy of all cells that have the operation on the edge.
    """
    rows = []
    for (space, seed), group in found.dropna(subset="edge").groupby(["space", "seed"], sort=False):
        marginal = marginals(group, truths[space])
        for arm, judge in ((ALPHA, group.share), (PERTURBATION, group["drop"])):
            rhos = {"discretised": _rho(judge, group.discretised), "truth": _rho(judge, marginal)}
            rows.append({"space": space, "seed": seed, "arm": arm, **rhos})
    return pd.DataFrame(rows)


def marginals(operations: pd.DataFrame, truth: pd.Series) -> np.ndarray:
    """Mean true accuracy ``(n,)`` in % of all cells that have the ``option`` on the ``edge`` of each row."""
    places = {edge: place for place, edge in enumerate(operations.edge.unique())}
    asked = zip(operations.edge, operations.option, strict=True)
    return np.array([truth[truth.index.str[places[edge]] == str(int(option))].mean() for edge, option in asked])


def growth(found: pd.DataFrame) -> pd.Series:
    """Spearman's correlation of the gap between alphas with the supernet's accuracy on the way, by space and seed."""
    looks = found.dropna(subset="gap").groupby(["space", "seed"], sort=False)
    return looks[["gap", "accuracy"]].apply(lambda own: _rho(own.gap, own.accuracy)).rename("growth")


def _rho(one: pd.Series, other: pd.Series | np.ndarray) -> float:
    """Spearman's correlation; 0 where one of them ranks nothing."""
    return spearman(np.asarray(one), np.asarray(other)) if np.ptp(one) and np.ptp(other) else 0.0
