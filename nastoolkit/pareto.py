"""Pareto dominance, and the volume that a set of points dominates.

Everything here takes costs ``(n, m)``: every column is minimised (raw values times :func:`nastoolkit.objectives.signs`).
A point dominates another one when it is no worse in every column and better in one.

[Deb2002] K. Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Transactions on Evolutionary
Computation 6(2), 2002.
"""

from __future__ import annotations

import moocore
import numpy as np
from numpy.typing import ArrayLike
from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance


def non_dominated(costs: np.ndarray) -> np.ndarray:
    """Mask ``(n,)`` of the points that no other point dominates; only the first of equal points is kept."""
    return moocore.is_nondominated(costs)


def ranks(costs: np.ndarray) -> np.ndarray:
    """Number of each point's front ``(n,)``: 0 for the non-dominated ones, 1 for the next front without these, and so on."""
    return moocore.pareto_rank(costs)


def crowding(costs: np.ndarray) -> np.ndarray:
    """Crowding distances ``(n,)`` of one front [Deb2002], Section III-B: large for isolated points, infinite at the ends."""
    return calc_crowding_distance(np.asarray(costs, dtype=float))


def best_first(costs: np.ndarray, n: int, violations: np.ndarray | None = None) -> np.ndarray:
    """Indices of the n best points, or of all if there are fewer: by front, and within a front by decreasing crowding
    distance.

    Args:
        costs: ``(k, m)``.
        n: Number of points to return.
        violations: Violations of bounds ``(k,)``; points above 0 come after all others, the least first.
    """
    if violations is not None and (violations > 0).any():
        kept, broken = np.flatnonzero(violations <= 0), np.flatnonzero(violations > 0)
        return np.concatenate([kept[best_first(costs[kept], n)], broken[violations[broken].argsort(kind="stable")]])[:n]
    rank = ranks(costs)
    order: list[int] = []
    for number in range(int(rank.max(initial=-1)) + 1):
        if len(order) >= n:
            break
        front = np.flatnonzero(rank == number)
        order.extend(front[np.argsort(-crowding(costs[front]), kind="stable")])
    return np.array(order[:n], dtype=np.int64)


def knee(costs: np.ndarray) -> int:
    """Index of the point of a front beyond which a gain in one cost requires giving up much of another one.

    It is the point farthest below the plane through the ends, in costs that are scaled to 0..1 between the best and the worst
    of the front: the largest gain in all costs together over what a straight exchange between the ends would give.

    Args:
        costs: ``(n, m)``, none of which dominates another one, at least one of them.
    """
    lowest, size = costs.min(axis=0), np.ptp(costs, axis=0)
    return int(((costs - lowest) / np.where(size > 0, size, 1)).sum(axis=1).argmin())


def spread_indicator(costs: np.ndarray, ends: np.ndarray) -> float:
    """How uneven a front of two costs is [Deb2002], Section V-B, Δ: 0 if it is even from end to end, 1 if it is one point.

    Args:
        costs: ``(n, 2)``, none of which dominates another one, at least one of them.
        ends: ``(2, 2)``, the extreme points of the true front, or of the best one known. The distance between them is 1 in
            both columns, as costs have units.
    """
    low, span = ends.min(axis=0), np.ptp(ends, axis=0)
    front, (first, last) = (((points - low) / span)[np.argsort(points[:, 0])] for points in (costs, ends))
    gaps = np.linalg.norm(np.diff(front, axis=0), axis=1)
    beyond = np.linalg.norm(front[0] - first) + np.linalg.norm(front[-1] - last)
    total = beyond + gaps.sum()
    return float((beyond + np.abs(gaps - gaps.mean() if len(gaps) else gaps).sum()) / total) if total > 0 else 0.0


def hypervolume(costs: np.ndarray, reference_point: ArrayLike) -> float:
    """Volume that the points dominate inside the box below the reference point ``(m,)``.

    A point at or beyond the reference in any column adds nothing.
    """
    return float(moocore.hypervolume(costs, ref=reference_point))


def dominated_share(costs: np.ndarray, ideal: ArrayLike, reference_point: ArrayLike) -> float:
    """Hypervolume of costs ``(n, m)`` in % of the box between the best possible costs, ``(m,)``, and the reference point."""
    box = np.subtract(reference_point, ideal, dtype=float).prod()
    return float(100 * hypervolume(costs, reference_point) / box)


def hypervolume_curve(costs: np.ndarray, reference_point: ArrayLike) -> np.ndarray:
    """Hypervolumes ``(n,)`` of the first 1, 2, ... n points."""
    reference = np.asarray(reference_point, dtype=float)
    front = np.empty((0, costs.shape[1]))
    volume = hypervolume(front, reference)
    curve = np.empty(len(costs))
    for i, point in enumerate(costs):
        if (point < reference).all() and not (front <= point).all(axis=1).any():
            front = np.vstack([front[~(point <= front).all(axis=1)], point])
            volume = hypervolume(front, reference)
        curve[i] = volume
    return curve
