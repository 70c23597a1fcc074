"""What Ctrl-C, or "interrupt kernel", leaves behind: whole steps, and a sentence that says how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def explain_resume(advice: Callable[[], str]) -> Iterator[None]:
    """An interrupt of what is done inside stays an interrupt, with this advice as its message.

    Args:
        advice: Asked when it happens, so that it can say how far things are.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(advice()) from None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """An interrupt of what is done inside comes at its end, so that it is done as a whole; for what takes milliseconds."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    came: list[tuple[Any, ...]] = []
    before = signal.signal(signal.SIGINT, lambda *signalled: came.append(signalled))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(*came[0])
