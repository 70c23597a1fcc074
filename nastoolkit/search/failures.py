"""Evaluations that failed: a search survives them, unless it is the measurement that is broken."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from nastoolkit.store import Store


class EvaluationError(RuntimeError):
    """Nothing can be measured any more."""


class Failures:
    """Notes failed evaluations, and gives up when the measurement seems broken.

    That is when a share of the last evaluations failed. Failures go to the store once a later call of ``evaluate`` succeeds or
    the search ends: those of a broken measurement are not kept, so that they are tried again when the search is.

    Args:
        store: Where they are kept.
        share: Of the last evaluations that may fail, just not; 1 gives up when all of them failed.
        last: How many these are.

    Attributes:
        n: How many failed.
        reason: Of the last one.
    """

    def __init__(self, store: Store | None, share: float, last: int) -> None:
        self.n, self.reason = 0, ""
        self._store, self._share = store, share
        self._last: deque[bool] = deque(maxlen=last)
        self._succeeded = False
        self._unsaved: list[tuple[np.ndarray, list[str]]] = []

    def count(self, reasons: Sequence[str], n_good: int) -> None:
        """Count what the store knows already: why evaluations failed, and how many others did not."""
        self.n += len(reasons)
        self.reason = reasons[-1] if reasons else self.reason
        self._succeeded |= n_good > 0
        self._last.extend([False] * n_good + [True] * len(reasons))

    def note(self, genotypes: np.ndarray, reasons: list[str], n_good: int, cause: Exception | None = None) -> None:
        """Note a call of ``evaluate``: the genotypes ``(k, d)`` that failed, why, and how many others did not.

        Raises:
            EvaluationError: It is time to give up.
        """
        self.count(reasons, n_good)
        self._unsaved.append((genotypes, reasons))
        if n_good:
            self._save()
        n_failed, n_last = sum(self._last), len(self._last)
        if reasons and n_last == self._last.maxlen and n_failed >= self._share * n_last:
            raise EvaluationError(
                f"{n_failed} of the last {n_last} evaluations failed, the last one: {self.reason}"
            ) from cause

    def finish(self) -> None:
        """Keep what is left; EvaluationError if all evaluations of the search failed."""
        if self.n and not self._succeeded:
            raise EvaluationError(f"all {self.n} evaluations failed, the last one: {self.reason}")
        self._save()

    def _save(self) -> None:
        if self._store is not None:
            for genotypes, reasons in self._unsaved:
                self._store.save_failures(genotypes, reasons)
        self._unsaved.clear()
