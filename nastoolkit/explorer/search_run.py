"""A search to watch: it runs in its own thread, pauses before the next evaluation, and stops cleanly."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread

from nastoolkit.explorer.worker import poster
from nastoolkit.history import History

Watch = Callable[[History], None]
MOMENT = 0.4  # s between generations, so that the eye can follow a replayed search


class Stopped(BaseException):
    """The search must end; not an ``Exception``, which would count as a failed evaluation."""


class SearchRun:
    """One search, from its first generation to its end.

    Args:
        search: Function that runs the search and calls its argument after each generation, with all evaluations so far.
        budget: Number of evaluations after which there is nothing left to wait for.
        on_generation: Function called with the same, in the thread that made this object if that has an event loop.
        on_end: Function called there when the search is over, with the error that ended it, or None.
        on_pause: Function called there when the search waits, before an evaluation or after a generation.

    Attributes:
        n_begun: Number of evaluations begun in this generation, counted by the code that measures.
    """

    def __init__(
        self,
        search: Callable[[Watch], object],
        budget: int,
        on_generation: Watch,
        on_end: Callable[[Exception | None], None],
        on_pause: Callable[[], None] = lambda: None,
    ) -> None:
        self._search, self._budget, self._on_generation, self._on_end = search, budget, on_generation, on_end
        self._on_pause = on_pause
        self._post = poster()
        self._turn = Condition()
        self._playing, self._stepping, self._stopping = False, False, False
        self.n_begun = 0
        self._thread = Thread(target=self._run, daemon=True, name="explorer-search")

    @property
    def playing(self) -> bool:
        """Whether it continues by itself."""
        return self._playing

    @property
    def going(self) -> bool:
        """Whether it may go on to the next evaluation."""
        return self._playing or self._stepping or self._stopping

    @property
    def alive(self) -> bool:
        """Whether it has started and is not over."""
        return self._thread.is_alive()

    def play(self) -> None:
        """Continue until :meth:`pause`."""
        self._set(playing=True)

    def pause(self) -> None:
        """Wait after the current evaluation."""
        self._set(playing=False)

    def step(self) -> None:
        """Do one more generation, or the rest of a paused one, then wait."""
        self._set(playing=False, stepping=True)

    def stop(self, wait: bool = True) -> None:
        """End after the current evaluation, which is kept."""
        with self._turn:
            self._stopping = True
            self._turn.notify_all()
        if wait and self.alive:
            self._thread.join()

    def check(self) -> None:
        """Wait while the search is paused, and raise :class:`Stopped` if it must end; called before each evaluation."""
        with self._turn:
            if not self.going:
                self._post(self._on_pause)
                self._turn.wait_for(lambda: self.going)
        if self._stopping:
            raise Stopped

    def _set(self, playing: bool, stepping: bool = False) -> None:
        with self._turn:
            self._playing, self._stepping = playing, stepping
            self._turn.notify_all()
        if self._thread.ident is None:
            self._thread.start()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self.check()
            self._search(self._generation)
        except Stopped:
            pass
        except Exception as failure:
            error = failure
        self._post(self._on_end, error)

    def _generation(self, history: History) -> None:
        self.n_begun = 0
        self._post(self._on_generation, history)
        if len(history) < self._budget:
            with self._turn:
                self._stepping = False
                self._turn.wait_for(lambda: self._stopping, timeout=MOMENT)
            self.check()
