"""Streams of tasks: pixels in an order of a task's own, or classes of its own, from one set of images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from nastoolkit.tasks import Classification, Split, load_task
from nastoolkit.tasks.base import drawn_rows
from nastoolkit.tasks.digits import Digits

PERMUTED, RELATED, CLASSES = "permuted", "related", "classes"
STREAMS = (PERMUTED, RELATED, CLASSES)


@dataclass(frozen=True)
class Piece(Classification):
    """Some classes of a set of images, as rows of grey pixels in an order of its own.

    Attributes:
        source: Name of the task whose images they are; of ``digits``, the handwritten ones without a canvas.
        size: Height and width of images, pixels.
        classes: Those in question; a target is a place in this tuple.
        order: Seeds of the order of pixels; none leaves it as it is. Pieces of the same order are related.
    """

    source: str
    size: int
    classes: tuple[int, ...]
    order: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Name of the task."""
        return f"{self.source} {self.classes} {self.order}"

    @property
    def n_rows(self) -> int:
        """Number of training examples."""
        return len(self.split("train"))

    @property
    def n_pixels(self) -> int:
        """Length of an input."""
        return self.size**2

    def split(self, name: str) -> Split:
        """One of the three splits; inputs ``(n, pixels)``."""
        return _split(self, name)

    def batch(self, step: int, size: int, seed: int = 0, rows: np.ndarray | None = None) -> Split:
        """Training examples of a step, a function of its arguments alone."""
        return self.split("train").take(drawn_rows(rows, self.n_rows, size, np.random.default_rng([seed, step])))


@cache
def _split(piece: Piece, name: str) -> Split:
    inputs, targets = _pixels(piece.source, piece.size, name)
    rows = torch.isin(targets, torch.tensor(piece.classes))
    n = inputs.shape[1]
    order = np.random.default_rng(piece.order).permutation(n) if piece.order else np.arange(n)
    return Split(inputs[rows][:, order].contiguous(), torch.searchsorted(torch.tensor(piece.classes), targets[rows]))


@cache
def _pixels(source: str, size: int, split: str) -> tuple[torch.Tensor, torch.Tensor]:
    """All images of a split as rows ``(n, pixels)`` of about mean 0 and deviation 1, and their targets ``(n,)``."""
    task = load_task(source)
    if isinstance(task, Digits):
        images, labels = task.handwritten(split)
        small = Split(images, torch.from_numpy(labels)).at((1, size, size))
        return (small.inputs.flatten(1) - 0.3) / 0.37, small.targets  # type: ignore[union-attr]
    parts = [*task.split(split).batches(1000, (3, size, size))]
    rows = torch.cat([part.inputs.mean(1).flatten(1) for part in parts])  # type: ignore[union-attr]
    return rows, torch.cat([part.targets for part in parts])


def stream_of(kind: str, n_tasks: int, seed: int, source: str = "digits", size: int = 8) -> list[Piece]:
    """Tasks, one after the other.

    Args:
        kind: ``permuted``: all classes, each task with an order of pixels of its own. ``related``: the first half of the
            classes in each of half as many orders, then the second half of the classes in the same orders. ``classes``: a
            part of the classes each, pixels as they are.
        n_tasks: Number of tasks.
        seed: Seed of orders.
        source: Name of a task of images.
        size: Height and width of images, pixels.

    Raises:
        ValueError: There is no such kind, or tasks are too many or odd for it.
    """
    if kind not in STREAMS:
        raise ValueError(f"unknown stream {kind!r}; known: {', '.join(STREAMS)}")
    labels = _pixels(source, size, "train")[1].unique().tolist()
    parts = [tuple(part.tolist()) for part in np.array_split(labels, n_tasks if kind == CLASSES else 2)]
    if len(parts[-1]) < 2 or (kind == RELATED and n_tasks % 2):
        what = "an even number of tasks" if kind == RELATED else "two classes or more for each task"
        raise ValueError(f"a stream of {kind} tasks needs {what}: {n_tasks} tasks, {len(labels)} classes")
    if kind == CLASSES:
        return [Piece(source, size, part) for part in parts]
    if kind == RELATED:
        return [Piece(source, size, part, (seed, number)) for part in parts for number in range(n_tasks // 2)]
    return [Piece(source, size, tuple(labels), (seed, number)) for number in range(n_tasks)]
