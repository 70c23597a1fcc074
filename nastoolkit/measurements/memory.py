"""Peak memory of a network while it runs."""

from __future__ import annotations

import torch
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.families.activations import peak_bytes


def peak_memory_mb(network: nn.Module, inputs: Inputs) -> float:
    """Largest memory of weights, inputs and intermediate results alive at one time, in MB (10^6 bytes), in eager PyTorch.

    On the CPU it is counted exactly, without what kernels need internally; on a GPU it is what PyTorch's allocator gave out.
    The network has to be built and run: for searches, ``family.peak_kb`` follows from the plan.

    Args:
        network: Network, which is set to evaluation mode.
        inputs: A whole batch, on the network's device.
    """
    network.eval()
    if any(tensor.device.type == "cuda" for tensor in (inputs if isinstance(inputs, tuple) else (inputs,))):
        return _peak_on_gpu(network, inputs)
    return peak_bytes(network, inputs) / 1e6


@torch.inference_mode()
def _peak_on_gpu(network: nn.Module, inputs: Inputs) -> float:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    network(inputs)
    own = sum(tensor.nbytes for tensor in (*network.parameters(), *network.buffers()))
    return (own + torch.cuda.max_memory_allocated() - before) / 1e6
