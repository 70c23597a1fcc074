"""ONNX Runtime on the CPU. It fuses operators, so blocks are timed by its own profile, whose nodes keep the modules' names.

The network is exported by PyTorch's older, tracing exporter: it takes a tenth of the time of the one that
:mod:`nastoolkit.export` uses, and a table needs dozens of networks.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from nastoolkit.blocks import Inputs

KERNEL = "_kernel_time"
OUTPUT = "output"


class OnnxRuntime:
    """See :class:`nastoolkit.measurements.backends.Runner`."""

    def __init__(self, network: nn.Module, inputs: Inputs, threads: int) -> None:
        self.threads = threads
        self.model = _exported(network.eval(), inputs)
        self.session = self._session()
        parts = inputs if isinstance(inputs, tuple) else (inputs,)
        slots = [slot.name for slot in self.session.get_inputs()]
        self.feed = {slot: part.numpy() for slot, part in zip(slots, parts, strict=True)}

    def __call__(self) -> object:
        """Run the batch once."""
        return self.session.run(None, self.feed)

    def block_seconds(self, names: Sequence[str], n_runs: int) -> dict[str, list[float]]:
        """See :class:`nastoolkit.measurements.backends.Runner`; a node of no block belongs to the block before it.

        Raises:
            ValueError: The exported nodes do not tell which block they are of, as in networks that are no chain of blocks.
        """
        with tempfile.TemporaryDirectory() as folder:
            session = self._session(profile=str(Path(folder) / "profile"))
            for _ in range(n_runs + 1):
                session.run(None, self.feed)
            events = json.loads(Path(session.end_profiling()).read_text())
        kernels = sorted((event for event in events if event["name"].endswith(KERNEL)), key=lambda event: event["ts"])
        runs = np.array_split(np.arange(len(kernels)), n_runs + 1)[1:]  # the first one warms up
        totals = [_block_totals([kernels[i] for i in run], names) for run in runs]
        nameless = [name for name in names if not totals[0][name]]
        if len(nameless) > len(names) // 3:  # a few are fused into others
            raise ValueError(f"ONNX Runtime's profile does not tell blocks of this network apart: {', '.join(nameless)}")
        return {name: [total[name] for total in totals] for name in names}

    def _session(self, profile: str = "") -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        if profile:
            options.enable_profiling, options.profile_file_prefix = True, profile
        return onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])


def _exported(network: nn.Module, inputs: Inputs) -> bytes:
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (inputs,), file, dynamo=False, opset_version=17, output_names=[OUTPUT])  # type: ignore[arg-type]
    return file.getvalue()


def _block_totals(kernels: Sequence[dict[str, Any]], names: Sequence[str]) -> dict[str, float]:
    """Seconds of all nodes of each block in one run; a fused node that gives the output is called after that."""
    prefixes = {f"{name}.": name for name in names} | {OUTPUT: names[-1]}
    totals, block = dict.fromkeys(names, 0.0), names[0]
    for kernel in kernels:
        path = kernel["name"].removeprefix("/").replace("/", ".")
        block = next((name for prefix, name in prefixes.items() if path.startswith(prefix)), block)
        totals[block] += 1e-6 * kernel["dur"]
    return totals
