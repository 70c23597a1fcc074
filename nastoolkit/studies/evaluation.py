"""Measuring sub-networks in chunks: each chunk is checked and saved when it is finished, before the next one begins."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from tqdm.auto import tqdm

from nastoolkit.objectives import Objective
from nastoolkit.studies.calls import Call, Calls, Evaluate
from nastoolkit.studies.failures import Failures
from nastoolkit.studies.store import Store

__all__ = ["Evaluate", "Evaluation"]

N_AGAIN = 3  # sub-networks that are measured again before a measurement is said to be broken


@dataclass
class Evaluation:
    """Measures genotypes, except those that the store knows already.

    Attributes:
        calls: Calls of ``evaluate``: genotypes ``(n, d)`` to values ``(n, m')``, or ``(n,)`` if m' is 1.
        objectives: All m objectives of the search; ``evaluate`` returns the m' without ``exact``.
        store: Store that values are read from and written to.
        chunk_size: Rows in one call of ``evaluate``; None means all.
        retries: How often a row that fails is measured again before it counts as failed.
        failures: Records evaluations that fail.
        bar: Progress bar that counts the evaluations.
        n_replayed: Number of evaluations that came from the store.
    """

    calls: Calls
    objectives: Sequence[Objective]
    store: Store | None
    chunk_size: int | None
    retries: int
    failures: Failures
    bar: tqdm
    n_replayed: int = 0
    _measured_before: deque[np.ndarray] = field(default_factory=partial(deque, maxlen=N_AGAIN))

    def __post_init__(self) -> None:
        self.measured = [objective for objective in self.objectives if objective.exact is None]

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Measured values ``(n, m')`` of genotypes ``(n, d)``, in their order; a row whose evaluation failed is all NaN.

        Raises:
            ValueError: ``evaluate`` returned a wrong shape. Good values are saved first.
            EvaluationError: Too much has failed, or the executor lost its workers.
        """
        values, missing = self.look_up(genotypes)
        size = self.chunk_size or max(1, len(missing))
        with self.keeping():
            for start in range(0, len(missing), size):
                rows = missing[start : start + size]
                self.calls.start(Call(rows, genotypes[rows]))
            while self.calls:
                rows, measured = self.collect()
                values[rows] = measured
        return values

    def look_up(self, genotypes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values ``(n, m')`` from the store, and the rows that are still to be measured, without those known to fail."""
        if not self.measured:
            self.bar.update(len(genotypes))
            return np.empty((len(genotypes), 0)), np.arange(0)
        if self.store is None:
            return np.full((len(genotypes), len(self.measured)), np.nan), np.arange(len(genotypes))
        values = self.store.lookup(genotypes)
        missing = np.flatnonzero(np.isnan(values).any(axis=1))
        reasons = self.store.failures(genotypes[missing])
        self._measured_before.extend(np.delete(genotypes, missing, axis=0))
        self.failures.count([why for why in reasons if why is not None], len(genotypes) - len(missing))
        missing = missing[[why is None for why in reasons]]
        self._count_replayed(len(genotypes) - len(missing))
        return values, missing

    def collect(self) -> tuple[np.ndarray, np.ndarray]:
        """Wait for a call and save what it returned: rows ``(k,)``, and their values ``(k, m')``, NaN where they failed.

        Values come from the store if there is one. Rows that will be tried again are left out.
        """
        call, (returned, seconds) = self.calls.next()
        values, reasons = self._check(returned, len(call.rows))
        good = np.isfinite(values).all(axis=1)
        if self.store is not None:
            self.store.save(call.genotypes[good], values[good], seconds / len(call.rows))
            values[good] = self.store.lookup(call.genotypes[good])
        settled = np.ones(len(good), dtype=bool)
        if reasons and call.n_failed < self.retries:
            self.calls.start(Call(call.rows[~good], call.genotypes[~good], call.n_failed + 1))
            settled, reasons = good, []
        self.bar.update(int(settled.sum()))
        cause = returned if isinstance(returned, Exception) else None
        self._measured_before.extend(call.genotypes[good])
        self.failures.note(call.genotypes[settled & ~good], reasons, int(good.sum()), self._still_works, cause)
        return call.rows[settled], values[settled]

    def _check(self, returned: np.ndarray | Exception, n: int) -> tuple[np.ndarray, list[str]]:
        """Values ``(n, m')``, where rows that failed are all NaN, and why each of these failed."""
        if isinstance(returned, Exception):
            return np.full((n, len(self.measured)), np.nan), [f"{type(returned).__name__}: {returned}"] * n
        values = self._in_shape(returned, n)
        bad = ~np.isfinite(values).all(axis=1)
        reasons = [self._not_finite(row) for row in values[bad]]
        values[bad] = np.nan
        return values, reasons

    def _still_works(self) -> bool:
        """Whether one of a few sub-networks measured before can still be measured, which costs no budget."""
        returned = (self.calls.measure(genotype[None]) for genotype in list(self._measured_before))
        return any(not self._check(values, 1)[1] for values in returned)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """If the search has to stop, calls that still run are waited for and kept first; an interrupt waits for nothing."""
        try:
            yield
        except Exception:
            self.calls.give_up(running=False)
            self._measured_before.clear()
            self.retries = 0
            while self.calls:
                with suppress(Exception):
                    self.collect()
            raise
        finally:
            self.calls.give_up(running=True)

    def _not_finite(self, row: np.ndarray) -> str:
        column = int(np.flatnonzero(~np.isfinite(row))[0])
        return f"evaluate returned {row[column]} for {self.measured[column].name!r}"

    def _in_shape(self, returned: np.ndarray, n: int) -> np.ndarray:
        values = np.asarray(returned, dtype=float) + 0.0  # SQLite has no -0.0, and a replay must be identical
        if values.shape == (n,) and len(self.measured) == 1:
            return values[:, None]
        if values.shape != (n, len(self.measured)):
            names = [objective.name for objective in self.measured]
            raise ValueError(
                f"evaluate must return shape {(n, len(names))} for {n} genotypes, columns {names}, and returned {values.shape}"
            )
        return values

    def _count_replayed(self, n: int) -> None:
        self.n_replayed += n
        if n and not self.bar.disable:
            self.bar.n += n
            self.bar.initial += n  # so that they do not count in the time left
            self.bar.set_postfix(replayed=self.n_replayed)
