"""The current sub-network as files to save: ONNX, safetensors and a JSON card with its genotype."""

from __future__ import annotations

import json
import tempfile
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np

from nastoolkit.explorer.model import Model
from nastoolkit.explorer.pictures import Files
from nastoolkit.explorer.worker import Worker
from nastoolkit.export import export_network, network_card


def files_of(model: Model, genotype: np.ndarray) -> dict[str, bytes]:
    """Files by name for one sub-network; only the card if there are no weights.

    The weights are calibrated as for the accuracy, which the card contains.
    """
    stem = model.family.name
    table: dict[str, Any] = {}
    if model.table is not None:
        table = {"table_ms": float(model.table.latency_ms(genotype)), "conditions": model.table.conditions}
    if model.accuracy is None:
        card = network_card(model.family, genotype, table)
        return {f"{stem}.json": json.dumps(card, indent=1).encode()}
    supernet, task = model.accuracy.supernet, model.accuracy.task
    network = supernet.extract(genotype)
    measured = {f"{task.metric}_validation": model.accuracy.of_network(network, genotype), "weights": supernet.fingerprint}
    example = next(task.split("validation").batches(8, model.family.input_shape(genotype))).inputs
    with tempfile.TemporaryDirectory() as folder:
        made = export_network(network, example, folder, network_card(model.family, genotype, {**measured, **table}))
        return {f"{stem}{Path(file).suffix}": Path(file).read_bytes() for file in made.files}


class Download(widgets.VBox):
    """A button that makes the files, and links that save them; the links go when the sub-network changes.

    Args:
        model: Model with the current sub-network.
        worker: Worker that makes the files.
    """

    def __init__(self, model: Model, worker: Worker) -> None:
        self.model, self._worker = model, worker
        what = "ONNX, safetensors, JSON" if model.accuracy else "genotype as JSON"
        self.button = widgets.Button(description=f"Make files: {what}", icon="download").add_class("explorer-make-files")
        self.links = Files().add_class("explorer-files")
        self.status = widgets.HTML()
        super().__init__([self.button, self.status, self.links])
        self.add_class("explorer-download")
        self.button.on_click(lambda _: self.make())
        model.observe(lambda _: self._clear(), "genotype")

    def make(self) -> None:
        """Make the files of the current sub-network."""
        genotype = np.array(self.model.genotype)
        self.button.disabled, self.status.value = True, "Exporting, and comparing ONNX Runtime with PyTorch ..."
        self._worker.do(lambda: files_of(self.model, genotype), lambda result: self._offer(genotype, result))

    def _offer(self, genotype: np.ndarray, result: Any) -> None:
        self.button.disabled = False
        if isinstance(result, Exception):
            self.status.value = f"{type(result).__name__}: {escape(str(result))}"
        elif np.array_equal(genotype, self.model.genotype):
            self.status.value, self.links.files = "Click to save:", result

    def _clear(self) -> None:
        self.links.files, self.status.value = {}, ""
