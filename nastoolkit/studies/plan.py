"""What defines a search, apart from how it is run: everything that its proposals depend on, except the measured values."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nastoolkit.history import History
from nastoolkit.objectives import Objective, check_objectives
from nastoolkit.search import ALGORITHMS, DEFAULT_ALGORITHM
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.space import SearchSpace
from nastoolkit.studies.exact import as_measured, slow_ones
from nastoolkit.studies.replay import has_known_code, search_fingerprint
from nastoolkit.support.counts import whole
from nastoolkit.support.names import unknown


@dataclass(frozen=True)
class Plan:
    """A search that is ready to run; :meth:`of` checks everything about it.

    Attributes:
        space: Space to search.
        objectives: Objectives to optimise.
        name: The algorithm's name.
        kind: Its class.
        budget: Number of evaluations.
        seed: Random seed.
        population: Number of sub-networks that are proposed at a time.
        first: Genotypes ``(k, d)`` to measure first.
        is_warm: Whether ``first`` was given.
        settings: The algorithm's own settings.
        slow: Positions of the exact objectives that are slow on this machine; see :mod:`nastoolkit.studies.exact`.
    """

    space: SearchSpace
    objectives: Sequence[Objective]
    name: str
    kind: type[Algorithm]
    budget: int
    seed: int
    population: int
    first: np.ndarray
    is_warm: bool
    settings: dict[str, Any]
    slow: list[int]

    @classmethod
    def of(
        cls,
        space: SearchSpace,
        objectives: Sequence[Objective],
        algorithm: str | type[Algorithm],
        budget: int,
        seed: int,
        population: int,
        warm_start: History | np.ndarray | None,
        settings: dict[str, Any],
    ) -> Plan:
        """Check the arguments of :func:`nastoolkit.studies.optimize`, which lists the errors."""
        name, kind = resolved(algorithm)
        check_objectives(objectives)
        budget, population, seed = whole("budget", budget), whole("population", population), whole("seed", seed, 0)
        _check_settings(name, kind, settings)
        settings = {key: value.item() if isinstance(value, np.generic) else value for key, value in settings.items()}
        first, is_warm = _first_genotypes(space, warm_start, population), warm_start is not None
        slow = slow_ones(space, objectives)
        plan = cls(space, objectives, name, kind, budget, seed, population, first, is_warm, settings, slow)
        plan.searcher(slow)  # which refuses settings and objectives that it cannot take, before anything is measured
        return plan

    @property
    def measured(self) -> list[Objective]:
        """The objectives that are not exact."""
        return [objective for objective in self.objectives if objective.exact is None]

    @property
    def identity(self) -> dict[str, Any]:
        """The settings that a store records with a search."""
        return {
            "population": self.population,
            **({"warm_start": self.first.tolist()} if self.is_warm else {}),
            **self.settings,
        }

    @property
    def question(self) -> list[Any]:
        """What distinguishes searches in one store, whatever their budgets."""
        goals = [(o.name, o.direction, o.at_least, o.at_most) for o in self.objectives]
        return [self.name, self.seed, goals, self.space.allowed, self.identity]

    @property
    def is_reproducible(self) -> bool:
        """Whether versions fully describe the code that proposes."""
        return has_known_code(self.kind, self.settings)

    def fingerprint(self, slow: list[int]) -> str:
        """Hash of the search, under which a store keeps what it found."""
        asked = [self.name, self.seed, self.budget, self.identity]
        return search_fingerprint(self.space, self.objectives, asked, slow)

    def searcher(self, slow: list[int]) -> Algorithm:
        """A new algorithm, which models the slow objectives and proposes the sub-networks to be measured first."""
        objectives = as_measured(self.objectives, slow)
        searcher = self.kind(self.space, objectives, seed=self.seed, population=self.population, **self.settings)
        searcher.suggest(self.first)
        return searcher


def _first_genotypes(space: SearchSpace, warm_start: History | np.ndarray | None, population: int) -> np.ndarray:
    """The genotypes ``(k, d)`` of a warm start; those from another restriction of the space are moved into this one."""
    if warm_start is None:
        return np.empty((0, space.n_genes), dtype=np.int64)
    if not isinstance(warm_start, History):
        return np.atleast_2d(space.canonical(warm_start))
    if warm_start.space.fingerprint != space.fingerprint:
        raise ValueError(f"warm_start is a search of another space: {warm_start.space}, and not {space}")
    return space.repair(warm_start.best(population).genotypes)


def resolved(algorithm: str | type[Algorithm]) -> tuple[str, type[Algorithm]]:
    """The name and the class of an algorithm; a class that is registered has its registered name."""
    if isinstance(algorithm, type):
        return next((name for name, known in ALGORITHMS.items() if known is algorithm), algorithm.__qualname__), algorithm
    name = DEFAULT_ALGORITHM if algorithm == "default" else algorithm
    if name not in ALGORITHMS:
        raise ValueError(unknown("algorithm", algorithm, sorted(ALGORITHMS)))
    return name, ALGORITHMS[name]


def _check_settings(name: str, kind: type[Algorithm], settings: Iterable[str]) -> None:
    common = inspect.signature(Algorithm).parameters
    known = [own for own in inspect.signature(kind).parameters if own not in common]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ValueError(f"{name!r} has no settings {unknown}; it has {known}")
