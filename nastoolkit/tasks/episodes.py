"""Small classification tasks with few examples of few classes, drawn from a task with many classes.

[Vinyals2016] O. Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016, Section 2.2: episodes.
[Ravi2017] S. Ravi and H. Larochelle, "Optimization as a Model for Few-Shot Learning", ICLR 2017, Section 5.1: 64, 16 and 20 of
mini-ImageNet's classes for learning to learn, for validation and for test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from nastoolkit.support.counts import keep_whole
from nastoolkit.tasks.base import SPLITS, Split, Task

SHARES = (0.64, 0.16)  # of classes, for learning to learn and for validation; those of mini-ImageNet


@dataclass(frozen=True)
class Episode:
    """A small task.

    Attributes:
        support: Examples to learn from; targets are positions in ``classes``.
        query: Other examples of the same classes, for judging.
        classes: Classes ``(n_classes,)`` of the large task, in random order.
    """

    support: Split
    query: Split
    classes: np.ndarray


@dataclass(frozen=True)
class Episodes:
    """Draws episodes from a task's training examples; an episode depends only on its number and the seed.

    Attributes:
        task: Task whose training examples have the same classes whenever they are drawn.
        n_classes: Classes of an episode.
        n_support: Examples of each class to learn from.
        n_query: Other examples of each class, for judging.
        classes: Classes that episodes are drawn from, so that others are new in a test; by default all.
        seed: Random seed.

    Raises:
        ValueError: The task has no classes or fewer than an episode needs, or a class has too few examples.
    """

    task: Task
    n_classes: int = 5
    n_support: int = 5
    n_query: int = 15
    classes: Sequence[int] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        keep_whole(self, n_classes=2, n_support=1, n_query=1, seed=0)
        if not hasattr(type(self.task), "n_classes"):
            raise ValueError(f"episodes need classes, and task {self.task.name!r} has none")
        needed, found = self.n_support + self.n_query, len(self._rows)
        if found < self.n_classes:
            raise ValueError(f"episodes have {self.n_classes} classes, and there are {found} in task {self.task.name!r}")
        fewest = min(self._rows, key=lambda label: len(self._rows[label]))
        if len(self._rows[fewest]) < needed:
            has = f"class {fewest} of task {self.task.name!r} has {len(self._rows[fewest])}"
            raise ValueError(f"episodes need {needed} examples of each class, and {has}")

    @cached_property
    def _rows(self) -> dict[int, np.ndarray]:
        """Training rows of each class that episodes are drawn from."""
        targets = self.task.split("train").targets[: self.task.n_rows].numpy()
        found = {int(label): np.flatnonzero(targets == label) for label in np.unique(targets)}
        return found if self.classes is None else {label: found.get(label, np.array([], int)) for label in self.classes}

    def draw(self, number: int) -> Episode:
        """An episode by its number.

        Raises:
            ValueError: Examples have other classes than in the training split.
        """
        rng = np.random.default_rng([self.seed, number])
        classes = rng.permutation(list(self._rows))[: self.n_classes]
        n = self.n_support + self.n_query
        rows = np.stack([rng.choice(self._rows[label], n, replace=False) for label in classes], axis=1).ravel()
        batch = self.task.batch(number, len(rows), self.seed, rows)  # example by example of all classes
        if not np.array_equal(batch.targets.numpy(), np.tile(classes, n)):
            raise ValueError(f"examples of task {self.task.name!r} change their classes, so no episodes can be drawn")
        batch = replace(batch, targets=torch.arange(len(classes)).repeat(n))
        end = self.n_support * len(classes)
        return Episode(batch[:end], batch[end:], classes)


def class_groups(task: Task) -> Mapping[str, Sequence[int]]:
    """Classes for learning to learn, for validation and for test, by the names of splits; no class is in two of them.

    They are the task's own ``class_groups``, or else shares of all classes in their order ([Ravi2017]).

    Raises:
        ValueError: The task has no classes.
    """
    if (own := getattr(task, "class_groups", None)) is not None:
        return own
    if (n := getattr(task, "n_classes", None)) is None:
        raise ValueError(f"episodes need classes, and task {task.name!r} has none")
    ends = np.cumsum([round(share * n) for share in SHARES])
    return dict(zip(SPLITS, (part.tolist() for part in np.split(np.arange(n), ends)), strict=True))
