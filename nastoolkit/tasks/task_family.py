"""Many small tasks of handwritten digits that want different networks: some classes, a placement and a look each.

They are for methods that learn across tasks: tasks to learn from, and unseen ones, none of which has the placement and the
look of a task to learn from. The digits are those of :mod:`nastoolkit.tasks.digits`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import torch
from torch.nn import functional

from nastoolkit.support.counts import keep_whole, whole
from nastoolkit.support.names import unknown
from nastoolkit.tasks.base import SPLITS, MadeImages, Split
from nastoolkit.tasks.canvases import MEAN, STD, Canvas
from nastoolkit.tasks.digits import Digits

SIZE = 16  # pixels of an image
NOISE = 0.08  # standard deviation, where ink is 1
Look = Callable[[torch.Tensor, np.random.Generator], torch.Tensor]

PLACEMENTS: Mapping[str, Canvas] = {
    "upright": Canvas(turn=0.2, reach=0.2, scale=(2.6, 3.2), n_clutter=0),
    "turned": Canvas(turn=1.2, reach=0.2, scale=(2.6, 3.2), n_clutter=0),
    "aside": Canvas(turn=0.2, reach=0.5, scale=(2.2, 2.6), n_clutter=0),
    "small": Canvas(turn=0.2, reach=0.3, scale=(1.8, 2.1), n_clutter=0),
    "large": Canvas(turn=0.2, reach=0.2, scale=(3.4, 4.2), n_clutter=0),
    "cluttered": Canvas(turn=0.2, reach=0.3, scale=(2.4, 3.0), n_clutter=4),
}


def _random(rng: np.random.Generator, images: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """A number for each image, ``(n, 1, 1, 1)``."""
    return torch.from_numpy(rng.uniform(low, high, (len(images), 1, 1, 1)).astype(np.float32))


def _striped(ink: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Upright stripes in the background, at a place of their own in each image."""
    wave = torch.sin(torch.arange(SIZE) * (2 * np.pi / 4) + _random(rng, ink, 0, 2 * np.pi))
    return torch.maximum(ink, 0.7 * (wave > 0).float())


def _grainy(ink: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    return ink + 0.5 * torch.from_numpy(rng.standard_normal(ink.shape, dtype=np.float32))


def _coarse(ink: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Pixels of 2x2."""
    return functional.avg_pool2d(ink, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)


def _outlined(ink: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """How far each pixel is above the darkest one around it."""
    return ink + functional.max_pool2d(-ink, 3, 1, 1)


def _covered(ink: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A fifth of the rows is black, at a place of its own in each image."""
    rows = torch.arange(SIZE).view(1, 1, -1, 1) - torch.floor(_random(rng, ink, 4, SIZE - 6))
    return ink * ((rows < 0) | (rows > 2))


def _shaded(ink: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Light from a side of its own in each image."""
    angle, along = _random(rng, ink, 0, 2 * np.pi), torch.linspace(-1, 1, SIZE)
    return 0.5 * ink + 0.4 * (torch.cos(angle) * along + torch.sin(angle) * along.view(-1, 1))


LOOKS: Mapping[str, Look] = {
    "plain": lambda ink, rng: ink,
    "inverted": lambda ink, rng: 1 - ink,
    "striped": _striped,
    "grainy": _grainy,
    "coarse": _coarse,
    "outlined": _outlined,
    "covered": _covered,
    "shaded": _shaded,
}


@dataclass(frozen=True)
class DigitTask(MadeImages):
    """Which of some digits is it? Inputs ``(n, 1, 16, 16)``, about standardised; targets ``(n,)`` are places in ``digits``.

    Attributes:
        digits: Digits to tell apart, in ascending order.
        placement: How they stand on their canvases, a key of ``PLACEMENTS``.
        look: What they look like, a key of ``LOOKS``.
        n_train: Number of training images, all of which are fixed.
        n_held_out: Number of validation images, and of test images.

    Raises:
        ValueError: A name or a digit is unknown, or there are fewer than two digits.
    """

    digits: tuple[int, ...]
    placement: str = "upright"
    look: str = "plain"
    n_train: int = 400
    n_held_out: int = 400

    normalisation = {"mean": [MEAN], "std": [STD]}

    def __post_init__(self) -> None:
        for kind, name, known in (("placement", self.placement, PLACEMENTS), ("look", self.look, LOOKS)):
            if name not in known:
                raise ValueError(unknown(kind, name, known))
        if len(self.digits) < 2 or sorted({*self.digits} & {*range(10)}) != list(self.digits):
            raise ValueError(f"a task tells two or more digits apart, in ascending order from 0 to 9; got {self.digits}")
        keep_whole(self, n_train=len(self.digits), n_held_out=len(self.digits))

    @property
    def name(self) -> str:
        """Everything that tells it from other tasks."""
        digits = "".join(map(str, self.digits))
        return f"digits-{digits}-{self.placement}-{self.look}-{self.n_train}-{self.n_held_out}"

    def made(self, name: str) -> Split:
        """See :class:`nastoolkit.tasks.base.MadeImages`."""
        return _split(self, name)


@cache
def _split(task: DigitTask, name: str) -> Split:
    """New canvases with the split's handwritten digits, classes in turn."""
    images, labels = Digits().handwritten(name)
    own = np.isin(labels, task.digits)
    images, targets = images[own], np.searchsorted(task.digits, labels[own])
    rng = np.random.default_rng([SPLITS.index(name), *task.name.encode()])
    by_class = [rng.permutation(np.flatnonzero(targets == target)) for target in range(len(task.digits))]
    n = task.n_train if name == "train" else task.n_held_out
    turns = range(-(-n // len(by_class)))
    chosen = np.array([rows[turn % len(rows)] for turn in turns for rows in by_class][:n])
    ink = functional.avg_pool2d(PLACEMENTS[task.placement].ink(images[chosen], images, rng), 2)
    pixels = LOOKS[task.look](ink, rng) + NOISE * torch.from_numpy(rng.standard_normal(ink.shape, dtype=np.float32))
    return Split((pixels - MEAN) / STD, torch.from_numpy(targets[chosen]))


@dataclass(frozen=True)
class TaskFamily:
    """Tasks to learn from and unseen ones; each pair of a placement and a look is in one of the two groups.

    Attributes:
        n_tasks: Number of tasks to learn from.
        n_unseen: Number of unseen tasks.
        n_classes: Digits of each task, drawn at random.
        seed: Random seed of classes and of the pairs.
        n_train: See :class:`DigitTask`.

    Raises:
        ValueError: There are more tasks than pairs, or a task has fewer than two classes or more than ten.
    """

    n_tasks: int
    n_unseen: int
    n_classes: int = 5
    seed: int = 0
    n_train: int = 400

    def __post_init__(self) -> None:
        keep_whole(self, n_tasks=1, n_unseen=1, seed=0)
        n_pairs = len(PLACEMENTS) * len(LOOKS)
        if self.n_tasks + self.n_unseen > n_pairs:
            raise ValueError(
                f"{self.n_tasks} and {self.n_unseen} tasks are more than the {n_pairs} pairs of placement and look"
            )
        if not 2 <= whole("n_classes", self.n_classes) <= 10:
            raise ValueError(f"a task tells 2 to 10 digits apart, got {self.n_classes} classes")

    def draw(self) -> tuple[list[DigitTask], list[DigitTask]]:
        """Tasks to learn from, and unseen ones."""
        rng = np.random.default_rng([self.seed, self.n_classes])
        pairs = rng.permutation([*product(PLACEMENTS, LOOKS)])
        digits = [tuple(np.sort(rng.permutation(10)[: self.n_classes]).tolist()) for _ in pairs]
        drawn = [DigitTask(own, str(place), str(look), self.n_train) for own, (place, look) in zip(digits, pairs, strict=True)]
        return drawn[: self.n_tasks], drawn[self.n_tasks : self.n_tasks + self.n_unseen]
