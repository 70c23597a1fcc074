"""Regularised evolution, also called aging evolution: the oldest parent dies, however good it is.

[Real2019] E. Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019, arXiv 1802.01548,
Section 2.3; there a population of 100 and a tournament of 25.
[Li2021] Y. Li et al., "Generic Neural Architecture Search via Regression" (GenNAS), NeurIPS 2021, arXiv 2108.01899: its
released code has a population of 50, a tournament of 10, and draws each gene anew with a probability of 0.2.

Differs from the paper in: a child is not one mutation away from its parent; each gene is drawn anew with a small probability,
as in [Li2021]. Nothing is proposed twice. In a tournament, sub-networks that keep the bounds win over those that do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.genomes import Genomes
from nastoolkit.search.sampling import rows_of_new
from nastoolkit.space import SearchSpace
from nastoolkit.support.counts import whole

P_MUTATION = 0.2
N_CHILDREN = 20  # of a parent, of which the first new one is proposed


class RegularisedEvolution(Algorithm):
    """The best of a random few has one child at a time, which replaces the oldest sub-network.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values; the first one is optimised, the others are bounds to keep.
        seed: Random seed.
        population: Number of sub-networks alive at a time; the search starts with as many random ones.
        tournament: Number of random sub-networks, the best of which is the parent.
    """

    n_goals = (1, 1)

    def __init__(
        self, space: SearchSpace, objectives: Sequence[Objective], seed: int = 0, population: int = 50, tournament: int = 10
    ) -> None:
        super().__init__(space, objectives, seed, population)
        self.tournament, self.batch = whole("tournament", tournament), 1
        self._genomes = Genomes(space)
        self._alive = np.empty((0, space.n_genes))  # the oldest first
        self._values = np.empty((0, len(self.objectives)))

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        genomes = self._genomes.of(genotypes, self.rng)
        self._alive = np.concatenate([self._alive, genomes])[-self.population :]
        self._values = np.concatenate([self._values, values])[-self.population :]

    def _propose(self) -> np.ndarray:
        if len(self._alive) < self.population:
            return self._nothing()
        children = self._children(self._parent())
        return self._genomes.ask_for(children[rows_of_new(self._genomes.genotypes(children), self.seen)][:1])

    def _parent(self) -> np.ndarray:
        """The genome ``(d,)`` that wins the tournament."""
        drawn = self.rng.choice(len(self._alive), min(self.tournament, len(self._alive)), replace=False)
        costs, violations = self.costs(self._values[drawn])[:, 0], self.violations(self._values[drawn])
        return self._alive[drawn[np.lexsort([costs, violations])[0]]]

    def _children(self, parent: np.ndarray) -> np.ndarray:
        """Genomes ``(N_CHILDREN, d)``, which may all be the same."""
        drawn = self._genomes.draw(N_CHILDREN, self.rng)
        return np.where(self.rng.random(drawn.shape) < P_MUTATION, drawn, parent)
