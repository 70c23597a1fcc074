"""Measuring sub-networks in chunks: here or in an executor, each chunk checked and saved before the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from nastoolkit.objectives import Objective
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
        bar: Counts the evaluations.
        n_replayed: How many came from the store.
    """

    evaluate: Evaluate
    space: SearchSpace
    measured: Sequence[Objective]
    store: Store | None
    executor: Executor | None
    chunk_size: int | None
    bar: tqdm
    n_replayed: int = 0

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Values ``(n, m')`` of genotypes ``(n, d)``, in their order.

        Raises:
            ValueError: ``evaluate`` returned a wrong shape or a number that is not finite. What is good is saved first.
        """
        if not self.measured:
            self.bar.update(len(genotypes))
            return np.empty((len(genotypes), 0))
        values = np.full((len(genotypes), len(self.measured)), np.nan)
        if self.store is not None:
            values = self.store.lookup(genotypes)
        missing = np.flatnonzero(np.isnan(values).any(axis=1))
        self._count_replayed(len(genotypes) - len(missing))
        size = self.chunk_size or max(1, len(missing))
        chunks = [missing[start : start + size] for start in range(0, len(missing), size)]
        if self.executor is None:
            for rows in chunks:
                values[rows] = self._keep(genotypes[rows], *_timed(self.evaluate, genotypes[rows]))
        else:
            self._measure_in_executor(self.executor, genotypes, chunks, values)
        return values

    def _measure_in_executor(
        self, executor: Executor, genotypes: np.ndarray, chunks: Sequence[np.ndarray], values: np.ndarray
    ) -> None:
        """Fill the chunks' rows of ``values``. After a failure what still runs is waited for and kept, then it is raised."""
        futures = {executor.submit(_timed, self.evaluate, genotypes[rows]): rows for rows in chunks}

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

    def _keep(self, genotypes: np.ndarray, returned: np.ndarray, seconds: float) -> np.ndarray:
        """Check what ``evaluate`` returned and save it; the values that count, which are the store's if there is one."""
        values = self._in_shape(returned, len(genotypes))
        finite = np.isfinite(values).all(axis=1)
        if self.store is not None:
            self.store.save(genotypes[finite], values[finite], seconds / len(genotypes))
        self.bar.update(int(finite.sum()))
        if not finite.all():
            row, column = np.argwhere(~np.isfinite(values))[0]
            options = self.space.decode(genotypes[row])
            raise ValueError(f"evaluate returned {values[row, column]} for {self.measured[column].name!r} of {options}")
        return values if self.store is None else self.store.lookup(genotypes)

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


def _timed(evaluate: Evaluate, genotypes: np.ndarray) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    values = evaluate(genotypes)
    return values, time.perf_counter() - start
