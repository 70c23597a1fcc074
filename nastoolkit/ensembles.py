"""Ensembles of networks that answered once: which are in, and of which size, is a search space of table look-ups.

Nothing but stored probabilities is needed (:class:`nastoolkit.answers.Answers`), so that an ensemble is judged in
microseconds, and all ensembles of a small space in a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import pandas as pd

from nastoolkit.answers import Answers
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace

LEAST, CHUNK = 1e-12, 512  # probability that stands for 0, and ensembles that are added up at a time
PRODUCT, SUM = "product", "sum"
FUSIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # what is added up
    PRODUCT: lambda probabilities: np.log(np.maximum(probabilities, LEAST)),
    SUM: lambda probabilities: probabilities,
}


def fused(probabilities: np.ndarray, fusion: str = PRODUCT) -> np.ndarray:
    """Probabilities ``(n, c)`` of an ensemble: the normalised product, or the mean, of those of its networks ``(k, n, c)``.

    Raises:
        ValueError: There is no such fusion.
    """
    total = _of(fusion)(np.asarray(probabilities, float)).sum(axis=0)
    if fusion == PRODUCT:
        total = np.exp(total - total.max(axis=1, keepdims=True))
    return total / total.sum(axis=1, keepdims=True)


def _of(fusion: str) -> Callable[[np.ndarray], np.ndarray]:
    if fusion not in FUSIONS:
        raise ValueError(f"unknown fusion {fusion!r}; known: {', '.join(FUSIONS)}")
    return FUSIONS[fusion]


def disagreement(probabilities: np.ndarray) -> np.ndarray:
    """Share of examples in % on which each two of k networks choose different classes ``(k, k)``, from ``(k, n, c)``."""
    chosen = np.asarray(probabilities).argmax(axis=2)
    return 100.0 * (chosen[:, None] != chosen[None]).mean(axis=2)


class Ensembles:
    """Ensembles of at most one network of each group, such as the sizes of a supernet: a search space with its values.

    An ensemble without networks is right nowhere.

    Args:
        groups: Answers of each group's networks to the same examples, by the group's name.
        fusion: How probabilities become those of the ensemble, a key of ``FUSIONS``.

    Attributes:
        space: A choice for each group: 0 if it is left out, else the number of its network, from 1.

    Raises:
        ValueError: There is no such fusion.
    """

    def __init__(self, groups: Mapping[str, Answers], fusion: str = PRODUCT) -> None:
        self.groups, self.targets = groups, next(iter(groups.values())).targets
        self.space = SearchSpace([Choice(name, tuple(range(len(group) + 1)), ordered=False) for name, group in groups.items()])
        parts = [_of(fusion)(group.probabilities) for group in groups.values()]
        self._parts = [np.concatenate([np.zeros_like(part[:1]), part]).astype(np.float32) for part in parts]
        self._costs = [np.append(0.0, group.costs) for group in groups.values()]

    @property
    def objectives(self) -> tuple[Objective, Objective]:
        """The columns of :meth:`evaluate`."""
        return Objective("accuracy_top1", "max", "%"), Objective("cost", "min")

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(b, d)`` to accuracy in % and cost, ``(b, 2)``."""
        genotypes = self.space.check(np.atleast_2d(genotypes))
        chunks = [genotypes[start : start + CHUNK] for start in range(0, len(genotypes), CHUNK)]
        return np.concatenate([self._values(chunk) for chunk in chunks]) if chunks else np.empty((0, 2))

    def _values(self, genotypes: np.ndarray) -> np.ndarray:
        total = sum(part[genes] for part, genes in zip(self._parts, genotypes.T, strict=True))
        is_right = np.asarray(total).argmax(axis=2) == self.targets
        cost = sum(costs[genes] for costs, genes in zip(self._costs, genotypes.T, strict=True))
        return np.stack([100.0 * is_right.mean(axis=1) * genotypes.any(axis=1), np.asarray(cost)], axis=1)


class Combinations(Protocol):
    """Networks that are combined, on one set of examples: :class:`Ensembles`, or cascades."""

    space: SearchSpace

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The columns of :meth:`evaluate`."""

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(b, d)`` to values ``(b, m)``."""


def judged(genotypes: np.ndarray, here: Combinations, there: Combinations) -> pd.DataFrame:
    """The Pareto front of genotypes ``(n, d)`` on one set of examples, with its values on another: a column an objective."""
    front = History(here.space, here.objectives, genotypes, here.evaluate(genotypes)).front()
    return pd.DataFrame(there.evaluate(front.genotypes), columns=[objective.name for objective in there.objectives])
