"""Benchmarks with a complete table: every sub-network of the space was measured, so the true front is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from nastoolkit.benchmarks.base import Benchmark
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import SearchSpace


class Table(Benchmark):
    """A benchmark that looks up values: one measured objective, and an exact cost. Targets are shares of the front's
    hypervolume.

    A subclass sets ``quality`` and ``costs`` on the class.

    Args:
        space: Space that was measured.
        genotypes: Genotypes ``(n, d)``, all of the space.
        columns: Values ``(n,)`` of each genotype, by the names of objectives.
        cost: A name in ``costs``.
        folder: Folder of the published files.

    Attributes:
        quality: Measured objective.
        costs: Costs to choose from, each with its part of the reference point.

    Raises:
        ValueError: The cost is unknown, or not every sub-network is there exactly once.
    """

    quality: tuple[Objective, float]
    costs: Mapping[str, tuple[Objective, float]]

    def __init__(
        self,
        space: SearchSpace,
        genotypes: np.ndarray,
        columns: Mapping[str, np.ndarray],
        cost: str,
        folder: str | Path | None = None,
    ) -> None:
        super().__init__(folder)
        if cost not in self.costs:
            raise ValueError(f"unknown cost {cost!r}; known: {', '.join(self.costs)}")
        self.space, self.cost = space, cost
        self._keep(genotypes, columns)
        (quality, least), (weighed, most) = self.quality, self.costs[cost]
        self.objectives = (quality, replace(weighed, exact=partial(self.look_up, cost)))
        self.reference_point = (least, most)
        whole = self.front.hypervolume(self.reference_point)
        self.targets = {f"{share}% of the front": share / 100 * whole for share in (90, 95, 99)}

    def _keep(self, genotypes: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
        """Sort the rows, so that they can be found."""
        self._sorted, order = np.unique(self._codes(genotypes), return_index=True)
        if not len(order) == len(genotypes) == self.space.size:
            raise ValueError(f"{self.space} needs each of its sub-networks once, got {len(genotypes)}, {len(order)} different")
        self._genotypes = genotypes[order]
        self._columns = {name: np.asarray(values, dtype=float)[order] for name, values in columns.items()}

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.cost, self.folder)

    @property
    def genotypes(self) -> np.ndarray:
        """All sub-networks of the space ``(n, d)``."""
        return self._genotypes

    def look_up(self, name: str, genotypes: np.ndarray) -> np.ndarray:
        """A column's values ``(n,)`` for genotypes ``(n, d)``."""
        codes = self._codes(self.space.canonical(np.atleast_2d(genotypes)))
        return self._columns[name][np.searchsorted(self._sorted, codes)]

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to measured values ``(n, 1)``."""
        return self.look_up(self.quality[0].name, genotypes)[:, None]

    @cached_property
    def front(self) -> History:
        """The Pareto front of the whole space."""
        return self.history(self._genotypes).front()

    def _codes(self, genotypes: np.ndarray) -> np.ndarray:
        """A unique number for each canonical genotype ``(n,)``."""
        radices = [len(choice.options) for choice in self.space.choices]
        return genotypes @ np.cumprod([1, *radices[:0:-1]], dtype=np.int64)[::-1]
