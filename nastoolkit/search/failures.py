"""Evaluations that failed: a search survives them, unless it is the measurement that is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nastoolkit.store import Store

N_CALLS = 10  # that give nothing, one after the other: a device went away, it is not the sub-networks


class EvaluationError(RuntimeError):
    """Nothing can be measured any more."""


@dataclass
class Failures:
    """Notes failed evaluations, and gives up when the measurement seems broken.

    That is when nothing has succeeded, after a whole population at least, or when :data:`N_CALLS` calls of ``evaluate`` in a
    row gave nothing. Failures go to the store once a later call succeeds or the search ends: those of a broken measurement are
    not kept, so that they are tried again when the search is.

    Attributes:
        store: Where they are kept.
        patience: How many evaluations may fail before the first success.
        n: How many failed.
        last: The reason of the last one.
        n_calls: How many calls in a row gave nothing.
        succeeded: Whether any evaluation has, here or in the store.
    """

    store: Store | None
    patience: int
    n: int = 0
    last: str = ""
    n_calls: int = 0
    succeeded: bool = False
    _unsaved: list[tuple[np.ndarray, list[str]]] = field(default_factory=list)

    def replay(self, reasons: list[str], succeeded: bool) -> None:
        """Count what the store knows."""
        self.succeeded |= succeeded
        self._count(reasons)

    def note(self, genotypes: np.ndarray, reasons: list[str], succeeded: bool, cause: Exception | None = None) -> None:
        """Note a call of ``evaluate``: the genotypes ``(k, d)`` that failed, why, and whether any other succeeded.

        Raises:
            EvaluationError: It is time to give up.
        """
        self._count(reasons)
        self._unsaved.append((genotypes, reasons))
        self.n_calls = 0 if succeeded else self.n_calls + 1
        if succeeded:
            self.succeeded = True
            self._save()
        if self.n_calls >= N_CALLS or (not self.succeeded and self.n >= self.patience):
            raise EvaluationError(f"{self.n_calls} calls of evaluate gave nothing, the last one: {self.last}") from cause

    def finish(self) -> None:
        """Keep what is left; EvaluationError if all evaluations of the search failed."""
        if self.n and not self.succeeded:
            raise EvaluationError(f"all {self.n} evaluations failed, the last one: {self.last}")
        self._save()

    def _count(self, reasons: Sequence[str]) -> None:
        self.n += len(reasons)
        self.last = reasons[-1] if reasons else self.last

    def _save(self) -> None:
        if self.store is not None:
            for genotypes, reasons in self._unsaved:
                self.store.save_failures(genotypes, reasons)
        self._unsaved.clear()
