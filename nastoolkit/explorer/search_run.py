"""A search that one can watch: it runs in a thread of its own, waits after each generation while paused, and stops cleanly."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition, Thread

from nastoolkit.explorer.worker import poster
from nastoolkit.history import History

Watch = Callable[[History], None]
MOMENT = 0.4  # s between generations, so that the eye can follow a search that is replayed


class Stopped(BaseException):
    """The search is to end; no ``Exception``, which would count as an evaluation that failed."""


class SearchRun:
    """One search, from its first generation to its end.

    Args:
        search: Runs the search; it calls its argument after each generation, with all evaluations so far.
        budget: Evaluations after which there is nothing to wait for.
        on_generation: Told the same, in the thread that made this object if that has an event loop.
        on_end: Told there when the search is over, with the error that ended it or None.

    Attributes:
        n_begun: Evaluations of this generation so far, counted by what measures.
    """

    def __init__(
        self,
        search: Callable[[Watch], object],
        budget: int,
        on_generation: Watch,
        on_end: Callable[[Exception | None], None],
    ) -> None:
        self._search, self._budget, self._on_generation, self._on_end = search, budget, on_generation, on_end
        self._post = poster()
        self._turn = Condition()
        self._playing, self._steps, self._stopping = False, 0, False
        self.n_begun = 0
        self._thread = Thread(target=self._run, daemon=True, name="explorer-search")

    @property
    def playing(self) -> bool:
        """Whether it goes on by itself."""
        return self._playing

    @property
    def alive(self) -> bool:
        """Whether it has begun and is not over."""
        return self._thread.is_alive()

    def play(self) -> None:
        """Go on until :meth:`pause`."""
        self._set(playing=True)

    def pause(self) -> None:
        """Wait after the generation that is under way."""
        self._set(playing=False)

    def step(self) -> None:
        """Do one generation more, then wait."""
        self._set(playing=False, steps=self._steps + 1)

    def stop(self, wait: bool = True) -> None:
        """End after the evaluation that is under way, which is kept."""
        with self._turn:
            self._stopping = True
            self._turn.notify_all()
        if wait and self.alive:
            self._thread.join()

    def check(self) -> None:
        """Raise :class:`Stopped` if the search is to end; for what it spends its time in."""
        if self._stopping:
            raise Stopped

    def _set(self, playing: bool, steps: int = 0) -> None:
        with self._turn:
            self._playing, self._steps = playing, steps
            self._turn.notify_all()
        if self._thread.ident is None:
            self._thread.start()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self._take_turn()
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
                self._turn.wait_for(lambda: self._stopping, timeout=MOMENT)
            self._take_turn()

    def _take_turn(self) -> None:
        """Wait until there is a generation to do."""
        with self._turn:
            self._turn.wait_for(lambda: self._playing or self._steps or self._stopping)
            self._steps = max(0, self._steps - 1)
        self.check()
