"""Our custom widgets: a picture that can be clicked, links that save files, and a square to draw on."""

from __future__ import annotations

from pathlib import Path

import anywidget
from traitlets import Bool, Bytes, Dict, Int, Unicode

HERE = Path(__file__).parent
STYLE = HERE / "explorer.css"


class Picture(anywidget.AnyWidget):
    """HTML that knows how wide it is.

    A click on an element with ``data-genes`` sends a message ``{"genes": [...]}`` to ``on_msg``, and dragging one of class
    ``handle`` sends ``{"across": share of the width}``.

    Attributes:
        html: HTML that is shown.
        marks: What replaces the content of its element of class ``marks``; empty for no change.
        width: Width in pixels, reported by the browser.
    """

    _esm = HERE / "picture.js"
    _css = STYLE
    html = Unicode().tag(sync=True)
    marks = Unicode().tag(sync=True)
    width = Int(640).tag(sync=True)


class Files(anywidget.AnyWidget):
    """Links that save files.

    Attributes:
        files: Contents by file name.
    """

    _esm = HERE / "files.js"
    files = Dict().tag(sync=True)


class Sketch(anywidget.AnyWidget):
    """A square that can be drawn on.

    Attributes:
        size: Number of pixels of a side.
        ink: Ink of the pixels, row by row: a byte each.
        drawn: Whether the visitor drew it; the next stroke on an image of another origin begins a new drawing.
    """

    _esm = HERE / "sketch.js"
    size = Int(32).tag(sync=True)
    ink = Bytes(bytes(32 * 32)).tag(sync=True, from_json=lambda told, _: bytes(told))
    drawn = Bool(True).tag(sync=True)


class Address(anywidget.AnyWidget):
    """The part of the app's address after ``#``; a visit with one sends it as ``{"state": ...}`` to ``on_msg``.

    Attributes:
        state: The part that the page's address should have.
        problem: What is said beside the link.
    """

    _esm = HERE / "address.js"
    state = Unicode().tag(sync=True)
    problem = Unicode().tag(sync=True)
