"""One button: two algorithms search the same networks, and the page draws how fast each of them gets how far."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from nastoolkit.explorer.model import Model
from nastoolkit.explorer.pictures import Picture
from nastoolkit.explorer.race_run import RaceRun, Standing, Track
from nastoolkit.explorer.race_view import race_html
from nastoolkit.search import ALGORITHMS
from nastoolkit.support.display_names import algorithm_name

N_SEEDS, BUDGET, POPULATION = 3, 100, 20
LOWEST = 80.0  # accuracy in % of the reference point; that of the benchmark ``digits-mbv3-table``


class RacePanel(widgets.VBox):
    """The race. Its evaluations are stored accuracies, or exact objectives: they take no time; without either it is left out.

    Args:
        model: Model that says what is searched, and for what.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.run: RaceRun | None = None
        self._standing: Standing | None = None
        both = [(algorithm_name(name), name) for name, algorithm in ALGORITHMS.items() if algorithm.n_goals[1] >= 2]
        self.sides = [widgets.Dropdown(options=both, value=name) for name in ("linas", "random")]
        self.go = widgets.Button(description="Race", icon="flag-checkered").add_class("explorer-race")
        self.picture = Picture()
        self.picture.layout.display = "none"
        controls = widgets.HBox([self.sides[0], widgets.Label("against"), self.sides[1], self.go])
        title = widgets.HTML("<h4>Race two algorithms</h4>")
        super().__init__([title, controls.add_class("explorer-fields"), self.picture])
        self.add_class("explorer-panel")
        self.go.on_click(lambda _: self.toggle())
        self.picture.observe(lambda _: self._draw(), "width")
        model.observe(lambda _: self._follow(), ["quality", "cost", "hardware"])
        self._follow()

    @property
    def track(self) -> Track | None:
        """What a race would be run on now; None where evaluations would take time."""
        model, objectives = self.model, self.model.objectives
        most = 1.05 * model.cost_range[1]
        if objectives[0].exact is not None:
            least = float(objectives[0].exact(model.space.smallest[None])[0])
            return Track(model.space, None, objectives, (least, most))
        if model.stored is None:
            return None
        return Track(model.stored.space, model.stored.evaluate, objectives, (LOWEST, most))

    def toggle(self) -> None:
        """Start a race, or end the one that runs."""
        if self.run is not None:
            self.run.stop(wait=False)
            return
        track = self.track
        assert track is not None
        names = self.sides[0].value, self.sides[1].value
        self._standing = Standing(names, BUDGET)
        self.run = RaceRun(track, self._standing, N_SEEDS, POPULATION, self._draw, self._end)
        self.go.description, self.go.icon, self.picture.layout.display = "End", "stop", None
        self._draw()
        self.run.start()

    def _draw(self) -> None:
        if self._standing is not None:
            self.picture.html = race_html(self._standing, self.picture.width)

    def _end(self, error: Exception | None) -> None:
        self._draw()
        if error is not None:
            self.picture.html = f"<b>{type(error).__name__}</b>: {escape(str(error))}"
        self.run = None
        self.go.description, self.go.icon = "Race", "flag-checkered"

    def _follow(self) -> None:
        """A race is possible, or not, with the current objectives; one that runs keeps its own."""
        self.layout.display = None if self.track else "none"

    def close(self) -> None:
        """End the race, and remove the panel."""
        if self.run is not None:
            self.run.stop()
        super().close()
