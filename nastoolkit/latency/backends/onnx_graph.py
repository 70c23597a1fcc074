"""Networks as ONNX graphs whose nodes keep the names of PyTorch's modules, for the runtimes that read ONNX.

PyTorch's older, tracing exporter writes them: it takes a tenth of the time of the one in :mod:`nastoolkit.export`, and a table
needs dozens of networks.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.latency.backends.base import shares

OUTPUT = "output"


def exported(network: nn.Module, inputs: Inputs) -> bytes:
    """The network in evaluation mode as an ONNX file."""
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options: dict[str, Any] = {
            "dynamo": False,
            "opset_version": 17,
            "do_constant_folding": False,
            "output_names": [OUTPUT],
        }
        torch.onnx.export(network.eval(), (inputs,), file, **options)  # type: ignore[arg-type]
    return file.getvalue()


def arrays(inputs: Inputs) -> list[np.ndarray]:
    """The parts of a batch, in the order of the graph's inputs."""
    return [part.numpy() for part in (inputs if isinstance(inputs, tuple) else (inputs,))]


def fed(names: Sequence[str], inputs: Inputs) -> dict[str, np.ndarray]:
    """The parts of a batch by the names of the graph's inputs."""
    return dict(zip(names, arrays(inputs), strict=True))


def node_shares(runs: Iterable[Sequence[tuple[str, float]]], names: Sequence[str]) -> np.ndarray | None:
    """Shares ``(len(names),)`` of blocks in the time of all nodes, from runs of (node, time) in order of execution.

    None if nodes do not say which block they belong to, as in networks that are not chains of blocks.
    """
    times = np.array([block_times(run, names) for run in runs])
    n_nameless = (times == 0).all(axis=0).sum()
    return shares(times) if n_nameless <= len(names) // 3 else None  # a few are fused into others


def block_times(nodes: Sequence[tuple[str, float]], names: Sequence[str]) -> list[float]:
    """Time of all nodes of each block; a node of no block belongs to the block before it, a fused last one to the output."""
    prefixes = {f"{name}.": name for name in names} | {OUTPUT: names[-1]}
    totals, block = dict.fromkeys(names, 0.0), names[0]
    for node, time in nodes:
        path = node.removeprefix("/").replace("/", ".")
        block = next((name for prefix, name in prefixes.items() if path.startswith(prefix)), block)
        totals[block] += time
    return list(totals.values())
