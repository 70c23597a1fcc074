"""Characters of eight alphabets that twenty people drew: Omniglot, for learning from few images. The user provides the file.

[Lake2015] B. M. Lake, R. Salakhutdinov and J. B. Tenenbaum, "Human-level Concept Learning through Probabilistic Program
Induction", Science 350(6266), 2015; MIT licence.

Differs from it in: 8 of the 50 alphabets, 242 characters, as https://github.com/brendenlake/omniglot (commit 057f034) has them
in its small background sets; images have 28x28 pixels. The file is a NumPy archive with ``X``, uint8 ``(4840, 28, 28)``,
where ink is bright; ``alphabet``, the names of alphabets ``(4840,)``; and ``character``, numbers in an alphabet ``(4840,)``.
Of a character's twenty drawings, in the order of the file, the last two are for test, and two before them for validation.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from nastoolkit.published.sources import find_made
from nastoolkit.tasks.base import Split
from nastoolkit.tasks.data_sets import StoredClassification, datasets_folder

FILE = "omniglot28.npz"
REMEDY = "Make it as nastoolkit/tasks/omniglot.py says, and name the folder that has it: NASTOOLKIT_DATA=DIR"
MEAN, STD = 0.08, 0.24  # of the pixels
N_HELD_OUT = 2  # drawings of a character for validation, and as many for test
N_ALPHABETS = {"train": 5, "validation": 1, "test": 2}  # in the order of their names


class Omniglot(StoredClassification):
    """Which character of all alphabets is it? Inputs ``(n, 1, 28, 28)``, about standardised."""

    normalisation = {"mean": [MEAN], "std": [STD]}

    def __init__(self) -> None:
        super().__init__("omniglot", REMEDY)

    @property
    def class_groups(self) -> dict[str, tuple[int, ...]]:
        """Characters of some alphabets for learning to learn, of one other for validation, and of others for test."""
        return self._read[1]

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[dict[str, Split], dict[str, tuple[int, ...]]]:
        file = self._file()
        try:
            with np.load(file) as table:
                pixels, alphabets, characters = (table[name] for name in ("X", "alphabet", "character"))
            names, alphabet = np.unique(alphabets, return_inverse=True)
            pairs, targets = np.unique(np.stack([alphabet, characters], axis=1), axis=0, return_inverse=True)
            inputs = torch.from_numpy((pixels.astype(np.float32)[:, None] / 255 - MEAN) / STD)
            examples = Split(inputs, torch.from_numpy(targets.ravel().astype(np.int64)))
            splits = {name: examples[rows] for name, rows in _rows(targets.ravel()).items()}
            return splits, _groups(pairs[:, 0], len(names))
        except Exception as error:  # NumPy raises whatever a broken file leads it to
            raise self.missing(f"{file} has no drawings of characters ({error})") from error

    def __getstate__(self) -> dict[str, object]:
        return {key: value for key, value in super().__getstate__().items() if key != "_read"}

    def _file(self) -> Path:
        """The file in the folder of data sets, or else in the folder of published data."""
        if (own := datasets_folder() / self.name / FILE).is_file():
            return own
        try:
            return find_made(FILE, "omniglot", "")
        except FileNotFoundError as error:
            raise self.missing(str(error).split(":")[0]) from None


def _rows(targets: np.ndarray) -> dict[str, np.ndarray]:
    """Drawings of each split: the last ones of every character are held out."""
    drawings = [np.flatnonzero(targets == target) for target in range(targets.max() + 1)]
    ends = {
        "train": slice(-2 * N_HELD_OUT),
        "validation": slice(-2 * N_HELD_OUT, -N_HELD_OUT),
        "test": slice(-N_HELD_OUT, None),
    }
    return {name: np.concatenate([own[end] for own in drawings]) for name, end in ends.items()}


def _groups(alphabet_of: np.ndarray, n: int) -> dict[str, tuple[int, ...]]:
    """Classes of each group of alphabets, from the alphabet ``(n_classes,)`` of each."""
    if n < sum(N_ALPHABETS.values()):
        raise ValueError(f"{n} alphabets of {sum(N_ALPHABETS.values())}")
    ends = np.cumsum([0, *N_ALPHABETS.values()])
    ends[-1] = n
    among = zip(N_ALPHABETS, ends, ends[1:], strict=False)
    return {name: tuple(np.flatnonzero((alphabet_of >= low) & (alphabet_of < high)).tolist()) for name, low, high in among}
