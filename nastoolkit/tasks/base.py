"""What a task is: three disjoint splits, a loss, a metric."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import Inputs, each

SPLITS = ("train", "validation", "test")


class Examples(Protocol):
    """Inputs and targets in a fixed order, in memory or not."""

    @property
    def targets(self) -> torch.Tensor:
        """All targets ``(n, ...)``."""

    def __len__(self) -> int:
        """Number of examples."""

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """All examples, or the first ``n``, in batches; images at the size of a network's input ``shape``."""


@dataclass(frozen=True)
class Split:
    """Examples in memory: inputs, a tensor ``(n, ...)`` or a tuple of such, and targets ``(n, ...)``."""

    inputs: Inputs
    targets: torch.Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, rows: slice) -> Split:
        return Split(each(self.inputs, lambda part: part[rows]), self.targets[rows])

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """See :class:`Examples`."""
        chosen = self[:n]
        for start in range(0, len(chosen), size):
            yield chosen[start : start + size].at(shape)

    def at(self, shape: tuple[int, ...] | None) -> Split:
        """The same, images ``(n, channels, h, w)`` resized to a network's input ``shape`` ``(channels, height, width)``."""
        if shape is None or isinstance(self.inputs, tuple) or self.inputs.dim() != 4 or self.inputs.shape[2:] == shape[1:]:
            return self
        return Split(functional.interpolate(self.inputs, shape[1:], mode="bilinear", antialias=True), self.targets)

    def to(self, device: torch.device) -> Split:
        """The same on another device."""
        return Split(each(self.inputs, lambda part: part.to(device)), self.targets.to(device))


class Task(Protocol):
    """Data, loss and metric. Search selects on ``validation``; ``test`` is for reporting only."""

    name: str
    metric: str
    unit: str  # of the metric

    def split(self, name: str) -> Examples:
        """One of ``SPLITS``; the same examples at every call."""

    def batch(self, step: int, size: int, seed: int = 0) -> Split:
        """Training data of one step: a function of its arguments alone, so that runs resume and repeat."""

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """Mean training loss of a batch, a scalar; ``label_smoothing`` is the share of a target given to all classes."""

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """What the metric is computed from, for one batch of inputs ``(n, ...)``: a tensor ``(n, ...)``."""

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """The metric, in its unit, of all predictions of a split; larger is better."""


class Classification:
    """Loss and metric of telling classes apart: networks give logits ``(n, n_classes)``, targets are ``(n,)``."""

    metric = "accuracy_top1"
    unit = "%"

    def split(self, name: str) -> Examples:
        """See :class:`Task`."""
        raise NotImplementedError

    @property
    def n_classes(self) -> int:
        """Classes among the training targets, which are 0 to ``n_classes`` - 1: a network needs as many logits."""
        return int(self.split("train").targets.max()) + 1

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """Cross-entropy."""
        return functional.cross_entropy(outputs, targets, label_smoothing=label_smoothing)

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """The logits."""
        return network(inputs)

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """Top-1 accuracy in %."""
        return 100.0 * (predictions.argmax(1) == targets).double().mean().item()
