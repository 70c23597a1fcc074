"""Work that takes seconds: in a thread, one piece at a time, its results told where the widgets live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any


def poster() -> Callable[..., Any]:
    """Calls a function in this thread's event loop, whichever thread asks for it; at once where there is no loop."""
    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        return lambda function, *arguments: function(*arguments)


class Worker:
    """A thread for what a click starts.

    Attributes:
        machine: Held while something is measured, here or in a search: two at a time would disturb each other.
    """

    def __init__(self) -> None:
        self.machine = Lock()
        self._post, self._thread = poster(), ThreadPoolExecutor(1, thread_name_prefix="explorer")

    def do(self, function: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Run a function when nothing measures; ``then`` gets its result or its error, in the event loop."""
        self._thread.submit(self._alone, function).add_done_callback(lambda done: self._post(then, done.result()))

    def _alone(self, function: Callable[[], Any]) -> Any:
        try:
            with self.machine:
                return function()
        except Exception as error:
            return error

    def wait(self) -> None:
        """Wait for all that was begun."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """Wait for what runs, and begin nothing more."""
        self._thread.shutdown(cancel_futures=True)
