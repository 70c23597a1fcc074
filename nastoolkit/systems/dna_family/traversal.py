"""The network with the least sum of its blocks' ratings under a cost limit, exactly ([Li2020], the traversal search)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from nastoolkit.pareto import non_dominated


@dataclass(frozen=True)
class RatedPaths:
    """Paths through a block, or through several blocks that follow each other.

    Attributes:
        genes: The paths ``(n, d)``.
        ratings: How bad each path is ``(n,)``.
        costs: What each path costs ``(n,)``.
    """

    genes: np.ndarray
    ratings: np.ndarray
    costs: np.ndarray

    def then(self, other: RatedPaths) -> RatedPaths:
        """The paths through both that are worth going on with: none of the others is both cheaper and better."""
        costs, ratings = (np.add.outer(*ab).ravel() for ab in ((self.costs, other.costs), (self.ratings, other.ratings)))
        kept = np.flatnonzero(non_dominated(np.stack([costs, ratings], axis=1).astype(float)))
        ours, theirs = np.divmod(kept, len(other.genes))
        return RatedPaths(np.hstack([self.genes[ours], other.genes[theirs]]), ratings[kept], costs[kept])


def merged(blocks: Sequence[RatedPaths]) -> RatedPaths:
    """The Pareto-optimal networks of all that the blocks' paths can make.

    A network whose part could be both cheaper and better could be so itself, as ratings and costs add up: so blocks are merged
    one at a time, and what is dominated is left out at once.
    """
    return reduce(RatedPaths.then, blocks)


def best_under(front: RatedPaths, limit: float) -> np.ndarray:
    """The network ``(d,)`` with the least rating among those of a front that cost no more than the limit.

    Raises:
        ValueError: All cost more.
    """
    fitting = np.flatnonzero(front.costs <= limit)
    if not len(fitting):
        raise ValueError(f"no network costs {limit:,} or less: the cheapest costs {front.costs.min():,}")
    return front.genes[fitting[front.ratings[fitting].argmin()]]


def rating_of(blocks: Sequence[RatedPaths], networks: np.ndarray) -> np.ndarray:
    """The sum of the blocks' ratings ``(n,)`` for networks ``(n, d)``, the genes of all blocks one after the other."""
    ends = np.cumsum([block.genes.shape[1] for block in blocks])[:-1]
    found = np.zeros(len(networks))
    for block, genes in zip(blocks, np.split(networks, ends, axis=1), strict=True):
        places = {tuple(path): place for place, path in enumerate(block.genes.tolist())}
        found += block.ratings[[places[tuple(own)] for own in genes.tolist()]]
    return found
