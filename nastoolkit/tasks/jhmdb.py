"""Fourteen actions of people in films, by fifteen joints that were marked by hand: J-HMDB. The user provides the file.

[Jhuang2013] H. Jhuang et al., "Towards Understanding Action Recognition", ICCV 2013: the data set, split 1.
[Yang2019] F. Yang et al., "Make Skeleton-based Action Recognition Model Smaller, Faster and Better", ACM Multimedia Asia 2019.

Differs from them in: 14 of the 21 actions, in two coordinates, and at most 40 frames. The file ``jhmdb_pose_split1.npz``
is a NumPy archive that is made from https://github.com/fandulu/DD-Net (commit f26a999, ``data/JHMDB``), of normalised
joints: ``pose`` ``(n, 40, 15, 2)``, NaN after the end of a clip; ``label``, the names of actions ``(n,)``; and ``test``,
which is true for the test clips of the split. A fifth of the training clips of each action is for validation; clips of one
film may be on both sides of that cut, but not of that between training and test.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nastoolkit.published.sources import find_made
from nastoolkit.tasks.base import Split
from nastoolkit.tasks.data_sets import datasets_folder
from nastoolkit.tasks.skeletons import Skeletons, body_of_15

FILE = "jhmdb_pose_split1.npz"
REMEDY = "Make it as nastoolkit/tasks/jhmdb.py says, and name the folder that has it: NASTOOLKIT_DATA=DIR"


class Jhmdb(Skeletons):
    """Actions of people in films."""

    skeleton, length = body_of_15(2), 40

    def __init__(self) -> None:
        super().__init__("jhmdb-poses", REMEDY)

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        file = self._file()
        try:
            with np.load(file) as table:
                poses, labels, is_test = (table[name] for name in ("pose", "label", "test"))
            targets = np.unique(labels, return_inverse=True)[1]
            rows = _rows(targets, is_test)
            return {name: self.examples(poses, targets, chosen) for name, chosen in rows.items()}
        except Exception as error:  # NumPy raises whatever a broken file leads it to
            raise self.missing(f"{file} has no poses of 15 joints ({error})") from error

    def _file(self) -> Path:
        """The file in the folder of data sets, or else in the folder of published data."""
        if (own := datasets_folder() / self.name / FILE).is_file():
            return own
        try:
            return find_made(FILE, "jhmdb-pose", "")
        except FileNotFoundError as error:
            raise self.missing(str(error).split(":")[0]) from None


def _rows(targets: np.ndarray, is_test: np.ndarray) -> dict[str, np.ndarray]:
    """Clips of each split: a fifth of each action's training clips is for validation."""
    rng, places = np.random.default_rng(0), np.arange(len(targets))
    validation = np.zeros(len(targets), bool)
    for action in np.unique(targets):
        own = rng.permutation(places[(targets == action) & ~is_test])
        validation[own[: -(-len(own) // 5)]] = True
    return {"train": places[~is_test & ~validation], "validation": places[validation], "test": places[is_test]}
