"""Stored answers of networks to the same examples: their ensembles and cascades then need no further runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Answers:
    """Answers of k networks to n examples.

    Attributes:
        probabilities: Probabilities of the c classes: ``(k, n, c)``.
        targets: Correct classes ``(n,)``.
        costs: Cost of each network's run on one example, ``(k,)``: MACs, or a latency.
    """

    probabilities: np.ndarray
    targets: np.ndarray
    costs: np.ndarray

    def __len__(self) -> int:
        return len(self.costs)

    @classmethod
    def joined(cls, parts: Sequence[Answers]) -> Answers:
        """The networks of several answers to the same examples."""
        probabilities = np.concatenate([part.probabilities for part in parts])
        return cls(probabilities, parts[0].targets, np.concatenate([part.costs for part in parts]))

    @cached_property
    def by_class(self) -> np.ndarray:
        """The probabilities ``(k, c, n)`` in a memory layout that makes sums and maxima over classes fast."""
        return np.ascontiguousarray(self.probabilities.transpose(0, 2, 1), dtype=np.float32)

    @cached_property
    def of_target(self) -> np.ndarray:
        """The probabilities of the correct classes ``(k, n)``."""
        return self.by_class[:, self.targets, np.arange(len(self.targets))]
