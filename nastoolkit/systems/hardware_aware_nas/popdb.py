"""PopDB: a smaller space to search, learned from where a past search, maybe on other hardware, found its crowds.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 3 and Figures 4 and 12: HDBSCAN over the sub-networks of a past study; options that few clustered
sub-networks use are dropped. There a threshold of 1 % took options out of 16 of 20 kernel and 5 of 20 width choices.
[Campello2013] R. J. G. B. Campello et al., "Density-Based Clustering Based on Hierarchical Density Estimates", PAKDD 2013.

Differs from the paper in: an option's share is among the sub-networks in which its choice is alive, so that the blocks of
deep stages are judged by deep sub-networks; the commonest option stays whatever the threshold.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import HDBSCAN

from nastoolkit.history import History
from nastoolkit.space import SearchSpace


def constrain(history: History, threshold: float = 0.01, min_cluster_size: int = 50, min_samples: int = 10) -> SearchSpace:
    """The part of a space that a past study's clusters of sub-networks use; search it with any algorithm.

    Args:
        history: Evaluations of a long search, thousands of them, measured or predicted; 10,000 take a minute.
        threshold: Least share of clustered sub-networks that keeps an option.
        min_cluster_size: Size of HDBSCAN's smallest cluster, as in Figure 4; smaller ones are noise.
        min_samples: Number of neighbours that make a point dense for HDBSCAN.

    Returns:
        The history's space, restricted. Where HDBSCAN finds nothing but noise, nothing is dropped.

    Raises:
        ValueError: A threshold outside 0..1, ``min_cluster_size`` below 2, ``min_samples`` below 1, or fewer evaluations than
            either of them.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold is a share from 0 to 1, got {threshold}")
    clustered = history[clusters(history, min_cluster_size, min_samples) >= 0]
    return history.space.restrict(common_options(clustered, threshold))


def clusters(history: History, min_cluster_size: int = 50, min_samples: int = 10) -> np.ndarray:
    """Number of each evaluation's cluster ``(n,)``, -1 for noise, as all are that are equal; see :func:`constrain`."""
    _check_sizes(min_cluster_size, min_samples, len(history))
    features = history.space.one_hot(history.genotypes)
    varying = features[:, np.ptp(features, axis=0) > 0]
    if not varying.size:
        return np.full(len(history), -1)
    return HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min_samples, copy=True).fit_predict(varying)


def _check_sizes(min_cluster_size: int, min_samples: int, n: int) -> None:
    if min_cluster_size < 2 or min_samples < 1:
        raise ValueError(f"a cluster has at least 2 and a dense point 1, got {min_cluster_size} and {min_samples}")
    if n < max(min_cluster_size, min_samples):
        raise ValueError(f"clusters of {min_cluster_size}, dense from {min_samples} on, need as many evaluations, got {n}")


def common_options(history: History, threshold: float = 0.01) -> dict[str, list[Any]]:
    """For each choice the options with a share of ``threshold`` or more; all of them where no sub-network has the choice."""
    common = {}
    for choice, shares in zip(history.space.choices, history.option_shares().values(), strict=True):
        rare = shares < min(threshold, shares.max())
        common[choice.name] = [option for option, drop in zip(choice.options, rare, strict=True) if not drop]
    return common


def count_losers(space: SearchSpace, smaller: SearchSpace) -> dict[str, tuple[int, int]]:
    """For each kind of choice, e.g. ``kernel``, how many have fewer options in a smaller space, and how many there are.

    Choices that have one option in the space do not count.
    """
    counts: dict[str, tuple[int, int]] = {}
    for choice, before, after in zip(space.choices, space.allowed, smaller.allowed, strict=True):
        if len(before) > 1:
            losers, n = counts.get(choice.kind, (0, 0))
            counts[choice.kind] = losers + (len(after) < len(before)), n + 1
    return counts
