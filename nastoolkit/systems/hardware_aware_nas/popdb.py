"""PopDB: a smaller search space, learned from clusters in a past search, possibly on other hardware.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 3 and Figures 4 and 12: HDBSCAN over the sub-networks of a past study; options that few clustered
sub-networks use are dropped. There a threshold of 1 % took options out of 16 of 20 kernel and 5 of 20 width choices. Figure 4
draws the clusters by accuracy and latency; the paper does not say what they are made by, so both can be chosen.
[Campello2013] R. J. G. B. Campello et al., "Density-Based Clustering Based on Hierarchical Density Estimates", PAKDD 2013.

Differs from the paper in: an option's share is among the sub-networks in which its choice is alive, so that the blocks of
deep stages are judged by deep sub-networks; the commonest option stays whatever the threshold.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial import Delaunay, KDTree
from sklearn.cluster import HDBSCAN

from nastoolkit.history import History
from nastoolkit.space import SearchSpace

BY = ("options", "objectives")
LEAST_DISTANCE = 1e-12  # between points scaled to a range of 1: a distance of 0 would count as missing


def constrain(
    history: History, threshold: float = 0.01, min_cluster_size: int = 50, min_samples: int = 10, by: str = "options"
) -> SearchSpace:
    """The part of a space that a past study's clusters of sub-networks use; search it with any algorithm.

    Args:
        history: Evaluations of a long search, thousands of them, measured or predicted.
        threshold: Least share of clustered sub-networks that keeps an option.
        min_cluster_size: Size of HDBSCAN's smallest cluster, as in Figure 4; smaller ones are noise.
        min_samples: Number of neighbours that make a point dense for HDBSCAN.
        by: Basis of the clusters: ``options``, where 10,000 evaluations take a minute, or at least two ``objectives``,
            where 100,000 take ten seconds.

    Returns:
        The history's space, restricted. If HDBSCAN only finds noise, nothing is dropped.

    Raises:
        ValueError: ``threshold`` is outside 0..1, ``min_cluster_size`` below 2 or ``min_samples`` below 1, there are fewer
            evaluations than either of them, or ``by`` is unknown.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold must be between 0 and 1, got {threshold}")
    clustered = history[clusters(history, min_cluster_size, min_samples, by) >= 0]
    return history.space.restrict(common_options(clustered, threshold))


def clusters(history: History, min_cluster_size: int = 50, min_samples: int = 10, by: str = "options") -> np.ndarray:
    """Cluster number of each evaluation ``(n,)``, -1 for noise, also if all are equal; see :func:`constrain`."""
    _check_sizes(min_cluster_size, min_samples, len(history))
    _check_by(by, len(history.objectives))
    sizes = {"min_cluster_size": min_cluster_size, "min_samples": min_samples, "copy": True}
    features = history.space.one_hot(history.genotypes) if by == "options" else history.values
    ranges = np.ptp(features, axis=0)
    if not ranges.any():
        return np.full(len(history), -1)
    if by == "options":
        return HDBSCAN(**sizes).fit_predict(features[:, ranges > 0])
    near = _distances_between_neighbours(features / np.where(ranges > 0, ranges, 1), min_samples)
    return HDBSCAN(**sizes, metric="precomputed").fit_predict(near)


def _check_by(by: str, n_objectives: int) -> None:
    if by not in BY:
        raise ValueError(f"sub-networks are clustered by {' or '.join(BY)}, got {by!r}")
    if by == "objectives" and n_objectives < 2:
        raise ValueError("clusters by objectives need at least two objectives")


def _distances_between_neighbours(points: np.ndarray, k: int) -> csr_matrix:
    """Distances ``(n, n)`` from points ``(n, m)`` to the k nearest, including themselves, and along a Delaunay triangulation.

    HDBSCAN uses hardly any other distances for many points of few dimensions.
    """
    n, corners = len(points), combinations(range(points.shape[1] + 1), 2)
    triangles = Delaunay(points, qhull_options="Qbb Qc QJ").simplices  # points may lie on a line
    nearest = KDTree(points).query(points, [*range(1, k + 1)])[1]
    pairs = [np.stack([np.arange(n).repeat(k), nearest.ravel()]), *(triangles[:, pair].T for pair in map(list, corners))]
    one, other = np.concatenate([*pairs, *(pair[::-1] for pair in pairs)], axis=1)
    one, other = np.divmod(np.unique(one * n + other), n)
    distances = np.linalg.norm(points[one] - points[other], axis=1)
    return csr_matrix((np.maximum(distances, LEAST_DISTANCE), (one, other)), (n, n))


def _check_sizes(min_cluster_size: int, min_samples: int, n: int) -> None:
    if min_cluster_size < 2 or min_samples < 1:
        raise ValueError(f"clusters must have at least 2 and dense points 1, got {min_cluster_size} and {min_samples}")
    if n < max(min_cluster_size, min_samples):
        raise ValueError(f"clusters of {min_cluster_size}, dense from {min_samples} on, need as many evaluations, got {n}")


def common_options(history: History, threshold: float = 0.01) -> dict[str, list[Any]]:
    """For each choice, the options with a share of at least ``threshold``; all options if no sub-network has the choice."""
    common = {}
    for choice, shares in zip(history.space.choices, history.option_shares().values(), strict=True):
        rare = shares < min(threshold, shares.max())
        common[choice.name] = [option for option, drop in zip(choice.options, rare, strict=True) if not drop]
    return common


def count_losers(space: SearchSpace, smaller: SearchSpace) -> dict[str, tuple[int, int]]:
    """For each kind of choice, e.g. ``kernel``, the number with fewer options in a smaller space, and the total number.

    Choices with one option in the space do not count.
    """
    counts: dict[str, tuple[int, int]] = {}
    for choice, before, after in zip(space.choices, space.allowed, smaller.allowed, strict=True):
        if len(before) > 1:
            losers, n = counts.get(choice.kind, (0, 0))
            counts[choice.kind] = losers + (len(after) < len(before)), n + 1
    return counts
