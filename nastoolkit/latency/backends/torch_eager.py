"""Plain PyTorch on the CPU; blocks are timed by taps."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import Inputs, each
from nastoolkit.latency.backends.base import Runner, shares
from nastoolkit.latency.machine import cpu_name
from nastoolkit.taps import parts_of, taps
from nastoolkit.threads import torch_threads


class TorchEager(Runner):
    """See :class:`nastoolkit.latency.backends.Runner`; the network is set to evaluation mode, images to channels-last."""

    precision = "float32"
    library = f"PyTorch {torch.__version__}"
    device = cpu_name()

    def __init__(self, network: nn.Module, inputs: Inputs, threads: int) -> None:
        self.network, self.threads = network.eval(), threads
        self.inputs = each(inputs, lambda part: part.to(memory_format=torch.channels_last) if part.dim() == 4 else part)

    @torch.inference_mode()
    def __call__(self) -> object:
        """Run the batch once; the caller sets PyTorch's threads."""
        return self.network(self.inputs)

    def block_shares(self, names: Sequence[str], n_runs: int) -> np.ndarray | None:
        """See :class:`nastoolkit.latency.backends.Runner`; a block that runs twice in a network counts both times."""
        watches, parts = [_Stopwatch(names) for _ in range(n_runs)], parts_of(self.network, names)
        with torch_threads(self.threads):
            for watch in watches:
                with taps(parts, watch.stop, before=watch.start):
                    self()
        return shares(np.array([list(watch.seconds.values()) for watch in watches]))


class _Stopwatch:
    """Adds up the seconds of all forward passes of each block."""

    def __init__(self, names: Sequence[str]) -> None:
        self.seconds, self._started = dict.fromkeys(names, 0.0), 0.0

    def start(self, _name: str) -> None:
        self._started = perf_counter()

    def stop(self, name: str, _outputs: object) -> None:
        self.seconds[name] += perf_counter() - self._started
