"""A race of two algorithms that can be watched: hypervolume over evaluations, seed by seed, where evaluations cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any

import numpy as np

from nastoolkit.explorer.search_run import Stopped
from nastoolkit.explorer.worker import poster
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.space import SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.studies.calls import Evaluate


@dataclass(frozen=True)
class Track:
    """What a race is run on.

    Attributes:
        space: Space to search.
        evaluate: Looks measured values up; None if every objective is exact.
        objectives: Quality and cost.
        reference_point: ``(2,)`` of the hypervolumes.
    """

    space: SearchSpace
    evaluate: Evaluate | None
    objectives: tuple[Objective, Objective]
    reference_point: tuple[float, float]


@dataclass
class Standing:
    """The race so far.

    Attributes:
        algorithms: Names of the two algorithms.
        budget: Number of evaluations of each search.
        curves: For each algorithm, a curve for each seed that has begun: hypervolume after each evaluation so far.
    """

    algorithms: tuple[str, str]
    budget: int
    curves: tuple[dict[int, np.ndarray], dict[int, np.ndarray]] = field(default_factory=lambda: ({}, {}))

    def median(self, side: int) -> np.ndarray:
        """The median of the complete curves of an algorithm ``(budget,)``; empty before the first is complete."""
        complete = [curve for curve in self.curves[side].values() if len(curve) == self.budget]
        return np.median(complete, axis=0) if complete else np.empty(0)


class RaceRun:
    """A race in a thread of its own.

    Args:
        track: What it is run on.
        standing: Algorithms and budget; it receives the curves.
        seeds: Number of seeds, 0, 1, ...
        population: Number of sub-networks in a generation.
        on_progress: Called after each generation, in the thread that made this object if that has an event loop.
        on_end: Called there when the race is over, with the error that ended it, or None.
    """

    def __init__(
        self,
        track: Track,
        standing: Standing,
        seeds: int,
        population: int,
        on_progress: Callable[[], None],
        on_end: Callable[[Exception | None], None],
    ) -> None:
        self.track, self.standing, self._seeds, self._population = track, standing, seeds, population
        self._on_progress, self._on_end, self._post = on_progress, on_end, poster()
        self._stopping = Event()
        self._thread = Thread(target=self._run, daemon=True, name="explorer-race")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, wait: bool = True) -> None:
        """End after the current generation."""
        self._stopping.set()
        if wait and self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            for side, seed in self._heats():
                self._search(side, seed)
        except Stopped:
            pass
        except Exception as failure:
            error = failure
        self._post(self._on_end, error)

    def _heats(self) -> Iterator[tuple[int, int]]:
        """Both algorithms with one seed, then with the next."""
        return ((side, seed) for seed in range(self._seeds) for side in (0, 1))

    def _search(self, side: int, seed: int) -> None:
        track, standing = self.track, self.standing
        how: dict[str, Any] = {"budget": standing.budget, "seed": seed, "population": self._population, "progress": False}

        def watch(history: History) -> None:
            standing.curves[side][seed] = history.hypervolume_curve(track.reference_point)
            self._post(self._on_progress)
            if self._stopping.is_set():
                raise Stopped

        optimize(track.space, track.evaluate, track.objectives, standing.algorithms[side], watch=watch, **how)
