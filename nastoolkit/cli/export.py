"""``nastoolkit export``: a sub-network as ONNX and safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from nastoolkit.cli.options import AsJson, Checkpoint, FamilyName
from nastoolkit.export import export_network, network_card
from nastoolkit.families import Family
from nastoolkit.files import check_output_folder
from nastoolkit.measurements import Accuracy
from nastoolkit.supernet import load_supernet
from nastoolkit.tasks import TASKS
from nastoolkit.terminal import known, show


def export(
    genotype: Annotated[str, typer.Argument(help="Genes separated by commas, as `nastoolkit search` prints them.")],
    output: Annotated[Path, typer.Option(help="Folder for network.onnx, network.safetensors, network.json.")],
    family: FamilyName = "digits-mbv3",
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASKS)}.")] = "digits",
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Extract a sub-network, calibrate it, and write it as ONNX and safetensors, checked in ONNX Runtime."""
    supernet = load_supernet(family, checkpoint)
    genes = _genotype(supernet.family, genotype)
    data, network = known("task", task, TASKS)(), supernet.extract(genes)
    check_output_folder(output)
    measured = {f"{data.metric}_validation": Accuracy(supernet, data, progress=not as_json).of_network(network, genes)}
    card = network_card(supernet.family, genes, {**measured, "weights": supernet.fingerprint})
    example = next(data.split("validation").batches(8, supernet.family.input_shape(genes))).inputs
    made = export_network(network, example, output, card)
    result = {"files": [str(file) for file in made.files], "onnx_max_abs_difference": made.max_abs_difference}
    show({**result, **measured}, as_json)


def _genotype(family: Family, text: str) -> np.ndarray:
    try:
        genes = [int(gene) for gene in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"a genotype is integers separated by commas, got {text!r}") from None
    return family.space.canonical(np.array(genes))
