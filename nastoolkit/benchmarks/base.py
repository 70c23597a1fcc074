"""The base of all benchmarks: search problems whose evaluations cost nothing, for comparing searches over many seeds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from nastoolkit.history import History
from nastoolkit.objectives import Objective, complete
from nastoolkit.space import SearchSpace
from nastoolkit.studies.calls import Evaluate


class Benchmark(ABC):
    """A search problem: ``optimize(problem.space, problem.evaluate, problem.objectives)``.

    A subclass sets the attributes in its constructor, or on the class.

    Args:
        folder: Folder of the published files; see :func:`nastoolkit.published.find`.

    Attributes:
        space: Space to search.
        objectives: The m objectives to optimise.
        reference_point: ``(m,)`` in raw units, for hypervolumes.
        targets: Hypervolumes worth reaching, by name; published ones are named after those who reached them.
    """

    space: SearchSpace
    objectives: tuple[Objective, ...]
    reference_point: tuple[float, ...]
    targets: Mapping[str, float] = MappingProxyType({})

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.folder,)  # this is how worker processes receive it

    @abstractmethod
    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to raw values ``(n, m')``, a column for each objective without ``exact``, in their order."""

    @property
    def front(self) -> History | None:
        """The Pareto front of the whole space, if it is known."""
        return None

    def history(self, genotypes: np.ndarray) -> History:
        """Genotypes ``(n, d)`` with the values of all objectives ``(n, m)``."""
        genotypes = self.space.canonical(np.atleast_2d(genotypes))
        values = complete(self.objectives, genotypes, self.evaluate(genotypes))
        return History(self.space, self.objectives, genotypes, values)


class Problem(Benchmark):
    """A search problem made of its parts, without a reference point, which depends on its use.

    Args:
        space: Space to search.
        measure: Function from genotypes ``(n, d)`` to raw values ``(n, m')``; None if every objective is exact.
        objectives: Objectives to optimise.
    """

    def __init__(self, space: SearchSpace, measure: Evaluate | None, objectives: Sequence[Objective]) -> None:
        self.space, self.measure, self.objectives = space, measure, tuple(objectives)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.space, self.measure, self.objectives)

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Measured values, or no columns ``(n, 0)``."""
        return np.empty((len(genotypes), 0)) if self.measure is None else self.measure(genotypes).reshape(len(genotypes), -1)
