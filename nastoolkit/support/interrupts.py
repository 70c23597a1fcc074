"""What Ctrl-C, or "interrupt kernel", leaves: complete steps, and a sentence that says how to continue."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def explain_resume(advice: Callable[[], str]) -> Iterator[None]:
    """An interrupt inside this context stays an interrupt, with this advice as its message.

    Args:
        advice: Called when it happens, so that it can say how far things are.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(advice()) from None


class Interrupts:
    """A handler that counts interrupts: the first is only noted, and the next is raised at once.

    Args:
        advice: Function that makes the message of the raised interrupt.
        before: Handler that this one temporarily replaces; if it counts too, it also counts this one's interrupts.
    """

    def __init__(self, advice: Callable[[], str], before: object = None) -> None:
        self.n, self._advice, self._before = 0, advice, before

    def __call__(self, *_: object) -> None:
        """Note an interrupt, or raise it if it is not the first."""
        self.note()
        if self.n > 1:
            raise KeyboardInterrupt(self._advice())

    def note(self) -> None:
        """Count one interrupt."""
        self.n += 1
        if isinstance(self._before, Interrupts):
            self._before.note()


@contextmanager
def noted_interrupts(advice: Callable[[], str]) -> Iterator[Interrupts]:
    """The first interrupt inside this context is only noted, so that a step is completed; a second one is raised at once.

    Args:
        advice: Message of the second interrupt.
    """
    before = signal.getsignal(signal.SIGINT)
    interrupts = Interrupts(advice, before)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield interrupts
        return
    signal.signal(signal.SIGINT, interrupts)
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)
