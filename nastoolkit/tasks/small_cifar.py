"""CIFAR-10 at 16x16 pixels: 12,000 images in one file, which the user provides.

[Krizhevsky2009] A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", University of Toronto, 2009.

Differs from it in: it has the first 1,000 training and 200 test images of each class, and each pixel is the mean of 2x2;
nothing is cropped or mirrored. The images have no licence that lets us distribute them. The file is an archive of NumPy with
``X``, uint8 ``(12000, 16, 16, 3)``, ``y``, the classes ``(12000,)``, and ``test``, which is true for test images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from nastoolkit.published.sources import find_made
from nastoolkit.tasks.base import SPLITS, Split
from nastoolkit.tasks.data_sets import StoredClassification, datasets_folder
from nastoolkit.tasks.preprocessing import NORMALISATION, normalise

FILE = "cifar10_16.npz"
REMEDY = "Make it from CIFAR-10 as nastoolkit/tasks/small_cifar.py says, and name the folder that has it: NASTOOLKIT_DATA=DIR"


class SmallCifar10(StoredClassification):
    """CIFAR-10 ([Krizhevsky2009]) at 16x16; 1,000 of its 10,000 training images are held out."""

    normalisation = NORMALISATION

    def __init__(self) -> None:
        super().__init__("cifar10-16", REMEDY)

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        file = self._file()
        try:
            with np.load(file) as table:
                pixels, classes, is_test = (table[name] for name in ("X", "y", "test"))
            examples = Split(normalise(pixels), torch.from_numpy(classes.astype(np.int64)))
            official = {"train": np.flatnonzero(~is_test), "test": np.flatnonzero(is_test)}
        except Exception as error:  # NumPy raises whatever a broken file leads it to
            raise self.missing(f"{file} has no images of 16x16 pixels ({error})") from error
        rows = self.our_splits({name: len(places) for name, places in official.items()})
        return {name: examples[official[rows[name][0]][rows[name][1]]] for name in SPLITS}

    def _file(self) -> Path:
        """The file in the folder of data sets, or else in the folder of published data."""
        if (own := datasets_folder() / self.name / FILE).is_file():
            return own
        try:
            return find_made(FILE, "cifar10", "")
        except FileNotFoundError as error:
            raise self.missing(str(error).split(":")[0]) from None
