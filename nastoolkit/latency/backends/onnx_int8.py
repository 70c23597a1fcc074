"""ONNX Runtime on the CPU with INT8 layers: integer weights and inputs, as its own tool quantises networks after training.

Every output channel of a layer has a symmetric grid for its weights, every tensor an asymmetric one, from the least to the
greatest value that calibration sees. Outputs of layers are rounded too, and biases are integers of 32 bits, so that answers
differ a little from those of fake quantisation. Bits other than 8 are refused, because ONNX Runtime does not support them.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from torch import nn

from nastoolkit.blocks import Inputs, rows_of
from nastoolkit.families.fake_quantisation import input_bits, layers_of, without_input_quantisers
from nastoolkit.latency.backends.onnx_graph import arrays, exported, fed
from nastoolkit.latency.backends.onnx_runtime import OnnxRuntime

if TYPE_CHECKING:  # what takes long to import is imported where it is used
    import onnx

WEIGHTED = ("Conv", "Gemm", "MatMul")


class OnnxRuntimeInt8(OnnxRuntime):
    """See :class:`nastoolkit.latency.backends.Runner`; ranges come from the inputs; they affect accuracy, not time.

    Raises:
        ValueError: A layer has other bits than 8.
    """

    precision = "int8"

    def _export(self, network: nn.Module, inputs: Inputs) -> bytes:
        return int8_model(network, inputs, inputs)


def int8_model(network: nn.Module, inputs: Inputs, observed: Inputs) -> bytes:
    """A network as an ONNX file with INT8 layers.

    Args:
        network: Network whose layers with inputs of 8 bits become INT8, or all of them if none has few bits.
        inputs: A batch of the size that the file's network will take.
        observed: Inputs that the ranges of tensors come from.

    Raises:
        ValueError: A layer has other bits than 8.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_static

    floats = onnx.load_from_string(_folded(exported(without_input_quantisers(network), inputs)))
    layers = _eight_bit_layers(network)
    nodes = [node.name for node in floats.graph.node if _layer(node) in layers]
    if not nodes:
        return floats.SerializeToString()
    with tempfile.TemporaryDirectory() as folder, _quiet():
        file = Path(folder) / "int8.onnx"
        quantize_static(
            floats,
            file,
            _Observed([one.name for one in floats.graph.input], inputs, observed),
            per_channel=True,
            nodes_to_quantize=nodes,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return file.read_bytes()


def _eight_bit_layers(network: nn.Module) -> Collection[str]:
    """Names of the layers that become INT8."""
    bits = input_bits(network) or dict.fromkeys(layers_of(network), 8)
    if others := sorted({n for n in bits.values() if n != 8}):
        raise ValueError(f"ONNX Runtime computes with 8 bits or with floats, and this network has layers of {others} bits")
    return bits.keys()


def _layer(node: onnx.NodeProto) -> str:
    """Name of the layer that a node computes; what fuses it with its bias is a last part of its name."""
    if node.op_type not in WEIGHTED:
        return ""
    return node.name.removesuffix("/MatMulAddFusion").rpartition("/")[0].removeprefix("/").replace("/", ".")


def _folded(model: bytes) -> bytes:
    """The same network with batch normalisation in its convolutions, and weights as its layers need them."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return Path(options.optimized_model_filepath).read_bytes()


class _Observed:
    """Inputs in batches of the size that a graph takes, repeated until the last one is full."""

    def __init__(self, names: Sequence[str], inputs: Inputs, observed: Inputs) -> None:
        n, n_observed = (len(arrays(one)[0]) for one in (inputs, observed))
        rows = np.resize(np.arange(n_observed), (ceil(n_observed / n), n))
        self._batches = iter([fed(names, rows_of(observed, chosen)) for chosen in rows])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the tool's advice to fold first, which is done already."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
