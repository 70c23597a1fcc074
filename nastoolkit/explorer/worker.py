"""Work that takes seconds: it runs in a thread, one task at a time, and its results go to the widgets' event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any


def poster() -> Callable[..., Any]:
    """A function that any thread can use to call others in this thread's event loop, or at once if there is no loop."""
    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        return lambda function, *arguments: function(*arguments)


def later(seconds: float, function: Callable[[], Any]) -> None:
    """Call a function in this thread's event loop after some time, or at once if there is no loop."""
    try:
        asyncio.get_running_loop().call_later(seconds, function)
    except RuntimeError:
        function()


class Worker:
    """A thread for work that a click starts.

    Attributes:
        machine: Lock held while something is measured, here or in a search: two measurements at once would disturb each other.
    """

    def __init__(self) -> None:
        self.machine = Lock()
        self._post, self._thread = poster(), ThreadPoolExecutor(1, thread_name_prefix="explorer")

    def do(self, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Run a function when nothing else is measured; ``then`` gets its result or error, in the event loop."""
        self._thread.submit(self._alone, function).add_done_callback(lambda done: self._post(then, done.result()))

    def _alone(self, function: Callable[[], Any]) -> Any:
        try:
            with self.machine:
                return function()
        except Exception as error:
            return error

    def wait(self) -> None:
        """Wait for all work that was started."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """Wait for the running task, and start no others."""
        self._thread.shutdown(cancel_futures=True)


class Latest:
    """Work of which only the newest request counts: while one is done, the next one waits, and replaces another that waits.

    Args:
        worker: Worker that does it.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._waiting: tuple[Callable[[], Any], Callable[[Any], None]] | None = None
        self._turn, self.busy = Lock(), False

    def do(self, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """As :meth:`Worker.do`."""
        with self._turn:
            waits, self.busy = self.busy, True
            if waits:
                self._waiting = function, then
        if not waits:
            self._worker.do(function, lambda result: self._pass_on(then, result))

    def _pass_on(self, then: Callable[[Any], None], result: Any) -> None:
        then(result)
        with self._turn:
            self.busy, waiting, self._waiting = False, self._waiting, None
        if waiting is not None:
            self.do(*waiting)
