"""OFA's evolutionary search: the best by the first objective among sub-networks that keep the bounds on the others.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020; the numbers
are those of its published code: a population of 100, of which a quarter are parents; half of the next one are mutations, each
gene with probability 0.1, the rest is crossover, each gene from either parent.

Differs from the paper in: it measures, while OFA's asks an accuracy predictor; nothing is proposed twice; bounds on objectives
that are cheap and exact are kept before anything is measured, as in OFA's, and others are learned from measurements. The
population is the caller's: 50 by default.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.genomes import Genomes
from nastoolkit.search.sampling import rows_of_new
from nastoolkit.space import SearchSpace

PARENT_RATIO = 0.25
MUTATION_RATIO = 0.5
P_MUTATION = 0.1
N_ROUNDS = 20  # of children, of which those that exact bounds rule out are left away


class OFAEvolution(Algorithm):
    """The best quarter has children; objectives other than the first need a bound, and only that counts."""

    n_goals = (1, 1)

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], seed: int = 0, population: int = 50) -> None:
        super().__init__(space, objectives, seed, population)
        self._n_parents = max(1, round(PARENT_RATIO * population))
        self._genomes = Genomes(space)
        self._parents = np.empty((0, space.n_genes))
        self._values = np.empty((0, len(self.objectives)))

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        genomes = np.concatenate([self._parents, self._genomes.of(genotypes, self.rng)])
        values = np.concatenate([self._values, values])
        best = np.lexsort([self.costs(values)[:, 0], self.violations(values)])[: self._n_parents]
        self._parents, self._values = genomes[best], values[best]

    def _propose(self) -> np.ndarray:
        born = np.empty((0, self.space.n_genes))
        for _ in range(N_ROUNDS):
            if len(born) >= self.population:
                break
            children = self._children() if len(self._parents) else self._genomes.draw(self.population, self.rng)
            born = np.concatenate([born, children[self._allowed(self._genomes.genotypes(children))]])
            born = born[rows_of_new(self._genomes.genotypes(born), self.seen)]
        return self._genomes.ask_for(born[: self.population])

    def _allowed(self, genotypes: np.ndarray) -> np.ndarray:
        """Which genotypes ``(n, d)`` keep the bounds on exact objectives: bools ``(n,)``."""
        exact = [(o, o.exact) for o in self.objectives if o.exact is not None and o.is_bounded]
        broken = sum((o.violation(measure(genotypes)) for o, measure in exact), np.zeros(len(genotypes)))
        return broken <= 0

    def _children(self) -> np.ndarray:
        """A population of mutations and crossovers of random parents: genomes ``(population, d)``."""
        one, other = self._parents[self.rng.integers(len(self._parents), size=(2, self.population))]
        drawn = self._genomes.draw(self.population, self.rng)
        mutates = self.rng.random(one.shape) < P_MUTATION
        crosses = self.rng.random(one.shape) < 0.5
        is_mutation = (np.arange(self.population) < MUTATION_RATIO * self.population)[:, None]
        return np.where(is_mutation, np.where(mutates, drawn, one), np.where(crosses, other, one))
