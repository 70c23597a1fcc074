"""Results of the arms: hypervolumes, evaluations, and the smallest networks that are no worse than a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit import pareto
from nastoolkit.statistics import Censored, counted
from nastoolkit.systems.simq_nas.search import QuantisedProblem

MARGIN = 0.5  # points of accuracy that do not matter


def largest_at(problem: Mapping[str, Any]) -> pd.DataFrame:
    """The largest network at each number of bits for all blocks; a job of a grid.

    Returns:
        A row for each of ``bits``: ``validation`` and ``test`` accuracy in %, ``size_mb``.
    """
    given = QuantisedProblem(**problem)
    genotypes = np.stack([given.uniform(n) for n in given.bits])
    found = {split: given.accuracy(split)(genotypes)[:, 0] for split in ("validation", "test")}
    return pd.DataFrame({"bits": list(given.bits), **found, "size_mb": given.family.size_mb(genotypes)})


def volumes(found: pd.DataFrame, reference: tuple[float, float]) -> pd.DataFrame:
    """Hypervolumes of the arms' fronts on test examples, in % of the attainable one, which is that of all fronts together.

    Args:
        found: Rows of :func:`search_arm`, of several arms and seeds.
        reference: Reference point: accuracy in % and size in MB.

    Returns:
        A row for each seed, a column for each arm.
    """
    fronts = found.dropna(subset=["test"])
    whole = _volume(fronts, reference) or np.inf  # no network is better than chance
    shares = {key: 100 * _volume(front, reference) / whole for key, front in fronts.groupby(["seed", "arm"], sort=False)}
    return pd.Series(shares).unstack(sort=False).rename_axis("seed")


def _volume(front: pd.DataFrame, reference: tuple[float, float]) -> float:
    return pareto.hypervolume(np.stack([-front.test, front.size_mb], axis=1), (-reference[0], reference[1]))


def evaluations_to(found: pd.DataFrame, arm: str, reference: tuple[float, float], share: float = 0.95) -> Censored:
    """Evaluations ``(seeds,)`` after which an arm has a share of all arms' and seeds' joint hypervolume on validation data."""
    costs = found.assign(error=-found.validation)
    limit = (-reference[0], reference[1])
    wanted = share * pareto.hypervolume(costs[["error", "size_mb"]].to_numpy(), limit)
    needed = []
    for _, rows in costs[costs.arm == arm].groupby("seed"):
        curve = pareto.hypervolume_curve(rows[["error", "size_mb"]].to_numpy(), limit)
        needed.append(float(rows.number.to_numpy()[(curve >= wanted).argmax()]) if curve[-1] >= wanted else np.inf)
    return counted(needed, float(found.number.max()))


def picks(found: pd.DataFrame, arm: str, baseline: pd.Series, margin: float = MARGIN) -> pd.DataFrame:
    """The smallest network of each seed's front that is at most slightly worse than a baseline on validation examples.

    Args:
        found: Rows of :func:`search_arm`.
        arm: Arm of the fronts.
        baseline: Row of :func:`largest_at`, which is picked if no network is good enough.
        margin: Points of accuracy that a network may lose.

    Returns:
        A row for each seed: how many ``times smaller`` than the baseline the network is, and its ``difference`` in test
        accuracy, in points.
    """
    rows = {}
    for seed, front in found[found.arm == arm].dropna(subset=["test"]).groupby("seed"):
        good = front[front.validation >= baseline.validation - margin]
        chosen = good.loc[good.size_mb.idxmin()] if len(good) else baseline
        rows[seed] = {"times smaller": baseline.size_mb / chosen.size_mb, "difference": chosen.test - baseline.test}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")
