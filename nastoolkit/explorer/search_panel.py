"""Objectives, hardware and algorithm, and the buttons that play, pause, step and stop a search."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np

from nastoolkit.explorer.model import Model
from nastoolkit.explorer.search_run import SearchRun, Watch
from nastoolkit.explorer.worker import poster
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.studies import optimize
from nastoolkit.support.display_names import algorithm_name
from nastoolkit.support.names import unknown


@dataclass(frozen=True)
class SearchSettings:
    """Initial settings of searches.

    Attributes:
        algorithm: One of ``ALGORITHMS``.
        budget: Number of evaluations.
        population: Number of sub-networks in a generation.
        seed: Random seed of the algorithm.
        store: SQLite file that keeps accuracies; None keeps none.

    Raises:
        ValueError: The algorithm is unknown.
    """

    algorithm: str = "linas"
    budget: int = 100
    population: int = 10
    seed: int = 0
    store: Path | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise ValueError(unknown("algorithm", self.algorithm, ALGORITHMS))


@dataclass(frozen=True)
class Checked:
    """An ``evaluate`` that checks before each sub-network whether to continue, and measures while nothing else does."""

    evaluate: Callable[[np.ndarray], np.ndarray]
    check: Callable[[], None]
    machine: AbstractContextManager

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to values ``(n, m')``."""
        return np.concatenate([self._one(genotype) for genotype in genotypes])

    def _one(self, genotype: np.ndarray) -> np.ndarray:
        self.check()
        with self.machine:
            return self.evaluate(genotype[None])

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of ``evaluate``, so that it shares a store with searches elsewhere."""
        return getattr(self.evaluate, "settings", {})


class SearchPanel(widgets.VBox):
    """The controls of a search; ``newest`` is the number of evaluations in its last generation.

    Args:
        model: Model that receives the objectives and the search's results.
        settings: Initial settings of the controls.
        machine: Lock held while a sub-network is measured.
    """

    def __init__(self, model: Model, settings: SearchSettings, machine: AbstractContextManager) -> None:
        self.model, self.settings, self._machine = model, settings, machine
        self.run: SearchRun | None = None
        self.newest = 0
        named = [(algorithm_name(name), name) for name in ALGORITHMS]
        self.algorithm = widgets.Dropdown(options=named, value=settings.algorithm, description="algorithm")
        self.budget = widgets.BoundedIntText(settings.budget, 1, 100_000, description="evaluations")
        self.population = widgets.BoundedIntText(settings.population, 1, 1000, description="a generation")
        self.seed = widgets.BoundedIntText(settings.seed, 0, 2**31 - 1, description="seed")
        self.play, self.step, self.stop = (
            widgets.Button(description=text, icon=icon, tooltip=about).add_class(f"explorer-{text.lower()}")
            for text, icon, about in (
                ("Play", "play", "search generation by generation"),
                ("Step", "step-forward", "one generation"),
                ("Stop", "stop", "end this search; the next one begins anew"),
            )
        )
        self.status = widgets.HTML().add_class("explorer-status")
        super().__init__(
            [
                widgets.HBox([self.algorithm, self.budget, self.population, self.seed]).add_class("explorer-fields"),
                widgets.HBox([self.play, self.step, self.stop]).add_class("explorer-buttons"),
                self.status,
            ]
        )
        self.add_class("explorer-search")
        self._post = poster()
        self.play.on_click(lambda _: self.toggle())
        self.step.on_click(lambda _: self.one_step())
        self.stop.on_click(lambda _: self.end())
        for control in (self.algorithm, self.budget, self.population, self.seed):
            control.observe(lambda _: self.end(), "value")
        model.observe(lambda _: self.end(), ["quality", "cost", "hardware"])
        self._follow("No search yet: press Play, or Step for one generation.")

    def toggle(self) -> None:
        """Play, or pause a playing search."""
        run = self._begun()
        if run.playing:
            run.pause()
            self._follow("Pausing ...")
        else:
            run.play()
            self._follow()

    def one_step(self) -> None:
        """Search for one generation."""
        self._begun().step()
        self._follow("Measuring a generation ...")

    def end(self, wait: bool = False) -> None:
        """Stop the search, if there is one. The evaluation under way is finished and kept; what follows it is not begun."""
        if self.run is not None:
            self.run.stop(wait)
            self.run = None
            self._follow("Stopped. What was measured is kept.")

    def _begun(self) -> SearchRun:
        """The current search, or a new one if there is none."""
        if self.run is None:
            self.newest, self.model.run = 0, None
            self.run = self._new_run()
        return self.run

    def _new_run(self) -> SearchRun:
        objectives, evaluate = self._objectives(), self.model.accuracy
        measures = objectives[0].exact is None and evaluate is not None
        arguments = {"budget": self.budget.value, "population": self.population.value, "seed": self.seed.value}

        def search(watch: Watch) -> None:
            checked = Checked(evaluate, partial(self._begin, run), self._machine) if measures and evaluate else None
            store = self.settings.store if measures else None
            optimize(self.model.space, checked, objectives, algorithm, store=store, progress=False, watch=watch, **arguments)

        algorithm = self.algorithm.value
        run = SearchRun(
            search,
            self.budget.value,
            on_generation=lambda history: self._show(run, history),
            on_end=lambda error: self._finish(run, error),
            on_pause=lambda: self._rest(run),
        )
        return run

    def _objectives(self) -> tuple[Objective, Objective]:
        """The model's objectives; for an algorithm with a single objective, the budget bounds the cost."""
        quality, cost = self.model.objectives
        single = ALGORITHMS[self.algorithm.value].n_goals[1] < 2
        return quality, replace(cost, at_most=self.model.budget) if single else cost

    def _begin(self, run: SearchRun) -> None:
        """Report that an evaluation begins; called in the search's thread."""
        run.check()
        run.n_begun += 1
        self._post(self._tell, run, f"Measuring network {run.n_begun} of this generation ...")

    def _tell(self, run: SearchRun, text: str) -> None:
        if run is self.run and run.going:
            self._follow(text)

    def _rest(self, run: SearchRun) -> None:
        """Say that the search waits, unless it went on or ended meanwhile."""
        if run is self.run and not run.going:
            self._follow(f"Paused: {self._how_far()}")

    def _show(self, run: SearchRun, history: History) -> None:
        if run is not self.run:
            return
        self.newest = len(history) - (0 if self.model.run is None else len(self.model.run))
        with self.model.hold_trait_notifications():
            self.model.add(history[len(history) - self.newest :])
            self.model.run = history
        self._follow(self._how_far())

    def _how_far(self) -> str:
        """Evaluations so far; those of a generation count when it is complete."""
        done = self.model.run
        n, n_best = (0, 0) if done is None else (len(done), len(done.front()))
        begun = f", {self.run.n_begun} more of the next generation" if self.run is not None and self.run.n_begun else ""
        return f"{n} of {self.budget.value} evaluations{begun}, {n_best} on the front"

    def _finish(self, run: SearchRun, error: Exception | None) -> None:
        if run is self.run:
            self.run = None
            done = f"Done: {self.status.value}"
            self._follow(done if error is None else f"<b>{type(error).__name__}</b>: {escape(str(error))}")

    def _follow(self, text: str | None = None) -> None:
        """Make the buttons show what they would do now."""
        playing = self.run is not None and self.run.playing
        self.play.description, self.play.icon = ("Pause", "pause") if playing else ("Play", "play")
        self.step.disabled, self.stop.disabled = playing, self.run is None
        if text is not None:
            self.status.value = text
