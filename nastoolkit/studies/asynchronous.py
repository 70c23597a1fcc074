"""A search that keeps all workers busy: it asks for more sub-networks while slow ones are still being measured.

An algorithm is asked for its next batch as soon as a worker is free and nothing is waiting; before that, it is told what has
finished. So it decides without the few results that are still under way, and its decisions depend on how fast each worker was.
The store keeps which rows were told before each ask: a search that is run again asks the same, and continues from there.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from nastoolkit.history import History
from nastoolkit.objectives import complete
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.studies.calls import Call
from nastoolkit.studies.evaluation import Evaluation
from nastoolkit.studies.store import Store


class AsynchronousSearch:
    """A search with several calls under way. Rows are numbered in the order in which they are asked for.

    Args:
        searcher: Proposes sub-networks.
        evaluation: Measures them, in an executor.
        budget: Number of evaluations.
        in_flight: Number of calls of ``evaluate`` under way at a time.
        journal: Record of what was told before each ask.
    """

    def __init__(self, searcher: Algorithm, evaluation: Evaluation, budget: int, in_flight: int, journal: Journal) -> None:
        self._searcher, self._evaluation, self._journal = searcher, evaluation, journal
        self._budget, self._in_flight = budget, in_flight
        self._n_asks = 0
        self._waiting: deque[int] = deque()  # rows to measure
        self._finished: list[int] = []  # rows to tell
        self._genotypes = np.empty((0, searcher.space.n_genes), dtype=np.int64)
        self._values = np.empty((0, len(searcher.objectives)))  # NaN where they are under way or failed

    def run(self) -> History:
        """Spend the budget and return the evaluations in the order in which they were asked for."""
        calls = self._evaluation.calls
        with self._evaluation.keeping():
            while True:
                while len(calls) < self._in_flight and (self._waiting or self._ask()):
                    self._start()
                if not calls:
                    break
                self._collect()
        return self._history(np.arange(len(self._genotypes)))

    def _history(self, rows: np.ndarray) -> History:
        objectives = tuple(self._evaluation.objectives)
        return History(self._searcher.space, objectives, self._genotypes[rows], self._values[rows])

    def _ask(self) -> bool:
        """Ask until there is something to measure, unless the store knows everything that is left."""
        while not self._waiting and (left := self._budget - len(self._genotypes)):
            self._tell()
            asked = self._searcher.ask()[:left]
            if not len(asked):
                break
            self._add(asked)
        return bool(self._waiting)

    def _add(self, asked: np.ndarray) -> None:
        values, missing = self._evaluation.look_up(asked)
        rows = len(self._genotypes) + np.arange(len(asked))
        self._genotypes = np.concatenate([self._genotypes, asked])
        self._values = np.concatenate([self._values, np.full((len(rows), self._values.shape[1]), np.nan)])
        self._waiting.extend(rows[missing].tolist())
        self._finish(np.delete(rows, missing), np.delete(values, missing, axis=0))

    def _tell(self) -> None:
        """Tell what has finished, or what had finished at this point in an earlier run, if there was one."""
        told = [row for row in self._journal.rows_before(self._n_asks, self._finished) if row < len(self._genotypes)]
        self._n_asks += 1
        while not set(told) <= set(self._finished):
            self._collect()
        self._finished = sorted(set(self._finished) - set(told))
        history = self._history(np.array(told, dtype=np.int64))
        self._searcher.tell(history.genotypes, history.values)

    def _start(self) -> None:
        size = min(self._evaluation.chunk_size or 1, len(self._waiting))
        rows = np.array([self._waiting.popleft() for _ in range(size)])
        self._evaluation.calls.start(Call(rows, self._genotypes[rows]))

    def _collect(self) -> None:
        rows, values = self._evaluation.collect()
        self._finish(rows, values)

    def _finish(self, rows: np.ndarray, measured: np.ndarray) -> None:
        self._values[rows] = complete(self._evaluation.objectives, self._genotypes[rows], measured)
        self._finished.extend(rows.tolist())


class Journal:
    """Record of which rows one search was told before each ask, in a store; without a store, nothing is kept.

    Args:
        store: Store that keeps the record.
        search: Everything that the search depends on, as JSON types, except its budget and its workers.
    """

    def __init__(self, store: Store | None, search: Sequence[Any]) -> None:
        self._store, self._search = store, search

    def rows_before(self, n_asks: int, rows: list[int]) -> list[int]:
        """Rows that an earlier run was told after this many asks; if none came so far, ``rows``, which are then kept."""
        if self._store is None:
            return list(rows)
        search = hashlib.sha256(json.dumps(self._search).encode()).hexdigest()[:16]
        return self._store.rows_before(search, n_asks, rows)
