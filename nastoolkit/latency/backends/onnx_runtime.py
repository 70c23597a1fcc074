"""ONNX Runtime on the CPU. It fuses operators, so blocks are timed by its own profile."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.latency.backends.base import Runner
from nastoolkit.latency.backends.onnx_graph import exported, fed, node_shares
from nastoolkit.latency.machine import cpu_name

KERNEL = "_kernel_time"


class OnnxRuntime(Runner):
    """See :class:`nastoolkit.latency.backends.Runner`."""

    precision = "float32"
    library = f"ONNX Runtime {onnxruntime.__version__}"
    device = cpu_name()

    def __init__(self, network: nn.Module, inputs: Inputs, threads: int) -> None:
        self.threads = threads
        self.model = self._export(network, inputs)
        self.session = self._session()
        self.feed = fed([slot.name for slot in self.session.get_inputs()], inputs)

    def _export(self, network: nn.Module, inputs: Inputs) -> bytes:
        return exported(network, inputs)

    def __call__(self) -> object:
        """Run the batch once."""
        return self.session.run(None, self.feed)

    def block_shares(self, names: Sequence[str], n_runs: int) -> np.ndarray | None:
        """See :class:`nastoolkit.latency.backends.Runner`."""
        nodes = self._profile(n_runs + 1)
        runs = np.array_split(np.arange(len(nodes)), n_runs + 1)[1:]  # the first one warms up
        return node_shares([[nodes[i] for i in run] for run in runs], names)

    def _profile(self, n_runs: int) -> list[tuple[str, float]]:
        """Every node of every run with its microseconds, in order."""
        with tempfile.TemporaryDirectory() as folder:
            session = self._session(profile=str(Path(folder) / "profile"))
            for _ in range(n_runs):
                session.run(None, self.feed)
            events = json.loads(Path(session.end_profiling()).read_text())
        kernels = sorted((event for event in events if event["name"].endswith(KERNEL)), key=lambda event: event["ts"])
        return [(event["name"], event["dur"]) for event in kernels]

    def _session(self, profile: str = "") -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        if profile:
            options.enable_profiling, options.profile_file_prefix = True, profile
        return onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])
