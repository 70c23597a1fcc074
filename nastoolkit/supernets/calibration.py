"""Calibration: batch-normalisation statistics and activation ranges of one sub-network, which shared ones do not fit well.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020: the same as
its released code.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from nastoolkit.blocks import Inputs, device_of
from nastoolkit.families.fake_quantisation import InputQuantiser, range_of

BatchNorm = nn.modules.batchnorm._BatchNorm  # what all kinds have in common: for 1 to 3 dimensions, synchronised, lazy
Sums = dict[BatchNorm, tuple[torch.Tensor, int]]  # of means and variances (2, channels), and of how many inputs


class Data(Protocol):
    """The data of a task that calibration needs."""

    def split(self, name: str) -> Any:
        """Examples, here those of ``train``; their ``batches(size, shape, n)`` have the size of a network's inputs."""


def calibrate(
    network: nn.Module,
    task: Data,
    shape: tuple[int, ...],
    n_calibration: int = 2000,
    batch_size: int = 250,
    n_observed: int = 64,
) -> nn.Module:
    """Calibrate everything that needs it on a task's first training examples, and leave the network in evaluation mode.

    Args:
        network: Network, which is changed in place and also returned.
        task: Gives the examples.
        shape: Shape of the network's inputs, without the batch.
        n_calibration: Number of examples for the statistics of batch normalisation; 2,000 in [Cai2020].
        batch_size: Number of examples in a batch.
        n_observed: Number of examples for the ranges of activations with few bits.
    """
    for step, n in ((calibrate_batchnorm, n_calibration), (calibrate_ranges, n_observed)):
        batches = task.split("train").batches(batch_size, shape, n)
        step(network, (batch.to(device_of(network)).inputs for batch in batches))
    return network


@torch.no_grad()
def calibrate_batchnorm(network: nn.Module, batches: Iterable[Inputs]) -> nn.Module:
    """Set batch-normalisation statistics to those of given inputs, as in Once-for-All; leaves the network in evaluation mode.

    Every layer normalises with the batch's own statistics and keeps the mean over images of batch means and biased batch
    variances. The result depends only on weights and batches, so it is the same in any process and order. Layers that keep no
    statistics, or that no batch reaches, stay as they are.

    Args:
        network: Changed in place, also returned.
        batches: Inputs ``(n, ...)``, usually training images; 2,000 in [Cai2020]. They are not read if nothing needs them.
    """
    network.eval()
    norms = [module for module in network.modules() if isinstance(module, BatchNorm) and module.running_mean is not None]
    if not norms:
        return network
    sums: Sums = {}
    _run(network, batches, [norm.register_forward_pre_hook(partial(_use_batch_statistics, sums)) for norm in norms])
    for norm, (total, n) in sums.items():
        _set_statistics(norm, *total / n)
    return network


@torch.no_grad()
def calibrate_ranges(network: nn.Module, batches: Iterable[Inputs]) -> nn.Module:
    """Set the ranges of quantised activations to those of given inputs, from the least to the greatest value.

    Activations are taken as floats, so that no range depends on another. The network is left in evaluation mode, in which
    layers with few bits then treat every input independently. Layers that no batch reaches stay as they are.

    Args:
        network: Network with final weights and statistics, see :func:`calibrate_batchnorm`; changed in place, also returned.
        batches: Inputs ``(n, ...)``, usually a few training images. They are not read if nothing needs them.
    """
    network.eval()
    quantisers = [module for module in network.modules() if isinstance(module, InputQuantiser)]
    if not quantisers:
        return network
    ranges: dict[InputQuantiser, tuple[float, float]] = {}
    _run(network, batches, [quantiser.register_forward_hook(partial(_observe, ranges)) for quantiser in quantisers])
    for quantiser, seen in ranges.items():
        quantiser.observed = seen
    return network


def _observe(
    ranges: dict[InputQuantiser, tuple[float, float]], quantiser: InputQuantiser, inputs: tuple[torch.Tensor], _: torch.Tensor
) -> torch.Tensor:
    """Widen a range to include the inputs, which pass unchanged."""
    low, high = (float(end) for end in range_of(*inputs))
    lowest, highest = ranges.get(quantiser, (low, high))
    ranges[quantiser] = min(low, lowest), max(high, highest)
    return inputs[0]


def _run(network: nn.Module, batches: Iterable[Inputs], handles: Iterable[RemovableHandle]) -> None:
    """Run a network on some batches while hooks are attached to it."""
    n_inputs = 0
    try:
        for batch in batches:
            network(batch)
            n_inputs += len(batch[0] if isinstance(batch, tuple) else batch)
    finally:
        for handle in handles:
            handle.remove()
    if not n_inputs:
        raise ValueError("calibration needs at least one batch of inputs")


def _use_batch_statistics(sums: Sums, norm: BatchNorm, inputs: tuple[torch.Tensor]) -> None:
    """Normalise this batch by its own statistics, and add them to the layer's sums, weighted by its size.

    PyTorch's training mode is not used, because its sums over channels-last tensors are off by 5e-5 on large images.
    """
    (x,) = inputs
    values = x.movedim(1, -1).reshape(-1, x.shape[1]).to(torch.promote_types(x.dtype, torch.float32))
    mean = values.mean(0)
    variance = (values - mean).square_().mean(0)
    _set_statistics(norm, mean, variance)
    total, n = sums.get(norm, (torch.zeros(2, x.shape[1], device=x.device), 0))
    sums[norm] = total + len(x) * torch.stack([mean, variance]), n + len(x)


def _set_statistics(norm: BatchNorm, mean: torch.Tensor, variance: torch.Tensor) -> None:
    norm.load_state_dict({"running_mean": mean, "running_var": variance}, strict=False)
