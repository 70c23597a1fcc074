"""The explorer: a page of widgets on which every choice of a family is a control, and its effect is seen at once.

:class:`Model` is what the page shows and :class:`Explorer` is the page. The model and all drawings are free of widgets.
"""
# ruff: noqa: E402 - before anything imports widgets, it is said what to install

from nastoolkit.support.extras import needed

for library in ("ipywidgets", "anywidget"):
    needed(library, "the explorer")

from nastoolkit.explorer.model import Model
from nastoolkit.explorer.page import Explorer
from nastoolkit.explorer.search_panel import SearchSettings

__all__ = ["Explorer", "Model", "SearchSettings"]
