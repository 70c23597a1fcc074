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
        history: Of a long search: thousands of evaluations, measured or predicted; 10,000 take a minute.
        threshold: Least share of clustered sub-networks that keeps an option.
        min_cluster_size: Of HDBSCAN, as in Figure 4; smaller ones are noise.
        min_samples: Of HDBSCAN: neighbours that make a point dense.

    Returns:
        The history's space, restricted. Where HDBSCAN finds nothing but noise, nothing is dropped.

    Raises:
        ValueError: A threshold outside 0..1, or fewer evaluations than ``min_cluster_size``.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold is a share from 0 to 1, got {threshold}")
    if len(history) < min_cluster_size:
        raise ValueError(f"clusters of {min_cluster_size} need as many evaluations, got {len(history)}")
    clustered = history.genotypes[_clusters(history, min_cluster_size, min_samples) >= 0]
    return history.space.restrict(_common_options(history.space, clustered, threshold))


def _clusters(history: History, min_cluster_size: int, min_samples: int) -> np.ndarray:
    """Number of each evaluation's cluster ``(n,)``, -1 for noise."""
    features = history.space.one_hot(history.genotypes)
    varying = features[:, np.ptp(features, axis=0) > 0]
    return HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min_samples, copy=True).fit_predict(varying)


def _common_options(space: SearchSpace, genotypes: np.ndarray, threshold: float) -> dict[str, list[Any]]:
    """For each choice the options with a share of ``threshold`` or more; all of them where no sub-network has the choice."""
    alive, common = space.alive(genotypes), {}
    for gene, choice in enumerate(space.choices):
        counts = np.bincount(genotypes[alive[:, gene], gene], minlength=len(choice.options))
        enough = counts >= min(threshold * counts.sum(), counts.max())
        common[choice.name] = [option for option, keep in zip(choice.options, enough, strict=True) if keep]
    return common
