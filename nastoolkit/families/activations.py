"""The most memory that intermediate results of a block or a network need while it runs, by counting tensors."""

from __future__ import annotations

import torch
from torch import nn

from nastoolkit.blocks import BlockSpec, Inputs


def peak_bytes(network: nn.Module, inputs: Inputs) -> int:
    """Largest memory of weights, inputs and intermediate results alive at one time on the CPU, in eager PyTorch."""
    from torch.distributed._tools.mem_tracker import MemTracker  # private, and slow to import

    tracker = MemTracker()
    tracker.track_external(network, *(inputs if isinstance(inputs, tuple) else (inputs,)))
    with torch.no_grad(), tracker:
        network(inputs)
    return sum(device["Total"] for device in tracker.get_tracker_snapshot("peak").values())


def peak_activation_bytes(spec: BlockSpec) -> int:
    """Largest memory of a block's input, output and what is alive between them, without weights, for a 32-bit input."""
    block = spec.build().eval()
    weights = sum(tensor.nbytes for tensor in (*block.parameters(), *block.buffers()))
    return peak_bytes(block, torch.zeros(1, *spec.input_shape)) - weights
