"""Parts of shared weights: the shapes that a block needs, and views of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch

from nastoolkit.blocks import BlockSpec

Weights = Mapping[str, torch.Tensor]
Shapes = Mapping[str, torch.Size]


def crop(tensor: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """A view of ``shape``: leading entries of the first two dimensions, the centre of the (spatial) others."""
    if tensor.shape == shape:
        return tensor
    starts = [0 if dim < 2 else (have - want) // 2 for dim, (have, want) in enumerate(zip(tensor.shape, shape, strict=True))]
    return tensor[tuple(slice(start, start + want) for start, want in zip(starts, shape, strict=True))]


@cache
def shapes_of(spec: BlockSpec) -> Shapes:
    """Shapes of a block's weights and buffers, by their names inside the block."""
    with torch.device("meta"):
        block = spec.build()
    return {name: tensor.shape for name, tensor in (*block.named_parameters(), *block.named_buffers())}
