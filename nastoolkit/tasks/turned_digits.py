"""Handwritten digits, turned and mirrored: each way is a class, for learning from few images of many classes.

The digits are those of :mod:`nastoolkit.tasks.digits`; splits share no handwritten images.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import torch

from nastoolkit.tasks.base import SPLITS, Split
from nastoolkit.tasks.canvases import MEAN, STD, Canvas
from nastoolkit.tasks.data_sets import StoredClassification
from nastoolkit.tasks.digits import Digits

CANVAS = Canvas(turn=0.2, reach=0.25, scale=(2.4, 3.2), n_clutter=0)
NOISE = 0.15  # standard deviation, where ink is 1
ALIKE = (0, 1, 8)  # digits that look alike mirrored, and upside down
DIGITS: Mapping[str, tuple[int, ...]] = MappingProxyType({"train": (0, 1, 2, 3, 4), "validation": (5,), "test": (6, 7, 8)})
KINDS = [
    (digit, turns, is_mirrored)
    for digit in range(9)  # a 9 is a 6 upside down
    for turns in range(2 if digit in ALIKE else 4)
    for is_mirrored in ([False] if digit in ALIKE else [False, True])
]  # of each class


class TurnedDigits(StoredClassification):
    """Which digit, turned how far, and mirrored or not? Inputs ``(n, 1, 16, 16)``, about standardised; 54 classes."""

    normalisation = {"mean": [MEAN], "std": [STD]}

    def __init__(self) -> None:
        super().__init__("turned-digits", "")

    @property
    def class_groups(self) -> dict[str, tuple[int, ...]]:
        """Classes of some digits for learning to learn, of one other for validation, and of others for test."""
        kinds = [*enumerate(KINDS)]
        return {name: tuple(label for label, kind in kinds if kind[0] in digits) for name, digits in DIGITS.items()}

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        return {name: _turned(name) for name in SPLITS}


def _turned(name: str) -> Split:
    """All handwritten images of a split in all ways."""
    (images, labels), rng = Digits().handwritten(name), np.random.default_rng([SPLITS.index(name), 7])
    inputs, targets = list[torch.Tensor](), list[int]()
    for target, (digit, turns, is_mirrored) in enumerate(KINDS):
        own = images[labels == digit]
        ink = torch.nn.functional.avg_pool2d(CANVAS.ink(own, images, rng), 2)
        ink = torch.rot90(ink.flip(3) if is_mirrored else ink, turns, (2, 3))
        inputs.append(ink + NOISE * torch.from_numpy(rng.standard_normal(ink.shape, dtype=np.float32)))
        targets += [target] * len(own)
    return Split((torch.cat(inputs) - MEAN) / STD, torch.tensor(targets))
