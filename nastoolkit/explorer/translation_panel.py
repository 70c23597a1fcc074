"""Type a number, and read it in German: what the smallest, the chosen and the largest network make of it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import ipywidgets as widgets

from nastoolkit.explorer.answer_panel import networks_of
from nastoolkit.explorer.model import Model
from nastoolkit.explorer.pictures import Picture
from nastoolkit.explorer.translations import LARGEST, Translated, question_of, translate
from nastoolkit.explorer.worker import Latest, Worker
from nastoolkit.tasks.number_words import english


class TranslationPanel(widgets.VBox):
    """The number, and the words. It is empty where nothing translates numbers.

    Args:
        model: Model with the current sub-network.
    """

    def __init__(self, model: Model) -> None:
        self.model, self.worker, self.asked = model, Worker(), question_of(model)
        self.latest, self.shown = Latest(self.worker), Picture()
        self.number = widgets.BoundedIntText(1_984, 1, LARGEST, description="number").add_class("explorer-number")
        title = widgets.HTML("<h4>Type a number: which networks know its German word?</h4>")
        super().__init__([title, self.number, self.shown] if self.asked else [])
        self.add_class("explorer-panel")
        self.number.observe(lambda _: self.ask(), "value")
        model.observe(lambda _: self.ask(), "genotype")
        self.ask()

    def ask(self) -> None:
        """Have the networks translate the number; while they do, only the last one waits."""
        if self.asked is None:
            return
        (supernet, task), number, networks = self.asked, self.number.value, networks_of(self.model)
        self.latest.do(
            lambda: {name: translate(supernet, task, genotype, number) for name, genotype in networks.items()},
            lambda found: self._show(number, found),
        )

    def _show(self, number: int, found: Any) -> None:
        if isinstance(found, Exception):
            self.shown.html = f"{type(found).__name__}: {escape(str(found))}"
        else:
            self.shown.html = translations_html(number, found)

    def close(self) -> None:
        """Translate no more, and remove the panel."""
        self.worker.close()
        super().close()


def translations_html(number: int, found: Mapping[str, Translated]) -> str:
    """The number in English, and a row for each network."""
    rows = "".join(
        f'<div class="explorer-answer {"right" if said.right else "wrong"}" data-network="{name}">'
        f'<b>{"✓" if said.right else "✗"}</b><span class="name">{name}<small>{said.ms:.0f} ms</small></span>'
        f"<span>{escape(said.word)}</span></div>"
        for name, said in found.items()
    )
    return f'<p class="explorer-legend">{escape(english(number))}</p><div class="explorer-answers">{rows}</div>'
