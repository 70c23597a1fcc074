"""Costs of blocks without a formula: they are counted on the module that the block builds."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class Counted:
    """Parameters and MACs for block specs that only have ``input_shape`` and ``build``: a base class for frozen dataclasses.

    Both are counted once for each distinct block, on PyTorch's meta device, which computes shapes but allocates nothing.
    PyTorch counts every convolution and matrix product, including those inside attention, and nothing else.
    """

    input_shape: tuple[int, ...]

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        raise NotImplementedError(f"{type(self).__name__} has no build()")

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return _counts(self)[0]

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return _counts(self)[1]


@cache
def _counts(spec: Any) -> tuple[int, int]:
    """Trainable parameters, and multiply-accumulates for one input."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        module = spec.build().eval()
        module(torch.empty(1, *spec.input_shape))
    return sum(weight.numel() for weight in module.parameters() if weight.requires_grad), counter.get_total_flops() // 2
