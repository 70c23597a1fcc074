"""What a task is: three disjoint splits, a loss, a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Inputs ``(n, ...)`` and targets ``(n, ...)`` of one split, in a fixed order."""

    inputs: torch.Tensor
    targets: torch.Tensor

    def __len__(self) -> int:
        return len(self.inputs)


class Task(Protocol):
    """Data, loss and metric. Search selects on ``validation``; ``test`` is for reporting only."""

    name: str
    metric: str

    def split(self, name: str) -> Split:
        """One of ``SPLITS``; the same tensors at every call."""

    def batch(self, step: int, size: int, seed: int = 0) -> Split:
        """Training data of one step: a function of its arguments alone, so that runs resume and repeat."""

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean training loss of a batch, a scalar."""

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """The metric, in its unit, of all outputs of a split; larger is better."""
