"""What Ctrl-C, or "interrupt kernel", leaves behind: a sentence that says how to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


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
