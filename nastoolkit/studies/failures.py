"""Evaluations that failed: a search survives them, unless it is the measurement that is broken."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from nastoolkit.studies.store import Store


class EvaluationError(RuntimeError):
    """Nothing can be measured any more."""


class Failures:
    """Notes failed evaluations, and gives up when the measurement seems broken.

    That is when a share of the last evaluations failed. If that share is all of them, these may be bad sub-networks and a good
    measurement: a few that were measured before are then measured again, and if one of them can be, the search goes on.

    Failures go to the store once a later call of ``evaluate`` succeeds or the search ends: those of a broken measurement are
    not kept, so that they are tried again when the search is.

    Args:
        store: Where they are kept.
        share: Smallest share of failures among the last evaluations that ends the search; 1 gives up only when all failed.
        last: How many these are.

    Attributes:
        n: How many failed.
        reason: Why the last one failed.
    """

    def __init__(self, store: Store | None, share: float, last: int) -> None:
        self.n, self.reason = 0, ""
        self._store, self._share = store, share
        self._last: deque[bool] = deque(maxlen=last)
        self._patience = last
        self._succeeded = False
        self._unsaved: list[tuple[np.ndarray, list[str]]] = []

    def count(self, reasons: Sequence[str], n_good: int) -> None:
        """Count what the store knows already: why evaluations failed, and how many others did not."""
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
        """Note a call of ``evaluate``.

        Args:
            genotypes: ``(k, d)`` that failed.
            reasons: Why each of them did.
            n_good: How many others did not.
            still_works: Whether what was measured before can be measured again.
            cause: What ``evaluate`` raised.

        Raises:
            EvaluationError: It is time to give up.
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
                f"{n_failed} of the last {n_last} evaluations failed, the last one: {self.reason}"
            ) from cause
        self._last.clear()
        self._save()

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
