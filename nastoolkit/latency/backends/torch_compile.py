"""PyTorch's compiler on the CPU. It fuses across blocks, so their times come from whole networks, by regression.

It needs a C++ compiler, and compiles every network that is timed, which takes tens of seconds each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.latency.backends.torch_eager import TorchEager


class TorchCompile(TorchEager):
    """See :class:`nastoolkit.latency.backends.Runner`."""

    def __init__(self, network: nn.Module, inputs: Inputs, threads: int) -> None:
        super().__init__(network, inputs, threads)
        torch.compiler.reset()  # networks of one family would share a cache that gives up after a few
        self.compiled = torch.compile(network, dynamic=False)

    @torch.inference_mode()
    def __call__(self) -> object:
        """Run the batch once; the first run compiles."""
        return self.compiled(self.inputs)

    def block_shares(self, names: Sequence[str], n_runs: int) -> None:
        """See :class:`nastoolkit.latency.backends.Runner`; single blocks cannot be timed."""
