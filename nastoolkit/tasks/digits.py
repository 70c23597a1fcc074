"""Cluttered digits: real handwritten digits, turned and scaled, placed on a noisy canvas among pieces of other digits.

The digits are scikit-learn's (1,797 images of 8x8 pixels from the UCI "Optical Recognition of Handwritten Digits" set). The
canvas makes them hard enough to be worth a search. Splits share no handwritten images, not only no canvases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from nastoolkit.tasks.base import SPLITS, Classification, Split, drawn_rows
from nastoolkit.tasks.canvases import MEAN, STD, Canvas, noisy

N_SOURCES = {"train": 897, "validation": 400, "test": 500}  # handwritten images


class Digits(Classification):
    """Which digit is on the canvas? Inputs ``(n, 1, 32, 32)``, about standardised; targets ``(n,)`` in 0..9.

    Attributes:
        canvas: Settings of the canvases.
        digits: Digits to tell apart, in ascending order; a target is a position in this tuple.
        n_canvases: Number of examples in each split; training steps make their own canvases.
    """

    name = "digits"
    normalisation = {"mean": [MEAN], "std": [STD]}
    canvas = Canvas()
    digits: tuple[int, ...] = tuple(range(10))
    n_canvases: Mapping[str, int] = MappingProxyType({"train": 2000, "validation": 2000, "test": 2500})

    def split(self, name: str) -> Split:
        """One of the three fixed splits."""
        if name not in SPLITS:
            raise ValueError(f"unknown split {name!r}; known: {SPLITS}")
        return _split(type(self), name)  # type: ignore[arg-type]  # a class is hashable

    @property
    def n_rows(self) -> int:
        """Number of handwritten images in the training split."""
        return len(self.handwritten("train")[1])

    def batch(self, step: int, size: int, seed: int = 0, rows: np.ndarray | None = None) -> Split:
        """New canvases with the training split's handwritten images; they depend only on the arguments."""
        rng = np.random.default_rng([seed, step, len(SPLITS)])
        chosen = drawn_rows(rows, self.n_rows, size, rng)
        return replace(self.compose("train", chosen, rng), rows=torch.from_numpy(chosen))

    def handwritten(self, split: str) -> tuple[torch.Tensor, np.ndarray]:
        """The images of a split, ``(n, 1, 8, 8)`` in 0..1, and their targets ``(n,)``."""
        images, labels = _sources()[split]
        rows = np.flatnonzero(np.isin(labels, self.digits))
        return images[rows], np.searchsorted(self.digits, labels[rows])

    def compose(self, split: str, chosen: np.ndarray, rng: np.random.Generator) -> Split:
        """A canvas for each chosen handwritten image of a split, ``(n,)``."""
        images, targets = self.handwritten(split)
        return Split(noisy(self.canvas.ink(images[chosen], images, rng), rng), torch.from_numpy(targets[chosen]))


@cache
def _split(task: type[Digits], name: str) -> Split:
    chosen = np.resize(np.arange(len(task().handwritten(name)[1])), task.n_canvases[name])
    return task().compose(name, chosen, np.random.default_rng(SPLITS.index(name)))


@cache
def _sources() -> dict[str, tuple[torch.Tensor, np.ndarray]]:
    """The handwritten images ``(n, 1, 8, 8)`` in 0..1 and labels of each split, classes balanced."""
    bunch = load_digits()
    rest, rows = np.arange(len(bunch.target)), {}
    for name in SPLITS[:2]:
        rows[name], rest = train_test_split(rest, train_size=N_SOURCES[name], random_state=0, stratify=bunch.target[rest])
    rows[SPLITS[2]] = rest
    images = torch.from_numpy(bunch.images.astype(np.float32)[:, None] / 16.0)
    return {name: (images[chosen], bunch.target[chosen].astype(np.int64)) for name, chosen in rows.items()}
