"""Fake quantisation: numbers are moved to the nearest of a few evenly spaced values, still stored as floats.

[Jacob2018] B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
CVPR 2018, Sections 2.1 and 3.
[Bengio2013] Y. Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional Computation",
arXiv 1308.3432, Section 4: gradients go straight through the rounding.

PyTorch's own operators for this give the same numbers, but do not support tensors without memory, or export.
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple

import torch
from torch import nn

Layer = nn.Conv2d | nn.Linear


class Grid(NamedTuple):
    """Multiples of a step, from the lowest to the highest: tensors that broadcast to the numbers to be rounded."""

    step: torch.Tensor
    lowest: torch.Tensor
    highest: torch.Tensor


def symmetric_grid(low: torch.Tensor, high: torch.Tensor, bits: int) -> Grid:
    """``2**bits - 1`` values, as many below 0 as above it, up to the range's end that is farther from 0."""
    n = 2 ** (bits - 1) - 1
    step = _above_zero(torch.maximum(-low, high) / n)
    return Grid(step, -n * step, n * step)


def affine_grid(low: torch.Tensor, high: torch.Tensor, bits: int) -> Grid:
    """``2**bits`` values that cover the range and include 0."""
    n, low = 2**bits - 1, low.clamp(max=0)
    step = _above_zero((high.clamp(min=0) - low) / n)
    n_below = (-low / step).round()
    return Grid(step, -n_below * step, (n - n_below) * step)


def _above_zero(step: torch.Tensor) -> torch.Tensor:
    """Steps that are safe to divide by, even if all numbers are 0."""
    return step.clamp(min=torch.finfo(step.dtype).tiny)


def to_grid(x: torch.Tensor, grid: Grid) -> torch.Tensor:
    """The nearest values of a grid; gradients pass unchanged inside the grid's range, and not outside."""
    if not torch.is_grad_enabled():
        inside = torch.minimum(torch.maximum(x, grid.lowest), grid.highest)
        return inside.div_(grid.step).round_().mul_(grid.step)
    inside = x.clamp(grid.lowest, grid.highest)  # which takes longer, but halves no gradient at the ends
    rounded = (inside.detach() / grid.step).round() * grid.step
    return rounded + (inside - inside.detach())


def range_of(x: torch.Tensor, dims: tuple[int, ...] = ()) -> tuple[torch.Tensor, torch.Tensor]:
    """The least and the greatest of all numbers, or of those along some dimensions, which the result keeps."""
    x = x.detach()
    return x.amin(dims, keepdim=bool(dims)), x.amax(dims, keepdim=bool(dims))


def quantised_weight(weight: torch.Tensor, bits: int, symmetric: bool) -> torch.Tensor:
    """A layer's weight ``(out_channels, ...)``, every output channel on a grid of its own."""
    low, high = range_of(weight, tuple(range(1, weight.dim())))
    return to_grid(weight, (symmetric_grid if symmetric else affine_grid)(low, high, bits))


class InputQuantiser(nn.Module):
    """Rounds the inputs of a layer to one grid that covers ``observed``, the range seen in calibration.

    During training, and as long as there is no such range, the grid covers the current inputs: statistics of training and
    evaluation differ, as for batch normalisation.
    """

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.bits, self.observed = bits, tuple[float, ...]()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``(n, ...)`` to the same shape."""
        is_calibrated = self.observed and not self.training
        low, high = x.new_tensor(self.observed) if is_calibrated else range_of(x)
        return to_grid(x, affine_grid(low, high, self.bits))

    def extra_repr(self) -> str:
        """What ``print`` shows."""
        return f"{self.bits} bits, {self.observed or 'not calibrated'}"


def layers_of(block: nn.Module) -> dict[str, Layer]:
    """The convolutions and linear layers of a block, by their names in it."""
    return {name: layer for name, layer in block.named_modules() if isinstance(layer, Layer)}


def quantise_inputs(block: nn.Module, bits: int) -> nn.Module:
    """The same block, in which each layer has a child ``inputs`` that its inputs pass first."""
    for layer in layers_of(block).values():
        layer.add_module("inputs", InputQuantiser(bits))
        layer.register_forward_pre_hook(_through_inputs)
    return block


def _through_inputs(layer: nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    return (layer.get_submodule("inputs")(*inputs),)


def input_bits(network: nn.Module) -> dict[str, int]:
    """Bits of the inputs of layers with few bits, by the layers' names."""
    quantisers = {name: layer.inputs for name, layer in layers_of(network).items() if hasattr(layer, "inputs")}
    return {name: quantiser.bits for name, quantiser in quantisers.items() if isinstance(quantiser, InputQuantiser)}


def without_input_quantisers(network: nn.Module) -> nn.Module:
    """A copy of a network whose layers use their inputs as they are."""
    floats = deepcopy(network)
    for name in input_bits(floats):
        layer = floats.get_submodule(name)
        layer._forward_pre_hooks.clear()
        del layer.inputs
    return floats
