"""Survival and choice of parents in the program of OFA^2's authors, as in pymoo 0.6.0.1 with NumPy 1.24.

[Ito2023] R. C. Ito and F. J. Von Zuben, "OFA^2: A Multi-Objective Perspective for the Once-for-All Neural Architecture
Search", IJCNN 2023, arXiv 2303.13683.
[Deb2002] K. Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Transactions on Evolutionary
Computation 6(2), 2002.
[Zitzler2001] E. Zitzler, M. Laumanns and L. Thiele, "SPEA2: Improving the Strength Pareto Evolutionary Algorithm", TIK-Report
103, ETH Zurich, 2001.
[Beume2007] N. Beume, B. Naujoks and M. Emmerich, "SMS-EMOA: Multiobjective Selection Based on Dominated Hypervolume", European
Journal of Operational Research 181(3), 2007.

Differs from the papers in, like that pymoo: repeated points have a crowding distance of 0; the strength of a network in SPEA2
is the number of networks that dominate it, not that it dominates, and only the nearest neighbour counts when a front is
thinned out; a parent that dominates another is better, then one with a larger crowding distance, or with SMS-EMOA either.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from pymoo.algorithms.moo.nsga3 import HyperplaneNormalization
from scipy.spatial.distance import cdist


def dominance(costs: np.ndarray) -> np.ndarray:
    """Dominance between costs ``(n, 2)``: bools ``(n, n)``."""
    one, other = costs[:, None], costs[None]
    return np.all(one <= other, axis=2) & np.any(one < other, axis=2)


def fronts(costs: np.ndarray, n: int) -> Iterator[np.ndarray]:
    """Rows of one front of costs ``(m, 2)`` after another, until there are n, in pymoo's order."""
    dominates = dominance(costs)
    n_above, front = dominates.sum(axis=0), np.flatnonzero(~dominates.any(axis=0))
    while n > 0 and len(front):
        yield front
        n, following = n - len(front), [np.empty(0, dtype=np.int64)]
        for row in front:
            n_above[dominates[row]] -= 1
            following.append(np.flatnonzero(dominates[row] & (n_above == 0)))
        front = np.concatenate(following)


def crowding(costs: np.ndarray) -> np.ndarray:
    """Crowding distances ``(n,)`` of one front's costs ``(n, 2)``; 0 for all but the first of equal points."""
    if len(costs) <= 2:
        return np.full(len(costs), np.inf)
    once, distances = np.sort(np.unique(costs, axis=0, return_index=True)[1]), np.zeros(len(costs))
    for column in costs[once].T:
        order = column.argsort(kind="stable")
        with np.errstate(invalid="ignore", divide="ignore"):
            steps = np.nan_to_num(
                np.diff(column[order], prepend=-np.inf, append=np.inf) / np.ptp(column), nan=0, posinf=np.inf
            )
        distances[once[order]] += (steps[:-1] + steps[1:]) / 2
    return distances


class Selection(ABC):
    """Rule for which points survive, and how good they are as parents.

    Attributes:
        by_dominance: Whether a parent that dominates another one is better regardless of merits.
    """

    by_dominance = True

    @abstractmethod
    def __call__(self, costs: np.ndarray, n: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
        """Rows ``(n,)`` of costs ``(m, 2)``, and the merit of every row ``(m,)``, smaller for better ones."""


class ByCrowding(Selection):
    """NSGA-II: by front, and within the last one by crowding."""

    def __call__(self, costs: np.ndarray, n: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`Selection`; merits are negative crowding distances, for the fronts that were needed."""
        rows, merits = np.empty(0, dtype=np.int64), np.zeros(len(costs))
        for front in fronts(costs, n):
            distances = crowding(costs[front])
            merits[front] = -distances
            if len(rows) + len(front) > n:
                shuffled = rng.permutation(len(front))
                front = front[shuffled[rows_in_order(distances[shuffled])[::-1]]][: n - len(rows)]
            rows = np.concatenate([rows, front])
        return rows, merits


class ByStrength(Selection):
    """SPEA2: non-dominated points, filled up by fitness or thinned out where two are closest; ends of the front are best."""

    by_dominance = False

    def __init__(self) -> None:
        self._scale = HyperplaneNormalization(2)

    def __call__(self, costs: np.ndarray, n: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`Selection`; merits are fitnesses, -1 at the ends of the front."""
        dominates, distances = dominance(costs), self._distances(costs)
        nearness = 1 / (np.sort(distances, axis=1)[:, min(int(np.sqrt(len(costs))), len(costs) - 1)] + 2)
        fitness = dominates.sum(axis=0) @ dominates + nearness
        others = np.flatnonzero(dominates.any(axis=0))
        others = others[rows_in_order(fitness[others])]
        rows = np.flatnonzero(~dominates.any(axis=0))
        fitness[rows[cdist(self._scale.extreme_points, costs[rows]).argmin(axis=1)]] = -1
        rows = np.concatenate([rows, others[: max(n - len(rows), 0)]])
        while len(rows) > n:
            rows = np.delete(rows, distances[np.ix_(rows, rows)].min(axis=1).argmin())
        return rows, fitness

    def _distances(self, costs: np.ndarray) -> np.ndarray:
        """Distances ``(n, n)`` of scaled costs ``(n, 2)``; infinite to themselves."""
        self._scale.update(costs)
        scaled = (costs - self._scale.ideal_point) / (self._scale.nadir_point - self._scale.ideal_point)
        distances = np.sqrt(((scaled[:, None] - scaled[None]) ** 2).sum(axis=2))
        np.fill_diagonal(distances, np.inf)
        return distances


class ByContribution(Selection):
    """SMS-EMOA: by front, and from the last one, the point that adds least to the hypervolume leaves first."""

    def __init__(self) -> None:
        self._parents: np.ndarray | None = None

    def __call__(self, costs: np.ndarray, n: int, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`Selection`; all merits are 0."""
        known = costs if self._parents is None else self._parents
        scaled = (costs - known.min(axis=0)) / np.ptp(known, axis=0)
        rows = np.empty(0, dtype=np.int64)
        for front in fronts(costs, n):
            while len(rows) + len(front) > n:
                front = np.delete(front, contributions(scaled[front]).argmin())
            rows = np.concatenate([rows, front])
        self._parents = costs[rows]
        return rows, np.zeros(len(costs))


def contributions(costs: np.ndarray) -> np.ndarray:
    """Contribution of each of a front's scaled costs ``(n, 2)`` to the hypervolume at 11."""
    order, added = np.lexsort((-costs[:, 1], costs[:, 0])), np.empty(len(costs))
    latency, error = costs[order].T
    added[order] = np.diff(latency, append=11.0) * -np.diff(error, prepend=11.0)
    return added


def rows_in_order(values: np.ndarray) -> np.ndarray:
    """Rows ``(n,)`` of ascending values ``(n,)``, with equal ones in the order of NumPy 1.24's quicksort."""
    rows = list(range(len(values)))
    pending = [(0, len(rows) - 1)]
    while pending:
        low, high = pending.pop()
        if high - low <= 15:  # a few are inserted one by one, which keeps the order of equal ones
            rows[low : high + 1] = sorted(rows[low : high + 1], key=values.__getitem__)
            continue
        i = _partition(values, rows, low, high)
        pending += [(low, i - 1), (i + 1, high)]
    return np.array(rows, dtype=np.int64)


def _partition(values: np.ndarray, rows: list[int], low: int, high: int) -> int:
    """Swap rows so that smaller values are before a pivot and larger ones after it; return the pivot's place."""
    middle = (low + high) // 2
    for a, b in ((middle, low), (high, middle), (middle, low)):
        if values[rows[a]] < values[rows[b]]:
            rows[a], rows[b] = rows[b], rows[a]
    pivot, i, j = values[rows[middle]], low, high - 1
    rows[middle], rows[j] = rows[j], rows[middle]
    while True:
        i = next(k for k in range(i + 1, high) if not values[rows[k]] < pivot)
        j = next(k for k in range(j - 1, low - 1, -1) if not pivot < values[rows[k]])
        if i >= j:
            break
        rows[i], rows[j] = rows[j], rows[i]
    rows[i], rows[high - 1] = rows[high - 1], rows[i]
    return i


SELECTIONS: dict[str, type[Selection]] = {"nsga2": ByCrowding, "smsemoa": ByContribution, "spea2": ByStrength}
