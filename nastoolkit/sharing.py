"""Sharing rules: the weights of a sub-network's block as a function of the supernet's shared weights.

A rule maps weights to weights, so that rules compose; it holds no state and never copies what a view can give.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch

Weights = Mapping[str, torch.Tensor]
Shapes = Mapping[str, torch.Size]


class SharingRule(Protocol):
    """How the block of one genotype gets its weights."""

    def __call__(self, shared: Weights, shapes: Shapes, genotype: np.ndarray) -> Weights:
        """Weights and buffers of one block.

        Args:
            shared: The supernet's tensors of this block, by their names inside the block.
            shapes: What the sub-network's block needs, by the same names.
            genotype: ``(d,)``, for rules that route or mix by it.
        """


class Slice:
    """Leading channels and the centre of kernels, the rule of slimmable networks and Once-for-All ([Cai2020], Section 3.3)."""

    def __call__(self, shared: Weights, shapes: Shapes, genotype: np.ndarray) -> Weights:
        """Views of the shared tensors; gradients flow to exactly these entries."""
        return {name: crop(shared[name], shape) for name, shape in shapes.items()}


def crop(tensor: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """A view of ``shape``: leading entries of the first two dimensions, the centre of the (spatial) others."""
    if tensor.shape == shape:
        return tensor
    starts = [0 if dim < 2 else (have - want) // 2 for dim, (have, want) in enumerate(zip(tensor.shape, shape, strict=True))]
    return tensor[tuple(slice(start, start + want) for start, want in zip(starts, shape, strict=True))]
