"""Export of extracted networks, as safetensors with a card and as ONNX compared with PyTorch, and loading them again."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from nastoolkit.blocks import Inputs, describe_block, each
from nastoolkit.families import Family, family_named
from nastoolkit.support.files import all_atomically

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Export:
    """Result of an export.

    Attributes:
        files: The ONNX file, the safetensors file and the JSON card.
        max_abs_difference: Largest difference between ONNX Runtime's and PyTorch's outputs.
    """

    files: tuple[Path, ...]
    max_abs_difference: float


def export_network(network: nn.Module, example: Inputs, folder: str | Path, card: Mapping[str, Any]) -> Export:
    """Write a network to ``network.onnx``, ``network.safetensors`` and ``network.json``, and run the first to check it.

    Args:
        network: Network with its final weights and statistics; it is set to evaluation mode.
        example: Inputs of the network, at least two; the exported batch size is free.
        folder: Folder to write to, made if missing.
        card: Description of the network and its measurements, as JSON types.

    Raises:
        ValueError: ONNX Runtime's outputs differ from PyTorch's by more than 1e-4, on the batch or on its first input.
        OSError: The disk is full, or the folder cannot be written. After any error, the files are as before.
    """
    network.eval()
    files = tuple(Path(folder) / f"network.{suffix}" for suffix in ("onnx", "safetensors", "json"))
    with all_atomically(*files) as (onnx, weights, text):
        _write_onnx(network, example, onnx)
        save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, weights)
        difference = max(onnx_difference(network, inputs, onnx) for inputs in (example, each(example, lambda part: part[:1])))
        if difference > TOLERANCE:
            raise ValueError(f"{files[0]} differs from PyTorch by {difference:.1e}, more than {TOLERANCE:.0e}")
        text.write_text(json.dumps({**card, "onnx_max_abs_difference": difference}, indent=1))
    return Export(files, difference)


def load_network(folder: str | Path, family: Family | None = None) -> nn.Module:
    """The network that ``nastoolkit export`` wrote to a folder, as it was found and calibrated, in evaluation mode.

    Args:
        folder: Folder with ``network.json`` and ``network.safetensors``, as :func:`export_network` and :func:`network_card`
            make them.
        family: Family of the network; by default the one with its name in ``FAMILIES``.

    Raises:
        FileNotFoundError: One of the two files is missing.
        ValueError: The card names no known family, or one whose networks have changed, or the weights do not fit.
    """
    card = json.loads((Path(folder) / "network.json").read_text())
    weights = load_file(Path(folder) / "network.safetensors")
    family = (family or family_named(card["family"])).fitting(weights)
    if family.fingerprint != card["family_fingerprint"]:
        raise ValueError(f"{folder} was exported when family {family.name!r} had other networks, or with choices of bits")
    network = family.build(np.array(card["genotype"]))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"the weights in {folder} do not fit its card: {error}") from error
    return network.eval()


def _write_onnx(network: nn.Module, example: Inputs, path: Path) -> None:
    """Export with a free batch size, without PyTorch's remarks about operators that no network here uses."""
    exporter_log = logging.getLogger("torch.onnx._internal.exporter")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.filterwarnings("ignore", "# The axis name", UserWarning)  # inputs of a tuple share their batch size
            shapes = each(example, lambda _: {0: "batch"})
            torch.onnx.export(
                network, (example,), path, dynamo=True, dynamic_shapes=(shapes,), external_data=False, verbose=False
            )
    finally:
        exporter_log.setLevel(level)


def network_card(family: Family, genotype: np.ndarray, measured: dict[str, Any]) -> dict[str, Any]:
    """Description of an exported network: family, genotype, options, plan, input, exact costs, and measured values."""
    return {
        **family.identity,
        "genotype": genotype.tolist(),
        "input_shape": list(family.input_shape(genotype)),
        "n_outputs": family.n_outputs,
        "options": family.space.decode(genotype),
        "plan": {name: describe_block(spec) for name, spec in family.plan(genotype)},
        "params": int(family.params(genotype)),
        "macs": int(family.macs(genotype)),
        **measured,
    }


@torch.inference_mode()
def onnx_difference(network: nn.Module, inputs: Inputs, path: str | Path) -> float:
    """Largest absolute difference between an ONNX file's outputs, by ONNX Runtime on the CPU, and the network's."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    parts = inputs if isinstance(inputs, tuple) else (inputs,)
    (outputs,) = session.run(None, {slot.name: part.numpy() for slot, part in zip(session.get_inputs(), parts, strict=True)})
    return float((torch.from_numpy(outputs) - network(inputs)).abs().max())
