"""Measuring sub-networks in chunks: here or in an executor, each chunk checked and saved before the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from nastoolkit.objectives import Objective
from nastoolkit.search.failures import Failures
from nastoolkit.space import SearchSpace
from nastoolkit.store import Store

Evaluate = Callable[[np.ndarray], np.ndarray]


@dataclass
class Evaluation:
    """Measures genotypes, and measures none twice that the store knows.

    Attributes:
        evaluate: Genotypes ``(n, d)`` to values ``(n, m')``, or ``(n,)`` where m' is 1.
        space: What the genotypes mean.
        measured: The m' objectives that ``evaluate`` gives.
        store: Where values come from and go to.
        executor: Where ``evaluate`` runs; None is here, a chunk after the other.
        chunk_size: Rows in one call of ``evaluate``; None is all.
        failures: Where evaluations that fail are noted.
        bar: Counts the evaluations.
        n_replayed: How many came from the store.
    """

    evaluate: Evaluate
    space: SearchSpace
    measured: Sequence[Objective]
    store: Store | None
    executor: Executor | None
    chunk_size: int | None
    failures: Failures
    bar: tqdm
    n_replayed: int = 0

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Values ``(n, m')`` of genotypes ``(n, d)``, in their order; NaN in all of a row whose evaluation failed.

        Raises:
            ValueError: ``evaluate`` returned a wrong shape. What is good is saved first.
            EvaluationError: Too much has failed, see :class:`nastoolkit.search.failures.Failures`.
        """
        if not self.measured:
            self.bar.update(len(genotypes))
            return np.empty((len(genotypes), 0))
        values, missing = self._look_up(genotypes)
        size = self.chunk_size or max(1, len(missing))
        chunks = [missing[start : start + size] for start in range(0, len(missing), size)]
        if self.executor is None:
            for rows in chunks:
                values[rows] = self._keep(genotypes[rows], *_attempt(self.evaluate, genotypes[rows]))
        else:
            self._measure_in_executor(self.executor, genotypes, chunks, values)
        return values

    def _look_up(self, genotypes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values ``(n, m')`` from the store, and the rows that are still to be measured: not those known to fail."""
        if self.store is None:
            return np.full((len(genotypes), len(self.measured)), np.nan), np.arange(len(genotypes))
        values = self.store.lookup(genotypes)
        missing = np.flatnonzero(np.isnan(values).any(axis=1))
        reasons = self.store.failures(genotypes[missing])
        self.failures.replay([reason for reason in reasons if reason is not None], len(missing) < len(genotypes))
        missing = missing[[reason is None for reason in reasons]]
        self._count_replayed(len(genotypes) - len(missing))
        return values, missing

    def _measure_in_executor(
        self, executor: Executor, genotypes: np.ndarray, chunks: Sequence[np.ndarray], values: np.ndarray
    ) -> None:
        """Fill the chunks' rows of ``values``. If it has to stop, what still runs is waited for and kept first."""
        futures = {executor.submit(_attempt, self.evaluate, genotypes[rows]): rows for rows in chunks}

        def keep(future: Future) -> None:
            rows = futures.pop(future)
            values[rows] = self._keep(genotypes[rows], *future.result())

        try:
            for future in as_completed(list(futures)):
                keep(future)
        except Exception:
            for future in as_completed([future for future in futures if not future.cancel()]):
                with suppress(Exception):
                    keep(future)
            raise
        finally:
            for future in futures:
                future.cancel()

    def _keep(self, genotypes: np.ndarray, returned: np.ndarray | Exception, seconds: float) -> np.ndarray:
        """Check what ``evaluate`` returned and save it; the values that count, which are the store's if there is one."""
        self.bar.update(len(genotypes))
        if isinstance(returned, Exception):
            reason = f"{type(returned).__name__}: {returned}"
            self.failures.note(genotypes, [reason] * len(genotypes), succeeded=False, cause=returned)
            return np.full((len(genotypes), len(self.measured)), np.nan)
        values = self._in_shape(returned, len(genotypes))
        good = np.isfinite(values).all(axis=1)
        if self.store is not None:
            self.store.save(genotypes[good], values[good], seconds / len(genotypes))
            values[good] = self.store.lookup(genotypes[good])
        reasons = [self._not_finite(row) for row in values[~good]]
        self.failures.note(genotypes[~good], reasons, succeeded=bool(good.any()))
        values[~good] = np.nan
        return values

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
                f"evaluate got {n} genotypes and returned shape {values.shape}; expected {(n, len(names))}, columns {names}"
            )
        return values

    def _count_replayed(self, n: int) -> None:
        self.n_replayed += n
        if n and not self.bar.disable:
            self.bar.n += n
            self.bar.initial += n  # so that they do not count in the time left
            self.bar.set_postfix(replayed=self.n_replayed)


def _attempt(evaluate: Evaluate, genotypes: np.ndarray) -> tuple[np.ndarray | Exception, float]:
    """What ``evaluate`` returned or raised, and the seconds that it took; an executor that breaks is no evaluation's fault."""
    start = time.perf_counter()
    try:
        returned: np.ndarray | Exception = evaluate(genotypes)
    except BrokenExecutor:
        raise
    except Exception as error:
        returned = error
    return returned, time.perf_counter() - start
