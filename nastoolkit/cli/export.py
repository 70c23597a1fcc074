"""``nastoolkit export``: a sub-network as ONNX and safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from nastoolkit.cli.options import AsJson, Checkpoint, FamilyName
from nastoolkit.cli.search import COSTS
from nastoolkit.cli.stored import PICKS, picked
from nastoolkit.cli.terminal import known, show
from nastoolkit.export import export_network, network_card
from nastoolkit.families import Family
from nastoolkit.latency import LookupTable
from nastoolkit.measurements import Accuracy
from nastoolkit.published import read_configuration
from nastoolkit.supernets import load_supernet
from nastoolkit.support.files import check_output_folder
from nastoolkit.tasks import TASKS


def export(
    output: Annotated[Path, typer.Option(help="Folder to write network.onnx, network.safetensors and network.json to.")],
    genotype: Annotated[str, typer.Argument(help="Genes separated by commas, as `nastoolkit search` prints them.")] = "",
    config: Annotated[Path | None, typer.Option(help="Instead of a genotype: a file of Once-for-All, NAT or HAT.")] = None,
    resolution: Annotated[int | None, typer.Option(help="Input height and width, if not the file's.")] = None,
    store: Annotated[Path | None, typer.Option(help="Instead of a genotype: the store of a search; see --pick.")] = None,
    pick: Annotated[str | None, typer.Option(help=f"Which network of the store: {PICKS}; most-accurate by default.")] = None,
    cost: Annotated[str | None, typer.Option(help=f"Cost axis of the store's front: {', '.join(COSTS)}.")] = None,
    table: Annotated[Path | None, typer.Option(help="Latency table: for --pick, and for the network's card.")] = None,
    family: FamilyName = "digits-mbv3",
    task: Annotated[str, typer.Option(help=f"Data set to calibrate and check on: {', '.join(TASKS)}.")] = "digits",
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Write one network as ONNX and safetensors, checked in ONNX Runtime.

    The network is extracted from the supernet, and its batch normalisation is calibrated on training data.
    """
    if sum([bool(genotype), config is not None, store is not None]) != 1:
        raise typer.BadParameter("name one sub-network, by its genotype, by --config FILE, or by --store FILE and --pick")
    if store is None and (pick or cost):
        raise typer.BadParameter("--pick and --cost choose among the networks of a store: add --store FILE")
    supernet = load_supernet(family, checkpoint)
    if store is not None:
        genes = picked(store, supernet.family, pick or "most-accurate", cost or "mmacs", table)
    elif config is not None:
        genes = read_configuration(supernet.family, config, resolution)
    else:
        genes = _genotype(supernet.family, genotype)
    data, network = known("task", task, TASKS)(), supernet.extract(genes)
    check_output_folder(output)
    measured = {f"{data.metric}_validation": Accuracy(supernet, data, progress=not as_json).of_network(network, genes)}
    timed = {} if table is None else _timed(LookupTable.load(table, supernet.family), genes)
    about = {"task": data.name, "normalisation": getattr(data, "normalisation", None)}
    card = network_card(supernet.family, genes, {**about, **measured, **timed, "weights": supernet.fingerprint})
    example = next(data.split("validation").batches(8, supernet.family.input_shape(genes))).inputs
    made = export_network(network, example, output, card)
    result = {"files": [str(file) for file in made.files], "onnx_max_abs_difference": made.max_abs_difference}
    show({**result, **measured}, as_json)


def _timed(table: LookupTable, genes: np.ndarray) -> dict[str, Any]:
    """The latency that a table predicts, and the conditions of its measurement."""
    return {"latency_ms": float(table.latency_ms(genes)), "latency_conditions": table.conditions}


def _genotype(family: Family, text: str) -> np.ndarray:
    try:
        genes = [int(gene) for gene in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"a genotype must be integers separated by commas, got {text!r}") from None
    return family.space.canonical(np.array(genes))
