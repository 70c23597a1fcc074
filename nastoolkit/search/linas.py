"""LINAS: a search on predictors, measured and corrected population by population.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Algorithm 1, there called ConcurrentNAS.
[Cummings2022b] D. Cummings et al., "A Hardware-Aware Framework for Accelerating Neural Architecture Search Across
Modalities", arXiv 2205.10358: the same loop under the name LINAS.

A population is measured; a predictor for each objective is fitted to everything measured so far; NSGA-II runs for many
generations on the predictions; its best sub-networks are the next population to measure.

Differs from the papers in: objectives that are cheap and exact are computed, not predicted; NSGA-II starts from the measured
sub-networks and never proposes one of them again, so each population is new; it is chosen from all that NSGA-II proposed,
not from its last generation only; ridge regression chooses its penalty by leave-one-out errors, not on a grid with 5 folds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit import pareto
from nastoolkit.objectives import Objective, complete, signs
from nastoolkit.predictors import PREDICTORS
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.nsga2 import NSGA2
from nastoolkit.space import SearchSpace


class LINAS(Algorithm):
    """Lightweight iterative search: few measurements, many predictions.

    Args:
        space: Where to search.
        objectives: What the columns of the values are; those without ``exact`` are predicted.
        seed: Of all randomness.
        population: How many sub-networks are measured between two fits, and the population of the inner search.
        predictor: A name in :data:`nastoolkit.predictors.PREDICTORS`.
        generations: Of the inner search.

    Raises:
        ValueError: An unknown predictor, or fewer than 1 generation or sub-network.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int = 0,
        population: int = 50,
        predictor: str = "ridge",
        generations: int = 200,
    ) -> None:
        super().__init__(space, objectives, seed, population)
        if predictor not in PREDICTORS:
            raise ValueError(f"unknown predictor {predictor!r}; known: {sorted(PREDICTORS)}")
        if generations < 1:
            raise ValueError(f"the inner search runs at least 1 generation, got {generations}")
        self._generations = generations
        self._to_predict = [i for i, o in enumerate(self.objectives) if o.exact is None]
        self._predictors = [PREDICTORS[predictor]() for _ in self._to_predict]
        self._genotypes = self._nothing()
        self._values = np.empty((0, len(self.objectives)))

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        self._genotypes = np.concatenate([self._genotypes, genotypes])
        self._values = np.concatenate([self._values, values])

    def _propose(self) -> np.ndarray:
        if len(self._genotypes) < 2:  # leave-one-out needs two
            return self._nothing()
        self._fit()
        genotypes, values = self._search_predictions()
        return genotypes[pareto.best_first(values * signs(self.objectives), self.population)]

    def _fit(self) -> None:
        features = self.space.one_hot(self._genotypes)
        for predictor, column in zip(self._predictors, self._to_predict, strict=True):
            predictor.fit(features, self._values[:, column])

    def _predict(self, genotypes: np.ndarray) -> np.ndarray:
        features = self.space.one_hot(genotypes)
        predicted = [predictor.predict(features) for predictor in self._predictors]
        return complete(self.objectives, genotypes, np.array(predicted).reshape(-1, len(genotypes)).T)

    def _search_predictions(self) -> tuple[np.ndarray, np.ndarray]:
        """Everything new ``(k, d)`` that the inner search proposes, with its predicted values ``(k, m)``."""
        inner = NSGA2(self.space, self.objectives, int(self.rng.integers(2**63)), self.population)
        inner.seen.update(self.seen)
        inner.tell(self._genotypes, self._predict(self._genotypes))
        genotypes, values = [self._nothing()], [np.empty((0, len(self.objectives)))]
        for _ in range(self._generations):
            proposed = inner.ask()
            if not len(proposed):
                break
            genotypes.append(proposed)
            values.append(self._predict(proposed))
            inner.tell(proposed, values[-1])
        return np.concatenate(genotypes), np.concatenate(values)
