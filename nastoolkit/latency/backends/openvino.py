"""OpenVINO on the CPU, in float32 or quantised to INT8 (extra ``openvino``); blocks are timed by its own counters.

For INT8 the activations' ranges come from random inputs: they affect accuracy, which is not measured here, but not time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.latency.backends.base import Runner
from nastoolkit.latency.backends.onnx_graph import arrays, exported, node_shares
from nastoolkit.latency.machine import cpu_name
from nastoolkit.support.extras import needed


class OpenVino(Runner):
    """See :class:`nastoolkit.latency.backends.Runner`."""

    precision = "float32"
    device = cpu_name()

    def __init__(self, network: nn.Module, inputs: Inputs, threads: int) -> None:
        openvino = needed("openvino", "this backend")
        self.library = f"OpenVINO {openvino.__version__.split('-')[0]}"
        self.threads, self.inputs = threads, arrays(inputs)
        self.core = openvino.Core()
        self.model = self._prepare(self.core.read_model(exported(network, inputs)))
        self.settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        self.request = self._request()

    def _prepare(self, model: Any) -> Any:
        return model

    def __call__(self) -> object:
        """Run the batch once."""
        return list(self.request.infer(self.inputs).values())

    def block_shares(self, names: Sequence[str], n_runs: int) -> np.ndarray | None:
        """See :class:`nastoolkit.latency.backends.Runner`."""
        request, runs = self._request(PERF_COUNT=True), []
        for _ in range(n_runs + 1):
            request.infer(self.inputs)
            runs.append([(node.node_name, node.real_time.total_seconds()) for node in request.get_profiling_info()])
        return node_shares(runs[1:], names)

    def _request(self, **settings: Any) -> Any:
        return self.core.compile_model(self.model, "CPU", {**self.settings, **settings}).create_infer_request()


class OpenVinoInt8(OpenVino):
    """The same after post-training quantisation by NNCF."""

    precision = "int8"

    def _prepare(self, model: Any) -> Any:
        nncf = needed("nncf", "this backend")
        return nncf.quantize(model, nncf.Dataset([self.inputs]), subset_size=1)
