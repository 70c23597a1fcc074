"""The encoder of data sets: images of a class become a prototype, and prototypes the data set (Section 3.2; see the package).

[Lee2019] J. Lee et al., "Set Transformer: A Framework for Attention-based Permutation-Invariant Neural Networks", ICML 2019,
Section 3.1.
"""

from __future__ import annotations

import torch
from torch import nn

N_HEADS = 4


class SetAttention(nn.Module):
    """A set looks at another one: MAB of [Lee2019], without normalisation of layers.

    Args:
        n_queries: Features of the elements that look.
        n_keys: Features of those that are looked at.
        n_dims: Features of the result, a multiple of the number of heads.
    """

    def __init__(self, n_queries: int, n_keys: int, n_dims: int) -> None:
        super().__init__()
        self.query, self.output = nn.Linear(n_queries, n_dims), nn.Linear(n_dims, n_dims)
        self.key, self.value = nn.Linear(n_keys, n_dims), nn.Linear(n_keys, n_dims)

    def forward(self, queries: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Sets ``(..., n, n_queries)`` and ``(..., m, n_keys)`` to ``(..., n, n_dims)``."""
        looking = self.query(queries)
        parts = (_heads(part) for part in (looking, self.key(keys), self.value(keys)))
        query, key, value = parts
        weights = torch.softmax(query @ key.mT / looking.shape[-1] ** 0.5, dim=-1)
        found = looking + (weights @ value).transpose(-3, -2).flatten(-2)
        return found + torch.relu(self.output(found))


def _heads(x: torch.Tensor) -> torch.Tensor:
    """``(..., n, d)`` to ``(..., heads, n, d / heads)``."""
    return x.unflatten(-1, (N_HEADS, -1)).transpose(-3, -2)


class SetToVector(nn.Module):
    """A set becomes a vector: elements look at each other twice, and then a learnt one looks at them all."""

    def __init__(self, n_features: int, n_dims: int) -> None:
        super().__init__()
        self.first, self.second = SetAttention(n_features, n_features, n_dims), SetAttention(n_dims, n_dims, n_dims)
        self.pooling, self.last = SetAttention(n_dims, n_dims, n_dims), nn.Linear(n_dims, n_dims)
        self.seed = nn.Parameter(torch.randn(1, n_dims) / n_dims**0.5)

    def forward(self, elements: torch.Tensor) -> torch.Tensor:
        """Sets ``(..., n, n_features)`` to ``(..., n_dims)``."""
        first = self.first(elements, elements)
        second = self.second(first, first)
        return self.last(self.pooling(self.seed.expand(*second.shape[:-2], -1, -1), second).squeeze(-2))


class DataSetEncoder(nn.Module):
    """Images of classes become a vector, whatever the order of images in a class, and of classes."""

    def __init__(self, n_features: int, n_dims: int) -> None:
        super().__init__()
        self.of_class, self.of_classes = SetToVector(n_features, n_dims), SetToVector(n_dims, n_dims)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features of images ``(n_tasks, n_classes, n_images, n_features)`` to ``(n_tasks, n_dims)``."""
        return self.of_classes(self.of_class(features))
