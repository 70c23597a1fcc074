"""Two buttons: one keeps the current network for comparison, the other lets go of it."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np

from nastoolkit.explorer.compare_view import compare_html
from nastoolkit.explorer.model import Model
from nastoolkit.explorer.pictures import Picture


class Pin(widgets.VBox):
    """The comparison of the pinned network with the current one.

    Args:
        model: Model that holds both.

    Attributes:
        buttons: The two buttons, to be placed beside others.
    """

    def __init__(self, model: Model) -> None:
        self.model, self.picture = model, Picture()
        self.pin = widgets.Button(description="Pin this network", icon="thumb-tack").add_class("explorer-pin")
        self.unpin = widgets.Button(description="Unpin", icon="times").add_class("explorer-unpin")
        self.buttons = widgets.HBox([self.pin, self.unpin]).add_class("explorer-buttons")
        super().__init__([self.picture])
        self.pin.on_click(lambda _: model.set_trait("pinned", np.array(model.genotype)))
        self.unpin.on_click(lambda _: model.set_trait("pinned", None))
        model.observe(lambda _: self.draw(), ["pinned", "genotype", "hardware", "measured"])
        self.draw()

    def draw(self) -> None:
        """Draw the comparison, or nothing."""
        self.picture.html = compare_html(self.model)
        self.unpin.layout.display = self.picture.layout.display = "none" if self.model.pinned is None else None
