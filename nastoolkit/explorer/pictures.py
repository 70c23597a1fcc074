"""Our two custom widgets: a picture that can be clicked, and links that save files."""

from __future__ import annotations

from pathlib import Path

import anywidget
from traitlets import Dict, Int, Unicode

HERE = Path(__file__).parent
STYLE = HERE / "explorer.css"


class Picture(anywidget.AnyWidget):
    """HTML that knows how wide it is.

    A click on an element with ``data-genes`` sends a message ``{"genes": [...]}`` to ``on_msg``, and dragging one of class
    ``handle`` sends ``{"across": share of the width}``.

    Attributes:
        html: HTML that is shown.
        width: Width in pixels, reported by the browser.
    """

    _esm = HERE / "picture.js"
    _css = STYLE
    html = Unicode().tag(sync=True)
    width = Int(640).tag(sync=True)


class Files(anywidget.AnyWidget):
    """Links that save files.

    Attributes:
        files: Contents by file name.
    """

    _esm = HERE / "files.js"
    files = Dict().tag(sync=True)
