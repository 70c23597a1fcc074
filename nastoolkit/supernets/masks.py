"""Masks: which entries of a tensor are kept, and a sharing rule that multiplies shared weights by masks.

[Frankle2019] J. Frankle and M. Carbin, "The Lottery Ticket Hypothesis", ICLR 2019: a mask of the largest weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import BlockSpec
from nastoolkit.supernets.slices import Weights, crop

MASK = "_mask"  # what the name of a weight's mask has in addition


def mask_of_largest(sizes: torch.Tensor, n: int) -> torch.Tensor:
    """Ones at exactly n entries, the largest ones, and zeros elsewhere; ties are broken, and no gradient passes.

    Args:
        sizes: Numbers to be compared, of any shape.
        n: Number of ones.
    """
    flat = sizes.detach().flatten()
    return torch.zeros_like(flat).scatter_(0, flat.topk(n, sorted=False).indices, 1.0).view(sizes.shape)


class Masked:
    """All weights times masks of their own, which the shared block holds and no optimiser trains; they start as ones.

    Gradients of a weight whose mask is zero are zero. What earlier rules have cropped gets the same part of the masks.
    """

    @property
    def settings(self) -> Mapping[str, Any]:
        """It has none: masks are saved with the weights."""
        return {}

    def prepare(self, block: nn.Module) -> None:
        """Add a mask to every weight of a block."""
        for layer in block.modules():
            for name, weight in list(layer.named_parameters(recurse=False)):
                layer.register_parameter(f"{name}{MASK}", nn.Parameter(torch.ones_like(weight), requires_grad=False))

    def __call__(self, shared: Weights, spec: BlockSpec, name: str, genotype: np.ndarray) -> Weights:
        """All weights that have masks."""
        masked = [key.removesuffix(MASK) for key in shared if key.endswith(MASK)]
        return {key: shared[key] * crop(shared[f"{key}{MASK}"], shared[key].shape) for key in masked}
