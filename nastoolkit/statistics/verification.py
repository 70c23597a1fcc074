"""Errors of systems that decide whether two recordings are of the same person: equal error rate and detection cost.

[NIST2016] NIST 2016 Speaker Recognition Evaluation Plan, Section 3: the cost; smallest over thresholds, it is the minDCF.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class Verification:
    """Scores of pairs; higher scores mean the same person.

    Attributes:
        same: Scores ``(n,)`` of pairs of the same person.
        different: Scores ``(m,)`` of pairs of different people.

    Raises:
        ValueError: There are no pairs of one kind, or scores are not numbers.
    """

    same: np.ndarray
    different: np.ndarray

    def __post_init__(self) -> None:
        for name in ("same", "different"):
            scores = np.asarray(getattr(self, name), float).ravel()
            if not len(scores) or not np.isfinite(scores).all():
                raise ValueError(f"scores of {name} pairs must be numbers, and at least one; got {len(scores)}")
            object.__setattr__(self, name, np.sort(scores))

    @cached_property
    def rates(self) -> tuple[np.ndarray, np.ndarray]:
        """Shares of ``same`` that are refused and of ``different`` that are accepted, at all thresholds ``(k,)``, in order."""
        thresholds = np.append(np.unique(np.concatenate([self.same, self.different])), np.inf)
        refused = np.searchsorted(self.same, thresholds) / len(self.same)
        return refused, 1 - np.searchsorted(self.different, thresholds) / len(self.different)

    @property
    def eer(self) -> float:
        """Equal error rate in %: where both shares are equal, interpolated linearly between two thresholds."""
        refused, taken = self.rates
        after = int((refused >= taken).argmax())
        gap = taken - refused
        if after == 0:
            return 100 * float(refused[0])
        share = gap[after - 1] / (gap[after - 1] - gap[after])
        return 100 * float(refused[after - 1] + share * (refused[after] - refused[after - 1]))

    def min_dcf(self, p_same: float = 0.01) -> float:
        """Least detection cost over all thresholds, relative to always giving the same answer ([NIST2016]).

        Args:
            p_same: Share of pairs of the same person among those for which the system is used.
        """
        refused, taken = self.rates
        return float((p_same * refused + (1 - p_same) * taken).min() / min(p_same, 1 - p_same))


def verification(embeddings: np.ndarray, people: np.ndarray) -> Verification:
    """All pairs of recordings, scored by the cosine of the angle between their embeddings.

    Args:
        embeddings: ``(n, d)``.
        people: Speakers ``(n,)``.
    """
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    one, other = np.triu_indices(len(unit), k=1)
    scores, same = (unit @ unit.T)[one, other], people[one] == people[other]
    return Verification(scores[same], scores[~same])
