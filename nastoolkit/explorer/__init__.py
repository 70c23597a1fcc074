"""The explorer: a page of widgets on which every choice of a family is a control, and its effect is seen at once.

:class:`Model` is what the page shows and :class:`Explorer` is the page. The model and all drawings are free of widgets.
"""

try:
    import anywidget  # noqa: F401
    import ipywidgets  # noqa: F401
except ImportError as error:
    raise ImportError(
        'the explorer needs ipywidgets and anywidget; install them with: pip install "nastoolkit[notebooks]"'
    ) from error

from nastoolkit.explorer.model import Model
from nastoolkit.explorer.page import Explorer
from nastoolkit.explorer.search_panel import SearchSettings

__all__ = ["Explorer", "Model", "SearchSettings"]
