"""A button that measures the current sub-network: its accuracy on the validation data, its latency by the clock."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np

from nastoolkit.explorer.model import Model
from nastoolkit.explorer.worker import Worker

SECONDS = 0.5  # for the latency


class Measure(widgets.HBox):
    """The button, and a note on what it does; both are left out if there is nothing to measure.

    Args:
        model: Model with the current sub-network; it receives the measurements.
        worker: Worker that measures.
    """

    def __init__(self, model: Model, worker: Worker) -> None:
        self.model, self._worker = model, worker
        self.button = widgets.Button(description="Measure", icon="tachometer").add_class("explorer-measure")
        self.note = widgets.HTML().add_class("explorer-note")
        super().__init__([self.button, self.note] if model.tables or model.accuracy else [])
        self.add_class("explorer-measuring")
        self.button.on_click(lambda _: self.measure())

    def measure(self) -> None:
        """Start measuring the current sub-network on the current hardware."""
        genotype, hardware = np.array(self.model.genotype), self.model.hardware
        self.button.disabled, self.note.value = True, "Measuring ..."
        self._worker.do(lambda: self._values(genotype, hardware), lambda values: self._show(genotype, hardware, values))

    def _values(self, genotype: np.ndarray, hardware: str) -> tuple[float | None, float | None]:
        """Accuracy, and latency in ms; None if one cannot be measured."""
        accuracy, table = self.model.accuracy, self.model.tables.get(hardware)
        latency_ms = table.time_networks(genotype[None], SECONDS)[0].median_ms if table else None
        return float(accuracy(genotype[None])[0, 0]) if accuracy else None, latency_ms

    def _show(self, genotype: np.ndarray, hardware: str, values: Any) -> None:
        self.button.disabled, self.note.value = False, ""
        if isinstance(values, Exception):
            self.note.value = f"{type(values).__name__}: {escape(str(values))}"
            return
        accuracy, latency_ms = values
        if accuracy is not None:
            self.model.note_accuracy(genotype, accuracy)
        if latency_ms is not None:
            self.model.note_latency(genotype, hardware, latency_ms)
