"""Evaluations that failed: a search survives them, unless the measurement itself is broken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from nastoolkit.studies.store import Store


class EvaluationError(RuntimeError):
    """Nothing can be measured any more."""


class Failures:
    """Notes failed evaluations, and gives up when the measurement seems broken.

    It gives up when a share of the last evaluations failed. If that share is all of them, the sub-networks may be bad and the
    measurement good: a few that were measured before are then measured again, and if one of them succeeds, the search
    continues.

    Failures are stored once a later call of ``evaluate`` succeeds or the search ends: those of a broken measurement are not
    kept, so that they are tried again with the search.

    Args:
        store: Store that keeps failures.
        share: Smallest share of failures among the last evaluations that ends the search; 1 gives up only when all failed.
        last: Number of last evaluations that are looked at.

    Attributes:
        n: Number of evaluations that failed.
        reason: Reason of the last failure.
    """

    def __init__(self, store: Store | None, share: float, last: int) -> None:
        self.n, self.reason = 0, ""
        self._store, self._share = store, share
        self._last: deque[bool] = deque(maxlen=last)
        self._patience = last
        self._succeeded = False
        self._unsaved: list[tuple[np.ndarray, list[str]]] = []

    def count(self, reasons: Sequence[str], n_good: int) -> None:
        """Count evaluations that the store knows already: the reasons of those that failed, and how many did not."""
        self.n += len(reasons)
        self.reason = reasons[-1] if reasons else self.reason
        self._succeeded |= n_good > 0
        self._last.extend([False] * n_good + [True] * len(reasons))

    def note(
        self,
        genotypes: np.ndarray,
        reasons: list[str],
        n_good: int,
        still_works: Callable[[], bool],
        cause: Exception | None = None,
    ) -> None:
        """Record the outcome of a call of ``evaluate``.

        Args:
            genotypes: Genotypes ``(k, d)`` that failed.
            reasons: Why each of them failed.
            n_good: Number of others, which did not fail.
            still_works: Says whether sub-networks that were measured before can be measured again.
            cause: Exception that ``evaluate`` raised.

        Raises:
            EvaluationError: The search has to give up.
        """
        self.count(reasons, n_good)
        self._unsaved.append((genotypes, reasons))
        if n_good:
            self._save()
        n_failed, n_last = sum(self._last), len(self._last)
        if not reasons or n_last < self._patience or n_failed < self._share * n_last:
            return
        if n_failed < n_last or not still_works():
            raise EvaluationError(
                f"{n_failed} of the last {n_last} evaluations failed; the last error: {self.reason}"
            ) from cause
        self._last.clear()
        self._save()

    def finish(self) -> None:
        """Store the remaining failures; raises EvaluationError if all evaluations of the search failed."""
        if self.n and not self._succeeded:
            raise EvaluationError(f"all {self.n} evaluations failed; the last error: {self.reason}")
        self._save()

    def _save(self) -> None:
        if self._store is not None:
            for genotypes, reasons in self._unsaved:
                self._store.save_failures(genotypes, reasons)
        self._unsaved.clear()
