"""Several spaces on one page: a menu of what ships, and of the space that the page began with."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from nastoolkit.explorer.machine_times import Times
from nastoolkit.explorer.model import Model
from nastoolkit.explorer.page import Explorer
from nastoolkit.explorer.start import first_model
from nastoolkit.explorer.worker import Worker

SPACES = {  # family and task of each; without a task, networks are compared by their costs alone
    "networks that read digits": ("digits-mbv3", "digits"),
    "networks that translate numbers": ("number-words-transformer", "number-words"),
    "MCUNet, for microcontrollers": ("mcunet-vww", ""),
}


class Spaces(widgets.VBox):
    """The menu, and the explorer of the chosen space. Each is made when it is chosen for the first time.

    Args:
        page: Explorer that the page begins with.
        times: What the other spaces' explorers time on this machine.
    """

    def __init__(self, page: Explorer, times: Times) -> None:
        self.page, self.times, self._worker = page, times, Worker()
        known = {family: name for name, (family, _) in SPACES.items()}
        first = known.get(page.model.family.name, page.model.family.name)
        self.pages = {first: page}
        names = list(dict.fromkeys([first, *SPACES]))
        self.menu = widgets.Dropdown(options=names, value=first, description="explore").add_class("explorer-space")
        self.note = widgets.HTML()
        self._head = widgets.HBox([self.menu, self.note]).add_class("explorer-spaces")
        super().__init__([self._head, page])
        self.menu.observe(lambda change: self.visit(change["new"]), "value")

    def visit(self, name: str) -> None:
        """Show the explorer of a space of the menu; its weights take a moment to load."""
        if name in self.pages:
            self._show(name)
            return
        family, task = SPACES[name]
        self.menu.disabled, self.note.value = True, "Loading ..."
        self._worker.do(lambda: first_model(family, "", task, self.times), lambda made: self._add(name, made))

    def _add(self, name: str, made: Model | Exception) -> None:
        """Make the explorer of a model, or say why there is none."""
        if isinstance(made, Exception):
            self.note.value = f"{type(made).__name__}: {escape(str(made))}"
        else:
            settings = self.page.search.settings
            store = settings.store and Path(settings.store).with_name(f"accuracy_{made.family.name}.sqlite")
            self.pages[name] = Explorer(made, replace(settings, store=store), self.times)
            self._show(name)
            self.note.value = ""
        self.menu.disabled = False

    def _show(self, name: str) -> None:
        """Put an explorer in the place of the one that is shown, whose search ends."""
        self.page.search.end()
        self.page = self.pages[name]
        self.children = (self._head, self.page)

    def close(self) -> None:
        """Close all pages too."""
        self._worker.close()
        for page in self.pages.values():
            page.close()
        super().close()

    def _repr_mimebundle_(self, **how: Any) -> dict[str, str]:
        """What notebooks show: the page, or the explorer's picture if there is no kernel."""
        picture = self.page._repr_mimebundle_(**how)["text/html"]
        return {**super()._repr_mimebundle_(**how), "text/html": picture}
