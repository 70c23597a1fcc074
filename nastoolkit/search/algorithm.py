"""The base of every search algorithm: it proposes sub-networks and is told their values. It sees only numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import inf
from typing import ClassVar

import numpy as np

from nastoolkit.objectives import Objective, signs, violations
from nastoolkit.search.sampling import new_ones, sample_new
from nastoolkit.space import SearchSpace, genotype_keys
from nastoolkit.support.counts import whole
from nastoolkit.support.threads import own_linear_algebra


class Algorithm(ABC):
    """A search: a pure function of its arguments and of what it is told.

    A subclass says what it proposes and what it learns; its own settings are further keyword arguments with defaults.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values.
        seed: Random seed.
        population: Number of sub-networks that one :meth:`ask` proposes, unless the subclass sets another ``batch``.

    Attributes:
        version: Number that rises with every change of what it proposes, so that stored searches are made again.
        n_goals: Least and greatest number of objectives that it optimises; further objectives are only bounds to keep.
        goals: The objectives that it optimises: the first ones.
        batch: Number of sub-networks that one :meth:`ask` proposes.

    Raises:
        ValueError: The population is below 1, the seed below 0, there are too few objectives, or a surplus one has no bound.
    """

    version: ClassVar[int] = 1
    n_goals: ClassVar[tuple[int, float]] = (1, inf)

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], seed: int = 0, population: int = 50) -> None:
        self.space = space
        self.objectives = tuple(objectives)
        self.goals = self._split_objectives()
        self.population = self.batch = whole("population", population)
        self.rng = np.random.default_rng(whole("seed", seed, 0))
        self.seen: set[bytes] = set()
        self._suggested = self._nothing()

    def _split_objectives(self) -> tuple[Objective, ...]:
        least, most = self.n_goals
        names = [objective.name for objective in self.objectives]
        if len(names) < least:
            raise ValueError(f"{type(self).__name__} needs at least {least} objectives, got {names}")
        goals = self.objectives[: int(min(most, len(names)))]
        unbounded = [objective.name for objective in self.objectives[len(goals) :] if not objective.is_bounded]
        if unbounded:
            optimised = f"{type(self).__name__} optimises {names[: len(goals)]} only"
            raise ValueError(f"{optimised}; {unbounded} need a bound, at_most or at_least")
        return goals

    def costs(self, values: np.ndarray) -> np.ndarray:
        """Costs to be minimised ``(n, k)``, a column for each goal, from raw values ``(n, m)``."""
        return values[:, : len(self.goals)] * signs(self.goals)

    def violations(self, values: np.ndarray) -> np.ndarray:
        """How far raw values ``(n, m)`` are beyond the objectives' bounds: ``(n,)``, 0 where all bounds are kept."""
        return violations(self.objectives, values)

    def suggest(self, genotypes: np.ndarray) -> None:
        """Have genotypes ``(k, d)`` asked for next, in their order, before what the algorithm proposes itself."""
        self._suggested = np.concatenate([self._suggested, self.space.canonical(genotypes)])

    @own_linear_algebra()
    def ask(self) -> np.ndarray:
        """Propose ``(batch, d)`` canonical genotypes, best first where the algorithm has an opinion.

        They are distinct, and none was asked for or told before. Rows that the algorithm does not fill are drawn at random, so
        there are fewer only when the space holds no more, and ``(0, d)`` when it is used up.
        """
        suggested = new_ones(self._suggested, self.seen)
        self._suggested = suggested[self.batch :]
        asked = self._note(suggested[: self.batch])
        if len(asked) < self.batch:
            asked = np.concatenate([asked, self._note(self._propose()[: self.batch - len(asked)])])
        return np.concatenate([asked, self._note(sample_new(self.space, self.batch - len(asked), self.rng, self.seen))])

    def _note(self, genotypes: np.ndarray) -> np.ndarray:
        self.seen.update(genotype_keys(genotypes))
        return genotypes

    @own_linear_algebra()
    def tell(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        """Learn values: those of all sub-networks that were asked for, of the first ones only, or of some known from
        elsewhere.

        Args:
            genotypes: ``(k, d)``, canonical.
            values: ``(k, m)`` raw values in the order of the objectives; a row with a NaN is an evaluation that failed.
        """
        self._note(genotypes)
        failed = np.isnan(values).any(axis=1)
        if failed.any():
            self._learn_failed(genotypes[failed])
        if not failed.all():
            self._learn(genotypes[~failed], values[~failed])

    @abstractmethod
    def _propose(self) -> np.ndarray:
        """Up to ``batch`` distinct genotypes ``(k, d)`` that are not in ``self.seen``."""

    @abstractmethod
    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        """Learn values of one or more sub-networks, as in :meth:`tell`; none of them failed."""

    def _learn_failed(self, genotypes: np.ndarray) -> None:  # noqa: B027
        """Note one or more sub-networks whose evaluation failed; the algorithm need not learn from them."""

    def _nothing(self) -> np.ndarray:
        return np.empty((0, self.space.n_genes), dtype=np.int64)
