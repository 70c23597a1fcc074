"""What a task is: three disjoint splits, a loss, a metric."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import Inputs, each

SPLITS = ("train", "validation", "test")


def each_tensor(things: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """A tensor, or a tuple or dictionary of tensors, with a function applied to each of them."""
    if isinstance(things, dict):
        return {name: change(part) for name, part in things.items()}
    return each(things, change)


def joined(parts: Sequence[Any]) -> Any:
    """Batches ``(n, ...)`` of tensors, or of dictionaries of tensors, joined one after the other."""
    if isinstance(parts[0], dict):
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return torch.cat(list(parts))


def drawn_rows(rows: np.ndarray | None, n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """The rows of a training batch: the given ones, or random ones of n.

    Raises:
        ValueError: Some rows are not among the n, or their number is wrong.
    """
    if rows is None:
        return rng.integers(n, size=size)
    rows = np.array(rows)
    if rows.shape != (size,) or rows.dtype.kind not in "iu" or rows.min(initial=0) < 0 or rows.max(initial=0) >= n:
        raise ValueError(f"rows of a batch of {size} must be {size} places between 0 and {n - 1}, got {rows}")
    return rows.astype(np.int64)


class Examples(Protocol):
    """Inputs and targets in a fixed order, in memory or not."""

    @property
    def targets(self) -> Any:
        """All targets: a tensor ``(n, ...)``, or several by name."""

    def __len__(self) -> int:
        """Number of examples."""

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """All examples, or the first ``n``, in batches; images are resized to a network's input ``shape``."""


@dataclass(frozen=True)
class Split:
    """Examples in memory.

    Attributes:
        inputs: A tensor ``(n, ...)`` or a tuple of tensors.
        targets: A tensor ``(n, ...)``, or several by name for tasks with several outputs.
        rows: Positions ``(n,)`` of a training batch's examples among those that batches are drawn from, if known.
    """

    inputs: Inputs
    targets: Any
    rows: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs[0] if isinstance(self.inputs, tuple) else self.inputs)

    def __getitem__(self, chosen: slice | np.ndarray) -> Split:
        return self._changed(lambda part: part[chosen])

    def take(self, rows: np.ndarray) -> Split:
        """The examples at ``rows`` ``(n,)``, which the result records; with :func:`drawn_rows`, a training batch."""
        return replace(self[rows], rows=torch.from_numpy(rows))

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> Split:
        """The examples at ``places`` ``(n,)``, as they are; see :class:`nastoolkit.tasks.data_sets.StoredExamples`."""
        return self[places]

    def _changed(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Split:
        rows = None if self.rows is None else change(self.rows)
        return Split(each(self.inputs, change), each_tensor(self.targets, change), rows)

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """See :class:`Examples`."""
        chosen = self[:n]
        for start in range(0, len(chosen), size):
            yield chosen[start : start + size].at(shape)

    def at(self, shape: tuple[int, ...] | None) -> Split:
        """The same examples, images ``(n, channels, h, w)`` resized to an input ``shape`` ``(channels, height, width)``."""
        if shape is None or isinstance(self.inputs, tuple) or self.inputs.dim() != 4 or self.inputs.shape[2:] == shape[1:]:
            return self
        return replace(self, inputs=functional.interpolate(self.inputs, shape[1:], mode="bilinear", antialias=True))

    def to(self, device: torch.device) -> Split:
        """The same examples on another device."""
        return self._changed(lambda part: part.to(device))


class Task(Protocol):
    """Data, loss and metric. Search selects on ``validation``; ``test`` is for reporting only."""

    @property
    def name(self) -> str:
        """Name for people and for identities."""

    metric: str
    unit: str  # of the metric

    @property
    def n_rows(self) -> int:
        """Number of the training examples that batches are drawn from."""

    def split(self, name: str) -> Examples:
        """One of ``SPLITS``, with the same examples at every call."""

    def batch(self, step: int, size: int, seed: int = 0, rows: np.ndarray | None = None) -> Split:
        """Training data of one step: a function of its arguments alone, so that runs resume and repeat.

        Args:
            step: Number of the step.
            size: Number of examples.
            seed: Random seed.
            rows: Positions ``(size,)`` among the ``n_rows`` training examples; None lets the task draw them.
        """

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """Mean training loss of a batch, a scalar; ``label_smoothing`` is the share of a target given to all classes."""

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """Predictions that the metric is computed from, for one batch of inputs ``(n, ...)``: a tensor ``(n, ...)``."""

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """The metric of all predictions of a split, in its unit; larger is better."""


class LabelledTask(Task, Protocol):
    """A task whose targets are classes."""

    @property
    def n_classes(self) -> int:
        """See :class:`Classification`."""


class Classification:
    """Loss and metric of classification: networks return logits ``(n, n_classes)``, targets are ``(n,)``.

    Attributes:
        normalisation: ``mean`` and ``std`` of each channel, which turn pixels in 0..1 into inputs; None without images.
    """

    metric = "accuracy_top1"
    unit = "%"
    normalisation: Mapping[str, Sequence[float]] | None = None

    def split(self, name: str) -> Examples:
        """See :class:`Task`."""
        raise NotImplementedError

    @property
    def n_classes(self) -> int:
        """Number of classes of the training targets, which are 0 to ``n_classes`` - 1: a network needs as many logits."""
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


class MadeImages(Classification):
    """Classification of images that are made once for each of the three splits; ``n_train`` are to learn from."""

    n_train: int

    def made(self, name: str) -> Split:
        """The images of a split, always the same ones."""
        raise NotImplementedError

    @property
    def n_rows(self) -> int:
        """Number of training images."""
        return self.n_train

    def split(self, name: str) -> Split:
        """One of the three fixed splits; see :class:`Task`."""
        if name not in SPLITS:
            raise ValueError(f"unknown split {name!r}; known: {SPLITS}")
        return self.made(name)

    def batch(self, step: int, size: int, seed: int = 0, rows: np.ndarray | None = None) -> Split:
        """Training images of a step, a function of its arguments alone."""
        return self.split("train").take(drawn_rows(rows, self.n_rows, size, np.random.default_rng([seed, step])))
