"""PyTorch as it is, on the CPU; blocks are timed by hooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import Inputs, each
from nastoolkit.latency.backends.base import Runner, shares, torch_threads
from nastoolkit.latency.machine import cpu_name


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
        """Run the batch once; whoever times it sets PyTorch's threads."""
        return self.network(self.inputs)

    def block_shares(self, names: Sequence[str], n_runs: int) -> np.ndarray | None:
        """See :class:`nastoolkit.latency.backends.Runner`; a block that runs twice in a network counts both times."""
        blocks = {name: self.network.get_submodule(name) for name in names}
        runs = []
        with torch_threads(self.threads), _stopwatches(blocks) as seconds:
            for _ in range(n_runs):
                seconds.update(dict.fromkeys(names, 0.0))
                self()
                runs.append([seconds[name] for name in names])
        return shares(np.array(runs))


@contextmanager
def _stopwatches(blocks: dict[str, nn.Module]) -> Iterator[dict[str, float]]:
    """Add up the seconds of all forward passes of each module."""
    seconds: dict[str, float] = {}
    started = 0.0

    def start(*_: object) -> None:
        nonlocal started
        started = perf_counter()

    def stop(name: str) -> None:
        seconds[name] += perf_counter() - started

    handles = [block.register_forward_pre_hook(start) for block in blocks.values()]
    handles += [block.register_forward_hook(lambda *_, name=name: stop(name)) for name, block in blocks.items()]
    try:
        yield seconds
    finally:
        for handle in handles:
            handle.remove()
