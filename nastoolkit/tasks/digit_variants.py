"""Eight more tasks from the handwritten digits of :mod:`nastoolkit.tasks.digits`: from broad to fine-grained and small.

They are for transfer: a supernet that was trained on one task is adapted to another.

[Lu2021] Z. Lu et al., "Neural Architecture Transfer", TPAMI 2021, Section 4: eleven data sets, from many classes with many
images (ImageNet, CINIC-10) to fine-grained and small ones (Aircraft, Flowers102, Pets).
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import torch

from nastoolkit.tasks.base import Split
from nastoolkit.tasks.canvases import Canvas, noisy
from nastoolkit.tasks.digits import Digits

N_CANVASES = MappingProxyType({"train": 1000, "validation": 1000, "test": 2000})


class PlainDigits(Digits):
    """Broad: which of ten digits, without clutter? Targets ``(n,)`` in 0..9."""

    name = "digits-plain"
    canvas = Canvas(reach=0.4, n_clutter=0)
    n_canvases = N_CANVASES


class UprightDigits(Digits):
    """Easy: which of ten digits, nearly upright and in the middle? Targets ``(n,)`` in 0..9."""

    name = "digits-upright"
    canvas = Canvas(turn=0.3, reach=0.15, scale=(2.2, 2.8), n_clutter=0)
    n_canvases = N_CANVASES


class LowDigits(UprightDigits):
    """One half of them: which of 0 to 4? Targets ``(n,)`` in 0..4."""

    name = "digits-0to4"
    digits = tuple(range(5))


class HighDigits(UprightDigits):
    """The other half: which of 5 to 9? Targets ``(n,)`` in 0..4."""

    name = "digits-5to9"
    digits = tuple(range(5, 10))


class SimilarDigits(Digits):
    """Fine-grained: which of the look-alikes 3, 5, 8 and 9, among clutter? Targets ``(n,)`` in 0..3."""

    name = "digits-3589"
    digits = (3, 5, 8, 9)
    n_canvases = N_CANVASES


class FewDigits(Digits):
    """Small: ten handwritten training images per class, among clutter, all mirrored. Targets ``(n,)`` in 0..9.

    Without mirroring, a supernet for the cluttered digits would already know them and many more.
    """

    name = "digits-few"
    n_canvases = N_CANVASES

    def handwritten(self, split: str) -> tuple[torch.Tensor, np.ndarray]:
        """See :class:`Digits`; images are mirrored, and only the first ten training images of each class are used."""
        images, targets = super().handwritten(split)
        n = 10 if split == "train" else len(targets)
        rows = np.sort(np.concatenate([np.flatnonzero(targets == target)[:n] for target in range(len(self.digits))]))
        return images[rows].flip(3), targets[rows]


class RotatedDigits(Digits):
    """Turned by any angle, without clutter; no 9, which is a 6 upside down. Targets ``(n,)`` in 0..8."""

    name = "digits-rotated"
    canvas = Canvas(turn=np.pi, reach=0.4, n_clutter=0)
    digits = tuple(range(9))
    n_canvases = N_CANVASES


class DigitSums(Digits):
    """The sum of two digits side by side: targets ``(n,)`` in 0..18, those in the middle most often."""

    name = "digits-sums"
    canvas = Canvas(turn=0.3, reach=0.1, place=-0.5, scale=(1.4, 1.9), n_clutter=0)
    n_canvases = N_CANVASES

    def compose(self, split: str, chosen: np.ndarray, rng: np.random.Generator) -> Split:
        """See :class:`Digits`; the second digit of a canvas is any digit of the split."""
        images, targets = self.handwritten(split)
        second = rng.integers(len(targets), size=len(chosen))
        left = self.canvas.ink(images[chosen], images, rng)
        right = replace(self.canvas, place=-self.canvas.place).ink(images[second], images, rng)
        return Split(noisy(torch.maximum(left, right), rng), torch.from_numpy(targets[chosen] + targets[second]))
