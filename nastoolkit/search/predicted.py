"""What searches on predictions share: a predictor for each objective that is not exact, and an inner search on predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit import pareto
from nastoolkit.objectives import Objective, complete
from nastoolkit.predictors import PREDICTORS
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.evolutionary import EVOLUTIONARY
from nastoolkit.search.feasibility import Feasibility
from nastoolkit.space import SearchSpace
from nastoolkit.support.counts import whole


class PredictedSearch(Algorithm):
    """A search that keeps all measurements, and predictors fitted to them.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values; those without ``exact`` are predicted.
        seed: Random seed.
        population: Number of sub-networks proposed at a time.
        predictor: A name in :data:`nastoolkit.predictors.PREDICTORS`.

    Raises:
        ValueError: An unknown predictor.
    """

    def __init__(
        self, space: SearchSpace, objectives: Sequence[Objective], seed: int, population: int, predictor: str
    ) -> None:
        super().__init__(space, objectives, seed, population)
        if predictor not in PREDICTORS:
            raise ValueError(f"unknown predictor {predictor!r}; known: {sorted(PREDICTORS)}")
        self._to_predict = [i for i, o in enumerate(self.objectives) if o.exact is None]
        self._predictors = [PREDICTORS[predictor]() for _ in self._to_predict]
        self._feasibility = Feasibility(space)
        self._genotypes = self._nothing()
        self._values = np.empty((0, len(self.objectives)))

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        self._genotypes = np.concatenate([self._genotypes, genotypes])
        self._values = np.concatenate([self._values, values])

    def _learn_failed(self, genotypes: np.ndarray) -> None:
        self._feasibility.add_failed(genotypes)

    def _fit(self, rows: np.ndarray | slice = slice(None)) -> None:
        """Fit the predictors to some rows of what was measured, by default to all."""
        features = self.space.features(self._genotypes[rows])
        for predictor, column in zip(self._predictors, self._to_predict, strict=True):
            predictor.fit(features, self._values[rows, column])
        self._feasibility.fit(self._genotypes, self._predict)

    def _predict(self, genotypes: np.ndarray) -> np.ndarray:
        """Predicted and exact values ``(n, m)`` of genotypes ``(n, d)``."""
        features = self.space.features(genotypes)
        predicted = [predictor.predict(features) for predictor in self._predictors]
        return complete(self.objectives, genotypes, np.array(predicted).reshape(-1, len(genotypes)).T)

    def _best_predicted(self, genotypes: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
        """The n best of genotypes ``(k, d)`` by predicted values ``(k, m)``, best first.

        Those that break bounds or are likely to fail come after all others, the mildest cases first.
        """
        return genotypes[pareto.best_first(self.costs(values), n, self._flaws(genotypes, values))]

    def _flaws(self, genotypes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """How far genotypes ``(k, d)`` break bounds or are likely to fail, by predicted values ``(k, m)``: 0 means neither."""
        return self.violations(values) + self._feasibility.risks(genotypes, values)


class InnerSearch(PredictedSearch):
    """Searches on the predictions with an evolutionary algorithm.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values; those without ``exact`` are predicted.
        seed: Random seed.
        population: Number of sub-networks proposed at a time, and the population of the inner search.
        predictor: A name in :data:`nastoolkit.predictors.PREDICTORS`.
        generations: Number of generations of the inner search.
        inner: A name in :data:`nastoolkit.search.EVOLUTIONARY`.

    Raises:
        ValueError: An unknown predictor or inner search, no generation, or objectives that the inner search cannot take.
    """

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int,
        population: int,
        predictor: str,
        generations: int,
        inner: str,
    ) -> None:
        super().__init__(space, objectives, seed, population, predictor)
        if inner not in EVOLUTIONARY:
            raise ValueError(f"unknown inner search {inner!r}; known: {sorted(EVOLUTIONARY)}")
        self._generations = whole("generations", generations)
        self._inner = EVOLUTIONARY[inner]
        self.goals = self._inner(space, objectives, population=population).goals

    def _search_predictions(self) -> tuple[np.ndarray, np.ndarray]:
        """Everything new ``(k, d)`` that the inner search proposes, with its predicted values ``(k, m)``."""
        inner = self._inner(self.space, self.objectives, int(self.rng.integers(2**63)), self.population)
        inner.seen.update(self.seen)
        inner.tell(self._genotypes, self._predict(self._genotypes))
        genotypes, values = [self._nothing()], [np.empty((0, len(self.objectives)))]
        for _ in range(self._generations):
            proposed = inner.ask()
            if not len(proposed):
                break
            genotypes.append(proposed)
            values.append(self._predict(proposed))
            inner.tell(proposed, self._with_failures(proposed, values[-1]))
        return np.concatenate(genotypes), np.concatenate(values)

    def _with_failures(self, genotypes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Predicted values ``(k, m)`` of genotypes ``(k, d)``, with NaN for those that are likely to fail."""
        return np.where(self._feasibility.risks(genotypes, values)[:, None] > 0, np.nan, values)
