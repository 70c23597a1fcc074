"""AGE-MOEA: survival that estimates the geometry of the front, and spreads over it with that geometry's own distances.

[Panichella2019] A. Panichella, "An Adaptive Evolutionary Algorithm Based on Non-Euclidean Geometry for Many-Objective
Optimization", GECCO 2019, Section 3.

Differs from the paper in: what :mod:`nastoolkit.search.mating` says about mating, duplicates and rounded genes. It is written
anew, because pymoo's version needs a compiler, and is held against that one, run without it, by tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival

from nastoolkit import pareto
from nastoolkit.search.evolution import Evolution, Scaled, by_rank_and_crowding, tournament

SMALLEST = 1e-8


class AGEMOEA(Evolution):
    """The best fronts survive; in the last of them, points close to the ideal and far from each other."""

    n_goals = (2, np.inf)

    def _parts(self) -> tuple[Selection, Survival]:
        return tournament(by_rank_and_crowding), Scaled(_Geometry())


class _Geometry(Survival):
    def __init__(self) -> None:
        super().__init__(filter_infeasible=True)

    def _do(self, problem: Problem, pop: Population, n_survive: int, **_: Any) -> Population:
        costs = pop.get("F")
        rank = pareto.ranks(costs)
        first = costs[rank == 0]
        shifted, unit = costs - first.min(axis=0), intercepts(first - first.min(axis=0))
        p = curvature(shifted[rank == 0] / unit)
        nearness = np.maximum(norms(shifted / unit, p), SMALLEST)
        score = 1 / nearness
        score[rank == 0] = survival_scores(shifted[rank == 0] / unit, nearness[rank == 0], p)
        pop.set(rank=rank, crowding=score)
        return pop[np.lexsort([-score, rank])[:n_survive]]


def norms(points: np.ndarray, p: float) -> np.ndarray:
    """The p-norms ``(n,)`` of points ``(n, m)``."""
    return (np.abs(points) ** p).sum(axis=-1) ** (1 / p)


def corners(front: np.ndarray) -> np.ndarray:
    """Indices ``(m,)`` of the points of a front ``(n, m)`` that are nearest to the axes."""
    return np.array([np.delete(front, axis, axis=1).max(axis=1).argmin() for axis in range(front.shape[1])])


def intercepts(front: np.ndarray) -> np.ndarray:
    """Where the plane through the corners of a front ``(n, m)`` above 0 cuts the axes ``(m,)``; else the front's maxima."""
    try:
        cuts = 1 / np.linalg.solve(front[corners(front)], np.ones(front.shape[1]))
    except np.linalg.LinAlgError:
        cuts = np.zeros(front.shape[1])
    greatest = front.max(axis=0)
    cuts = cuts if np.isfinite(cuts).all() and (cuts > SMALLEST).all() else greatest
    return np.where(cuts > SMALLEST, cuts, 1.0)


def curvature(front: np.ndarray) -> float:
    """The p for which the point of a front ``(n, m)`` nearest to the diagonal has p-norm 1: 1 is flat, 2 a sphere."""
    inner = np.delete(front, corners(front), axis=0)
    if not len(inner):
        return 1.0
    off_diagonal = ((inner - inner.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    mean = inner[off_diagonal.argmin()].mean()
    if not SMALLEST < mean < 1 - SMALLEST:
        return 1.0
    return float(np.clip(np.log(front.shape[1]) / -np.log(mean), 0.1, 20))


def survival_scores(front: np.ndarray, nearness: np.ndarray, p: float) -> np.ndarray:
    """Scores ``(n,)`` of a front ``(n, m)``: infinite for its corners; each next one is farthest from two that have a score.

    Distances are relative to ``nearness`` ``(n,)``, the distance of a point to the ideal one.
    """
    distance = np.maximum(norms(front[:, None] - front[None], p), SMALLEST) / nearness[:, None]
    score = np.zeros(len(front))
    score[corners(front)] = np.inf
    left = np.flatnonzero(score == 0)
    while len(left):
        near = np.sort(distance[np.ix_(left, np.flatnonzero(score))], axis=1)[:, :2].sum(axis=1)
        score[left[near.argmax()]] = near.max()
        left = np.delete(left, near.argmax())
    return score
