"""PyTorch on an NVIDIA GPU, as a CUDA graph: without it, a small network's time is mostly that of launching kernels.

A graph is one launch, so blocks' times come from whole networks, by regression.
"""

from __future__ import annotations

import torch
from torch import nn

from nastoolkit.blocks import Inputs, each
from nastoolkit.latency.backends.base import Runner

WARM_UP = 3  # runs before the capture, as PyTorch's documentation has them


class CudaGraph(Runner):
    """See :class:`nastoolkit.latency.backends.Runner`; channels-last images, and TF32 convolutions as in PyTorch by default.

    Raises:
        ValueError: There is no GPU.
    """

    precision = "tf32"
    library = f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}"

    def __init__(self, network: nn.Module, inputs: Inputs, threads: int) -> None:
        if not torch.cuda.is_available():
            raise ValueError("this backend needs an NVIDIA GPU and a PyTorch made for it: not available here")
        self.threads = threads
        self.device = torch.cuda.get_device_name()
        self.network = network.eval().cuda()
        self.inputs = each(inputs, lambda part: part.cuda().to(memory_format=_format(part)))
        self.graph = self._capture()

    @torch.inference_mode()
    def _capture(self) -> torch.cuda.CUDAGraph:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self.network(self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.outputs = self.network(self.inputs)
        return graph

    def __call__(self) -> object:
        """Run the batch once and wait for the GPU."""
        self.graph.replay()
        torch.cuda.synchronize()
        return self.outputs

    def elapsed_ms(self) -> float:
        """Time of one run between two events on the GPU."""
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        self.graph.replay()
        end.record()
        end.synchronize()
        return start.elapsed_time(end)


def _format(part: torch.Tensor) -> torch.memory_format:
    return torch.channels_last if part.dim() == 4 else torch.preserve_format
