"""Cluttered digits: real handwritten digits, turned and scaled, somewhere on a noisy canvas among pieces of other digits.

The digits are scikit-learn's (1,797 images of 8x8 pixels from the UCI "Optical Recognition of Handwritten Digits" set). The
canvas makes them worth searching networks for. Splits are disjoint in the handwritten images, not only in the canvases.

[Mnih2014] V. Mnih et al., "Recurrent Models of Visual Attention", NIPS 2014, Section 4: the idea of cluttered canvases.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn import functional

from nastoolkit.tasks.base import SPLITS, Classification, Split

CANVAS = 32  # pixels
N_SOURCES = {"train": 897, "validation": 400, "test": 500}  # handwritten images
N_CANVASES = {"train": 2000, "validation": 2000, "test": 2500}
N_CLUTTER = 6  # pieces of other digits on a canvas
NOISE = 0.2  # standard deviation, where ink is 1
SCALE = (1.4, 2.6)  # enlargement of the 8x8 images
TURN = 0.5  # radians, either way
REACH = 0.6  # how far from the middle a digit may stand; 1 puts half of it outside


class Digits(Classification):
    """Which digit stands on the canvas? Inputs ``(n, 1, 32, 32)``, about standardised; targets ``(n,)`` in 0..9."""

    name = "digits"

    def split(self, name: str) -> Split:
        """One of the three fixed splits."""
        if name not in SPLITS:
            raise ValueError(f"unknown split {name!r}; known: {SPLITS}")
        return _split(name)

    def batch(self, step: int, size: int, seed: int = 0) -> Split:
        """New canvases with the training split's handwritten images: a function of its arguments alone."""
        rng = np.random.default_rng([seed, step, len(SPLITS)])
        digits, labels = _sources()["train"]
        return _compose(digits, labels, rng.integers(len(digits), size=size), rng)


@cache
def _split(name: str) -> Split:
    digits, labels = _sources()[name]
    chosen = np.resize(np.arange(len(digits)), N_CANVASES[name])
    return _compose(digits, labels, chosen, np.random.default_rng(SPLITS.index(name)))


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


def _compose(digits: torch.Tensor, labels: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> Split:
    """A canvas for each chosen image: the digit, clutter around it, noise over all."""
    n = len(chosen)
    digit_and_box = torch.cat([digits[chosen], torch.ones(n, 1, 8, 8)], dim=1)
    canvas, box = _place(digit_and_box, rng, turn=TURN, reach=REACH).split(1, dim=1)
    for _ in range(N_CLUTTER):
        pieces = _pieces(digits[rng.integers(len(digits), size=n)], rng)
        canvas = torch.maximum(canvas, (1 - box) * _place(pieces, rng, turn=np.pi, reach=1.0))
    noise = torch.from_numpy(rng.standard_normal(canvas.shape, dtype=np.float32))
    return Split((canvas + NOISE * noise - 0.2) / 0.35, torch.from_numpy(labels[chosen]))


def _pieces(digits: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Keep a random 4x4 window of each image ``(n, 1, 8, 8)``."""
    corner = torch.from_numpy(rng.integers(0, 5, size=(len(digits), 2, 1)))
    inside = (torch.arange(8) >= corner) & (torch.arange(8) < corner + 4)
    return digits * (inside[:, 0, :, None] & inside[:, 1, None, :])[:, None]


def _place(images: torch.Tensor, rng: np.random.Generator, turn: float, reach: float) -> torch.Tensor:
    """Draw images ``(n, channels, 8, 8)`` on empty canvases: enlarged, turned by up to ``turn`` radians, moved off centre."""
    n, channels = images.shape[:2]
    angle, zoom = rng.uniform(-turn, turn, n), CANVAS / 8 / rng.uniform(*SCALE, n)
    cos, sin, shift = zoom * np.cos(angle), zoom * np.sin(angle), zoom * rng.uniform(-reach, reach, (2, n))
    theta = np.stack([[cos, -sin, shift[0]], [sin, cos, shift[1]]]).transpose(2, 0, 1)
    shape = [n, channels, CANVAS, CANVAS]
    grid = functional.affine_grid(torch.from_numpy(theta.astype(np.float32)), shape, align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
