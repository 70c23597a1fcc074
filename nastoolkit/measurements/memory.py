"""Peak memory of a network while it runs."""

from __future__ import annotations

import torch
from torch import nn
from torch.distributed._tools.mem_tracker import MemTracker

from nastoolkit.blocks import Inputs, device_of


def peak_memory_mb(network: nn.Module, inputs: Inputs) -> float:
    """Weights, inputs and intermediate results that are alive at the same time at most, in MB (10^6 bytes), by PyTorch eager.

    On the CPU it is counted, to the byte and the same every time, without what kernels need inside; on a GPU it is what
    PyTorch's allocator gave out.

    Args:
        network: Set to evaluation mode.
        inputs: A whole batch, on the network's device.
    """
    network.eval()
    if device_of(network).type == "cuda":
        return _peak_on_gpu(network, inputs)
    tracker = MemTracker()
    tracker.track_external(network, *(inputs if isinstance(inputs, tuple) else (inputs,)))
    with torch.no_grad(), tracker:
        network(inputs)
    return sum(device["Total"] for device in tracker.get_tracker_snapshot("peak").values()) / 1e6


@torch.inference_mode()
def _peak_on_gpu(network: nn.Module, inputs: Inputs) -> float:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    network(inputs)
    own = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    return (own + torch.cuda.max_memory_allocated() - before) / 1e6
