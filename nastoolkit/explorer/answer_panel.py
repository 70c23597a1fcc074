"""Draw a digit, or take one, and see what the smallest, the chosen and the largest network say while you draw."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np

from nastoolkit.explorer.answer_view import answers_html
from nastoolkit.explorer.answers import Answer, Answers, can_draw
from nastoolkit.explorer.model import Model
from nastoolkit.explorer.pictures import Picture, Sketch
from nastoolkit.explorer.worker import Latest, Worker


class AnswerPanel(widgets.VBox):
    """The square to draw on, and the answers. It is empty where there is nothing to draw.

    It has a worker of its own, so that answers come while a search measures: they time nothing that is kept.

    Args:
        model: Model with the current sub-network.
    """

    def __init__(self, model: Model) -> None:
        self.model, self.worker = model, Worker()
        self.answers = Answers(model.accuracy) if model.accuracy is not None and can_draw(model.accuracy) else None
        self.sketch, self.shown = Sketch().add_class("explorer-sketch"), Picture()
        self.take = widgets.Button(description="Take one", icon="random", tooltip="a digit that no training saw")
        self.clear = widgets.Button(description="Clear", icon="eraser")
        self.take.add_class("explorer-take").on_click(lambda _: self._take())
        self.clear.add_class("explorer-clear").on_click(lambda _: self._empty())
        self.latest, self._n_taken = Latest(self.worker), 0
        self._truth: int | None = None
        buttons = widgets.HBox([self.take, self.clear]).add_class("explorer-buttons")
        parts = [widgets.VBox([self.sketch, buttons]), self.shown]
        title = widgets.HTML("<h4>Draw a digit: which networks can read it?</h4>")
        super().__init__([title, widgets.HBox(parts).add_class("explorer-drawing")] if self.answers else [])
        self.add_class("explorer-panel")
        self.sketch.observe(lambda _: self.ask(), "ink")
        model.observe(lambda _: self.ask(), "genotype")
        if self.answers:
            self._take()

    def ask(self) -> None:
        """Have the networks answer to what is drawn; while they do, only the last drawing waits."""
        if self.answers is None:
            return
        if self.sketch.drawn:
            self._truth = None
        ink, networks, answers = np.frombuffer(self.sketch.ink, dtype=np.uint8), networks_of(self.model), self.answers
        image = ink.reshape(self.sketch.size, self.sketch.size) / 255
        if ink.any():
            self.latest.do(lambda: {name: answers.answer(genes, image) for name, genes in networks.items()}, self._show)
        else:
            self.latest.do(lambda: dict.fromkeys(networks), self._show)

    def _show(self, found: Any) -> None:
        if isinstance(found, Exception):
            self.shown.html = f"{type(found).__name__}: {escape(str(found))}"
        else:
            self._draw(found)

    def _draw(self, found: dict[str, Answer | None]) -> None:
        assert self.model.accuracy is not None
        classes = getattr(self.model.accuracy.task, "digits", ())
        self.shown.html = answers_html(found, classes, self._truth)

    def _take(self) -> None:
        """Put an image on the square that was in no training."""
        assert self.answers is not None
        ink, self._truth = self.answers.take(self._n_taken)
        self._n_taken += 1
        self.sketch.drawn = False
        self.sketch.ink = np.rint(255 * ink.clip(0, 1)).astype(np.uint8).tobytes()

    def _empty(self) -> None:
        self.sketch.drawn = True
        self.sketch.ink = bytes(self.sketch.size**2)

    def close(self) -> None:
        """Answer no more, and remove the panel."""
        self.worker.close()
        super().close()


def networks_of(model: Model) -> dict[str, np.ndarray]:
    """The genotypes that answer, by name."""
    return {"smallest": model.space.smallest, "chosen": np.array(model.genotype), "largest": model.space.largest}
