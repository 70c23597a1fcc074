"""The explorer: a page of widgets with a control for every choice of a family; its effect is shown at once.

:class:`Model` is the state of the page, and :class:`Explorer` is the page. The model and all drawings use no widgets.
"""
# ruff: noqa: E402 - before anything imports widgets, it is said what to install

from nastoolkit.support.extras import needed

for library in ("ipywidgets", "anywidget"):
    needed(library, "the explorer")

from nastoolkit.explorer.machine_times import Times
from nastoolkit.explorer.model import Model
from nastoolkit.explorer.page import Explorer
from nastoolkit.explorer.search_panel import SearchSettings
from nastoolkit.explorer.spaces import Spaces
from nastoolkit.explorer.start import first_model

__all__ = ["Explorer", "Model", "SearchSettings", "Spaces", "Times", "first_model"]
