"""Training in several processes started by torchrun: each takes its share of every batch, and gradients are averaged.

Batch normalisation uses each process's own share, as in most multi-GPU training.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from nastoolkit.tasks import Split


@contextmanager
def processes(device: str) -> Iterator[torch.device]:
    """Join the processes that torchrun started, if it did, and return this process's device."""
    local = int(os.environ.get("LOCAL_RANK", 0))
    place = torch.device(device, local) if device == "cuda" else torch.device(device)
    if "WORLD_SIZE" not in os.environ:
        yield place
        return
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield place
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    """Number of this process among all, 0 if it is alone."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def n_processes() -> int:
    """Number of processes that train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def replicated(network: nn.Module) -> nn.Module:
    """The network, with gradients averaged over processes after every backward pass; it may use only part of its weights."""
    if n_processes() == 1:
        return network
    return DistributedDataParallel(network, find_unused_parameters=True)


def share(batch: Split) -> Split:
    """This process's share of a batch.

    Raises:
        ValueError: The batch cannot be shared evenly.
    """
    if len(batch) % n_processes():
        raise ValueError(f"a batch of {len(batch)} cannot be shared evenly by {n_processes()} processes")
    return batch[rank() :: n_processes()]


def mean_over_processes(values: Sequence[torch.Tensor]) -> list[float]:
    """The means over processes of numbers ``()``, which each process has for its own share."""
    together = torch.stack([value.double() for value in values])
    if n_processes() > 1:
        distributed.all_reduce(together)
    return (together / n_processes()).tolist()
