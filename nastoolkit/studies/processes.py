"""Worker processes on this machine, for evaluations that may run out of memory or out of time."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from threading import local
from typing import Any

import psutil

from nastoolkit.support.workers import end_with_parent, ready


class Processes(ThreadPoolExecutor):
    """An executor in which a worker that dies loses only its own call; another worker replaces it.

    Python's own ``ProcessPoolExecutor`` breaks as a whole when a worker is killed, so each worker has one of its own. The
    processes are spawned: ``evaluate`` must be importable, from a module, or from a script that runs its search only ``if
    __name__ == "__main__"``. They end when the process that started them does, however it ends.

    Args:
        n_workers: Number of worker processes.
        timeout_s: Longest time in s that a call may take before its worker is killed. By default there is no limit.
    """

    def __init__(self, n_workers: int, timeout_s: float | None = None) -> None:
        super().__init__(n_workers)
        self._timeout_s = timeout_s
        self._own = local()  # of each thread: the pool of its one process, and the number of that
        self._pools: set[ProcessPoolExecutor] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Call ``fn(*args, **kwargs)`` in a worker.

        The result is a RuntimeError if the worker dies, and a TimeoutError if it is killed for taking too long.
        """
        return super().submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more calls, and end the workers when the calls under way are finished."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        while self._pools:
            self._pools.pop().shutdown(wait)

    def _call(self, fn: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
        try:
            pool, process = self._worker(args)
            called = pool.submit(fn, *args, **kwargs)
            if wait([called], self._timeout_s).done:
                return called.result()
        except BrokenProcessPool:
            self._own.worker = None
            raise RuntimeError("its worker process died; perhaps it ran out of memory") from None
        self._own.worker = None
        with suppress(psutil.NoSuchProcess):
            psutil.Process(process).kill()
        raise TimeoutError(f"no result after {self._timeout_s} s, so its worker was killed")

    def _worker(self, args: tuple) -> tuple[ProcessPoolExecutor, int]:
        """This thread's pool and the id of its process, which has imported what the arguments need."""
        if getattr(self._own, "worker", None) is None:
            spawn = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(1, spawn, initializer=end_with_parent)
            self._pools.add(pool)
            try:
                self._own.worker = pool, pool.submit(ready, args).result()
            except BrokenProcessPool:
                raise RuntimeError("its worker process died while it started: can it import evaluate?") from None
        return self._own.worker
