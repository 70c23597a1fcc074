"""Sharing rules: the weights of a sub-network's block as a function of the supernet's shared weights.

A rule maps weights to weights, so that rules compose; it holds no state and never copies what a view can give.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020, Section 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

Weights = Mapping[str, torch.Tensor]
Shapes = Mapping[str, torch.Size]


class SharingRule(Protocol):
    """How the block of one genotype gets its weights."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Keyword arguments, of JSON types, that make the same rule again: they are saved, and part of every identity."""

    def prepare(self, block: nn.Module) -> None:
        """Add the rule's own weights, if it has any, to a block of shared weights."""

    def __call__(self, shared: Weights, shapes: Shapes, genotype: np.ndarray) -> Weights:
        """Weights and buffers of one block.

        Args:
            shared: The supernet's tensors of this block, by their names inside the block.
            shapes: What the sub-network's block needs, by the same names.
            genotype: ``(d,)``, for rules that route or mix by it.
        """


class Slice:
    """Leading channels and the centre of kernels, the rule of slimmable networks."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """It has none."""
        return {}

    def prepare(self, block: nn.Module) -> None:
        """Slicing has no weights of its own."""

    def __call__(self, shared: Weights, shapes: Shapes, genotype: np.ndarray) -> Weights:
        """Views of the shared tensors; gradients flow to exactly these entries."""
        return {name: crop(shared[name], shape) for name, shape in shapes.items()}


class KernelTransform(Slice):
    """Once-for-All's rule: as :class:`Slice`, but a smaller depthwise kernel is the next larger one's centre times a matrix.

    The matrices (``7to5_matrix`` of 25 x 25 and ``5to3_matrix`` of 9 x 9, one pair a block) are shared by all channels and
    start as the identity, which is plain cropping.
    """

    def prepare(self, block: nn.Module) -> None:
        """Add the matrices of every depthwise convolution."""
        for module in block.modules():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                for size in range(module.kernel_size[0], 3, -2):
                    module.register_parameter(_matrix(size), nn.Parameter(torch.eye((size - 2) ** 2)))

    def __call__(self, shared: Weights, shapes: Shapes, genotype: np.ndarray) -> Weights:
        """Views, and computed kernels where a depthwise convolution shrinks."""
        return {name: self._resized(shared, name, shape) for name, shape in shapes.items()}

    @staticmethod
    def _resized(shared: Weights, name: str, shape: torch.Size) -> torch.Tensor:
        weight, layer = shared[name], name.removesuffix("weight")
        if len(shape) < 4 or weight.shape[-1] == shape[-1]:
            return crop(weight, shape)
        weight = crop(weight, torch.Size([*shape[:2], *weight.shape[2:]]))
        for size in range(weight.shape[-1], shape[-1], -2):
            centre = crop(weight, torch.Size([*shape[:2], size - 2, size - 2]))
            weight = (centre.flatten(2) @ shared[layer + _matrix(size)].T).view(centre.shape)
        return weight


def _matrix(size: int) -> str:
    return f"{size}to{size - 2}_matrix"


def crop(tensor: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """A view of ``shape``: leading entries of the first two dimensions, the centre of the (spatial) others."""
    if tensor.shape == shape:
        return tensor
    starts = [0 if dim < 2 else (have - want) // 2 for dim, (have, want) in enumerate(zip(tensor.shape, shape, strict=True))]
    return tensor[tuple(slice(start, start + want) for start, want in zip(starts, shape, strict=True))]


SHARING_RULES: dict[str, type[SharingRule]] = {"slice": Slice, "kernel-transform": KernelTransform}


def rule_identity(rule: SharingRule) -> dict[str, Any]:
    """A rule's name, that in ``SHARING_RULES`` if it has one, and its settings if it has some."""
    names = {known: name for name, known in SHARING_RULES.items()}
    settings = {"sharing_settings": dict(rule.settings)} if rule.settings else {}
    return {"sharing": names.get(type(rule), type(rule).__qualname__), **settings}
