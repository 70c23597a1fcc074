"""Backends, which run networks while they are timed. A new one is a file and a line."""

from collections.abc import Callable

from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.latency.backends.base import Runner
from nastoolkit.latency.backends.cuda import CudaGraph
from nastoolkit.latency.backends.onnx_int8 import OnnxRuntimeInt8
from nastoolkit.latency.backends.onnx_runtime import OnnxRuntime
from nastoolkit.latency.backends.openvino import OpenVino, OpenVinoInt8
from nastoolkit.latency.backends.torch_compile import TorchCompile
from nastoolkit.latency.backends.torch_eager import TorchEager

BACKENDS: dict[str, Callable[[nn.Module, Inputs, int], Runner]] = {
    "torch": TorchEager,
    "torch-compile": TorchCompile,
    "onnxruntime": OnnxRuntime,
    "onnxruntime-int8": OnnxRuntimeInt8,
    "openvino": OpenVino,
    "openvino-int8": OpenVinoInt8,
    "cuda": CudaGraph,
}


def backend_named(name: str) -> Callable[[nn.Module, Inputs, int], Runner]:
    """One of ``BACKENDS``; another name raises a ValueError that lists them."""
    if name not in BACKENDS:
        raise ValueError(f"unknown backend {name!r}; known: {', '.join(BACKENDS)}")
    return BACKENDS[name]


__all__ = ["BACKENDS", "Runner", "backend_named"]
