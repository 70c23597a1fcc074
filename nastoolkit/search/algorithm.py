"""What every search algorithm is: it proposes sub-networks and is told their values. It knows numbers only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.sampling import sample_new
from nastoolkit.space import SearchSpace, genotype_keys


class Algorithm(ABC):
    """A search as a pure function of its arguments and of what it is told.

    A subclass says what it proposes and what it learns; its own settings are further keyword arguments with defaults.

    Args:
        space: Where to search.
        objectives: What the columns of the values are.
        seed: Of all randomness.
        population: How many sub-networks one :meth:`ask` proposes.

    Raises:
        ValueError: A population below 1.
    """

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], seed: int = 0, population: int = 50) -> None:
        if population < 1:
            raise ValueError(f"a population has at least 1 sub-network, got {population}")
        self.space = space
        self.objectives = tuple(objectives)
        self.population = population
        self.rng = np.random.default_rng(seed)
        self.seen: set[bytes] = set()

    def ask(self) -> np.ndarray:
        """Propose a population ``(population, d)`` of canonical genotypes, best first where the algorithm has an opinion.

        They are distinct, and none was asked or told before. What the algorithm does not fill is drawn at random, so there
        are fewer rows only when the space holds no more, and ``(0, d)`` when it is used up.
        """
        proposed = self._propose()
        self.seen.update(genotype_keys(proposed))
        drawn = sample_new(self.space, self.population - len(proposed), self.rng, self.seen)
        self.seen.update(genotype_keys(drawn))
        return np.concatenate([proposed, drawn])

    def tell(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        """Learn values: of all that was asked, of its first rows only, or of sub-networks known from elsewhere.

        Args:
            genotypes: ``(k, d)``, canonical.
            values: ``(k, m)`` raw values in the order of the objectives.
        """
        self.seen.update(genotype_keys(genotypes))
        self._learn(genotypes, values)

    @abstractmethod
    def _propose(self) -> np.ndarray:
        """Up to ``population`` distinct genotypes ``(k, d)`` that are not in ``self.seen``."""

    @abstractmethod
    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        """Take in values, as in :meth:`tell`."""

    def _nothing(self) -> np.ndarray:
        return np.empty((0, self.space.n_genes), dtype=np.int64)
