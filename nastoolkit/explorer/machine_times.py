"""Latencies of this machine: they are taken while the page is in use, and one quiet line says how far that is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from html import escape
from pathlib import Path

import ipywidgets as widgets

from nastoolkit.explorer.model import Model
from nastoolkit.explorer.worker import poster
from nastoolkit.latency.conditions import kept_table, take_table
from nastoolkit.studies.processes import Processes


@dataclass(frozen=True)
class Times:
    """What is to be timed.

    Attributes:
        hardware: Texts, each as :func:`nastoolkit.latency.read_hardware` reads it.
        folder: Folder that keeps the tables.
        n_contexts: Number of networks in which each block is timed.
        seconds: Time for each table, in s.
    """

    hardware: Sequence[str]
    folder: Path
    n_contexts: int
    seconds: float


class MachineTimes(widgets.HBox):
    """The line, and a button that uses the latencies when they are there: nothing changes under a visitor's hands.

    They are taken in a process of its own, whose work does not hold up the page. The clock compares all times with those of a
    reference network, so that searches on the page may run meanwhile.

    Args:
        model: Model that receives the tables.
        times: What is to be timed; None for nothing.
    """

    def __init__(self, model: Model, times: Times | None) -> None:
        self.model, self.times, self._post = model, times, poster()
        self.note = widgets.HTML().add_class("explorer-times")
        self.use = widgets.Button(description="Use them", layout={"display": "none"}).add_class("explorer-use-times")
        super().__init__([self.note, self.use])
        self.add_class("explorer-measuring")
        self.use.on_click(lambda _: self._use())
        self.missing = [text for text in (times.hardware if times else ()) if text not in model.tables]
        self._came: list[str] = []
        self._said: list[str] = []
        self._process = Processes(1)

    def start(self) -> None:
        """Begin with the first missing table."""
        if self.times is None or not self.missing:
            self._finish()
            return
        text, times = self.missing[0], self.times
        whose = "Latencies are stored ones of another machine" if self.model.stored else "No latencies yet"
        self._say(f"{whose}; this machine's are being taken in the background ({text}) ...")
        taken = self._process.submit(take_table, text, self.model.family, times.folder, times.n_contexts, times.seconds)
        taken.add_done_callback(lambda done: done.cancelled() or self._post(self._arrived, text, done))

    def _arrived(self, text: str, done: Future) -> None:
        """Offer the table that was just taken, or say why there is none, and take the next one."""
        self.missing.remove(text)
        error, times = done.exception(), self.times
        table = None if error or times is None else kept_table(text, self.model.family, times.folder, times.n_contexts)
        if table is None:
            self._said.append(f"{text} could not be timed here: {error}.")
        else:
            self._said += [f"{text}: {warning.partition(':')[0]}." for warning in done.result()]
            self._came.append(text)
            self.model.add_table(text, table)
        self.start()

    def _finish(self) -> None:
        here = f"This machine's latencies are here: {', '.join(self._came)}." if self._came else ""
        told = dict.fromkeys([here, *self._said])
        self._say(" ".join(part for part in told if part))
        self.use.layout.display = None if self._came and self.model.hardware not in self._came else "none"

    def _use(self) -> None:
        self.model.hardware = self._came[0]
        self._say("")
        self.use.layout.display = "none"

    def _say(self, text: str) -> None:
        self.note.value = escape(text)

    def close(self) -> None:
        """Take no more tables, and remove the line."""
        self._process.shutdown(wait=False, cancel_futures=True)
        super().close()
