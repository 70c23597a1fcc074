"""Calls of ``evaluate`` under way: one after the other in this process, or side by side in an executor."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np

from nastoolkit.studies.failures import EvaluationError

Evaluate = Callable[[np.ndarray], np.ndarray]
Outcome = tuple[np.ndarray | Exception, float]  # what evaluate returned or raised, and the seconds that it took


@dataclass(frozen=True)
class Call:
    """Genotypes ``(k, d)`` to measure in one call, their rows ``(k,)``, and how often they failed before."""

    rows: np.ndarray
    genotypes: np.ndarray
    n_failed: int = 0


class Calls:
    """Starts calls, and returns the outcome of whichever finishes first; it is true while calls are under way.

    Args:
        evaluate: Genotypes ``(k, d)`` to values.
        executor: Where calls run; None means here, when the outcome is asked for, in the order in which they were started.
    """

    def __init__(self, evaluate: Evaluate, executor: Executor | None) -> None:
        self._evaluate, self._executor = evaluate, executor
        self._here: deque[Call] = deque()
        self._elsewhere: dict[Future, Call] = {}
        self._finished: SimpleQueue[Future] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._here) + len(self._elsewhere)

    def start(self, call: Call) -> None:
        """Start a call; raises EvaluationError if the executor accepts no more."""
        if self._executor is None:
            self._here.append(call)
            return
        try:  # n_failed is there for Dask, which takes equal calls for one
            future = self._executor.submit(_attempt, self._evaluate, call.genotypes, call.n_failed)
        except RuntimeError as error:  # which BrokenExecutor is, too
            raise _lost(error) from error
        self._elsewhere[future] = call
        future.add_done_callback(self._finished.put)

    def next(self) -> tuple[Call, Outcome]:
        """Wait for a call; raises EvaluationError if the executor lost its workers."""
        if self._executor is None:
            call = self._here.popleft()
            return call, _attempt(self._evaluate, call.genotypes)
        while (future := self._finished.get()) not in self._elsewhere:
            pass  # it was given up
        return self._elsewhere.pop(future), _outcome(future)

    def measure(self, genotypes: np.ndarray) -> np.ndarray | Exception:
        """What ``evaluate`` returns or raises for genotypes ``(k, d)``; waits for this call, whatever else is under way."""
        if self._executor is None:
            return _attempt(self._evaluate, genotypes)[0]
        try:
            return _outcome(self._executor.submit(_attempt, self._evaluate, genotypes))[0]
        except RuntimeError as error:
            raise _lost(error) from error

    def give_up(self, running: bool) -> None:
        """Cancel the calls that no worker has begun, and also ``running`` ones if the executor can."""
        self._here.clear()
        for future in list(self._elsewhere):
            if (running or not future.running()) and (future.cancel() or running):
                self._elsewhere.pop(future, None)


def _attempt(evaluate: Evaluate, genotypes: np.ndarray, n_failed: int = 0) -> Outcome:
    """Call ``evaluate``; a broken executor is not the evaluation's fault."""
    start = time.perf_counter()
    try:
        returned: np.ndarray | Exception = evaluate(genotypes)
    except BrokenExecutor:
        raise
    except Exception as error:
        returned = error
    return returned, time.perf_counter() - start


def _outcome(future: Future) -> Outcome:
    try:
        return future.result()
    except (BrokenExecutor, CancelledError) as error:
        raise _lost(error) from error
    except Exception as error:  # the worker's end, or what it could not send
        return error, np.nan


def _lost(error: Exception) -> EvaluationError:
    return EvaluationError(
        f"the executor lost its workers ({type(error).__name__}: {error}); with a store, the same call goes on from what was "
        "measured. nastoolkit.Processes outlives workers that are killed"
    )
