"""The page: controls next to the network, its totals, the front of the study, and the search.

A program that drives the page in a browser finds everything by these classes. Controls: ``explorer-choice-<name>`` with
dashes for dots, as in ``explorer-choice-stage1-depth`` (depth is a slider, kernel and expand are buttons). Totals:
``.explorer-total[data-total=latency_ms] .value``, also with ``accuracy``, ``macs`` and ``params``. Blocks:
``.explorer-card[data-block="stage1.block2"]``, with class ``empty`` if left out. The front: ``.explorer-front-picture``,
points ``circle.point[data-genes]``, the current sub-network ``polygon.current``. Selections: ``explorer-quality``,
``explorer-cost``, ``explorer-hardware``, ``explorer-algorithm``. The budget's slider: ``explorer-budget``; its line can be
dragged by ``.explorer-front-picture .handle``. Buttons: ``explorer-measure``, ``explorer-play``, ``explorer-step``,
``explorer-stop``, ``explorer-make-files``, ``explorer-race``, ``explorer-take``, ``explorer-clear``, ``explorer-pin``,
``explorer-use-times``; links to files: ``.explorer-files a``. Current activity: ``explorer-status``, and of this machine's
latencies ``explorer-times``. The square to draw on: ``.explorer-sketch-canvas``; answers:
``.explorer-answer[data-network=smallest] b``, also with ``chosen`` and ``largest``. The race: ``.explorer-race-picture``.
Compared blocks: ``.explorer-pair[data-block]``. The link: ``.explorer-link a``.
"""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np

from nastoolkit.explorer.answer_panel import AnswerPanel
from nastoolkit.explorer.choices import Choices
from nastoolkit.explorer.download import Download
from nastoolkit.explorer.front_view import Axis, axes_of, front_html, marks_html
from nastoolkit.explorer.machine_times import MachineTimes, Times
from nastoolkit.explorer.measure import Measure
from nastoolkit.explorer.model import Model
from nastoolkit.explorer.network_view import network_html
from nastoolkit.explorer.permalink import Permalink
from nastoolkit.explorer.pictures import STYLE, Picture
from nastoolkit.explorer.pin import Pin
from nastoolkit.explorer.race_panel import RacePanel
from nastoolkit.explorer.search_panel import SearchPanel, SearchSettings
from nastoolkit.explorer.shares_view import shares_html
from nastoolkit.explorer.totals_view import totals_html
from nastoolkit.explorer.translation_panel import TranslationPanel
from nastoolkit.explorer.worker import Worker, later

CALM = 5.0  # s for the page to appear, and for the first answers, before latencies are taken
SELECTIONS = {"hardware": "hardware", "quality": "maximise", "cost": "minimise"}


class Explorer(widgets.VBox):
    """Everything about the sub-networks of one model.

    Without a kernel, as in a saved notebook or a page made from one, it shows a picture of its initial state.

    Args:
        model: State that it shows.
        settings: Initial settings of searches.
        times: Latencies of this machine to take in the background; None for none.
    """

    def __init__(self, model: Model, settings: SearchSettings | None = None, times: Times | None = None) -> None:
        self.model = model
        self.worker = Worker()
        self.totals, self.network, self.front, self.shares = Picture(), Picture(), Picture(), Picture()
        self.pin, self.link = Pin(model), Permalink(model)
        self.common = widgets.Accordion([self.shares], titles=("What the networks on the front share",)).add_class(
            "explorer-group"
        )
        self.settings = [self._selection(name, about) for name, about in SELECTIONS.items()]
        self.choices, self.measure, self.download = Choices(model), Measure(model, self.worker), Download(model, self.worker)
        self.times = MachineTimes(model, times)
        self.search = SearchPanel(model, settings or SearchSettings(), self.worker.machine)
        self.answers, self.translations, self.race = AnswerPanel(model), TranslationPanel(model), RacePanel(model)
        self.budget = widgets.FloatSlider(description="budget").add_class("explorer-budget")
        super().__init__(self._parts())
        self.add_class("explorer")
        self._axes: tuple[Axis, Axis] | None = None
        self._join()
        self._reset_budget()
        self.draw()
        later(CALM, self.times.start)

    def _parts(self) -> list[widgets.Widget]:
        """The page's areas; the style sheet places them."""
        middle = _area("middle", _area("front", self.front), _area("study", self.budget, self.search))
        buttons = widgets.HBox([self.pin.buttons, self.download]).add_class("explorer-fields")
        play = _area("play", self.answers, self.translations, self.race)
        return [
            _area("settings", *self.settings, self.measure, self.link, self.times),
            _area("totals", self.totals),
            _area("work", _area("side", self.choices), middle, play),
            _area("network", buttons, self.pin, self.network, self.common),
        ]

    def _selection(self, name: str, about: str) -> widgets.Dropdown:
        """A menu of the model's options for a trait, kept in sync with it."""
        selection = widgets.Dropdown(description=about).add_class(f"explorer-{name}")

        def choose(change: Any) -> None:
            self.model.set_trait(name, change["new"])

        def follow(_: Any = None) -> None:
            selection.unobserve(choose, "value")  # setting options selects the first one
            selection.options = self._options(name)
            selection.value = getattr(self.model, name) or None
            selection.layout.display = None if selection.options else "none"
            selection.observe(choose, "value")

        selection.observe(choose, "value")
        follow()
        self.model.observe(follow, [*SELECTIONS, "tables"])
        return selection

    def _options(self, name: str) -> list[tuple[str, str]]:
        """The values that a trait can have, each with its label."""
        if name == "hardware":
            return [(text, text) for text in self.model.tables]
        return [(o.label, o.name) for o in (self.model.qualities if name == "quality" else self.model.costs).values()]

    def _join(self) -> None:
        """Connect the parts, so that each follows the others."""
        self.model.observe(lambda _: self.draw(), ["genotype", "hardware"])
        self.model.observe(lambda _: self.draw_front(), ["quality", "cost", "budget", "run", "pinned", "hardware", "measured"])
        self.model.observe(lambda _: self.draw_shares(), ["quality", "cost", "hardware", "measured"])
        self.common.observe(lambda _: self.draw_shares(), "selected_index")
        self.model.observe(lambda _: self.draw_totals(), ["measured", "latencies"])
        self.model.observe(lambda _: self._reset_budget(), ["cost", "hardware", "quality"])
        self.budget.observe(lambda change: self._spend(change["new"]), "value")
        self.front.on_msg(lambda _, content, __: self._point_at(content))
        self.front.observe(lambda _: self.draw_front(), "width")

    def draw(self) -> None:
        """Redraw everything."""
        self.draw_totals()
        self.network.html = network_html(self.model)

    def draw_totals(self) -> None:
        """Draw the totals, and mark the current sub-network in the picture of the front."""
        self.totals.html = totals_html(self.model)
        axes = axes_of(self.model, self.front.width)
        if axes == self._axes:
            self.front.marks = marks_html(self.model, axes)
        else:
            self.draw_front()

    def draw_front(self) -> None:
        """Draw the front."""
        self._axes = axes_of(self.model, self.front.width)
        self.front.marks = marks_html(self.model, self._axes)
        self.front.html = front_html(self.model, self.front.width, self.search.newest)

    def draw_shares(self) -> None:
        """Draw what the front's networks share, if that is open."""
        if self.common.selected_index is not None:
            self.shares.html = shares_html(self.model)

    def _reset_budget(self) -> None:
        """Make the budget's slider reach from the cheapest to the most expensive sub-network."""
        low, high = self.model.cost_range
        with self.budget.hold_trait_notifications():
            self.budget.min, self.budget.max, self.budget.step = low, high, (high - low) / 200 or 1.0
            self.budget.value, self.budget.readout_format = self.model.budget, ".4g" if high < 1e4 else ".3s"

    def _point_at(self, content: dict[str, Any]) -> None:
        """Load the clicked point, or set the budget that the line was dragged to."""
        if "genes" in content:
            self.model.show(np.array(content["genes"]))
        else:
            across, _ = axes_of(self.model, self.front.width)
            budget = across.value(content["across"] * self.front.width)
            self.budget.value = min(max(budget, self.budget.min), self.budget.max)

    def _spend(self, budget: float) -> None:
        """Set a budget chosen by hand, and load the best known sub-network within it."""
        if budget != self.model.budget:
            self.model.budget = budget
            best = self.model.within_budget()
            if len(best):
                self.model.show(best.genotypes[0])

    def close(self) -> None:
        """Stop running work and remove the page."""
        self.search.end(wait=True)
        self.times.close()
        self.answers.close()
        self.translations.close()
        self.race.close()
        self.worker.close()
        super().close()

    def _repr_mimebundle_(self, **how: Any) -> dict[str, str]:
        """What notebooks show: the page, or its picture if there is no kernel."""
        self.draw_front()
        style = f"<style>{STYLE.read_text()}</style>"
        pictures = "".join(picture.html for picture in (self.totals, self.network, self.front))
        return {**super()._repr_mimebundle_(**how), "text/html": f'{style}<div class="explorer">{pictures}</div>'}


def _area(name: str, *parts: widgets.Widget) -> widgets.VBox:
    return widgets.VBox(parts).add_class(f"explorer-area-{name}")
