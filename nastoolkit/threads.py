"""PyTorch's number of threads while something runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from nastoolkit.support.threads import own_threads

SMALL = 3_000_000  # weights: above it, a step takes long enough for threads to help


@contextmanager
def torch_threads(n: int) -> Iterator[None]:
    """Make PyTorch use this number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_for(network: nn.Module) -> int:
    """Threads that suit a network: :func:`nastoolkit.support.threads.own_threads` for a small one, else PyTorch's number."""
    n_weights = sum(weight.numel() for weight in network.parameters())
    return own_threads() if n_weights <= SMALL else torch.get_num_threads()
