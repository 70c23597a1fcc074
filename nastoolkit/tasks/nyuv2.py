"""NYUv2: rooms, with a class and a normal of every pixel, in files that the user provides.

[Silberman2012] N. Silberman et al., "Indoor Segmentation and Support Inference from RGBD Images", ECCV 2012.

Differs from it in: 795 training and 654 other images as arrays of NumPy, with normals computed from depth by others. A folder
``nyuv2`` has ``train`` and ``val``, and each of these has ``image``, ``label`` and ``normal`` with a file for every image,
of the same name in all three: colours in 0..1 ``(h, w, 3)``; classes from 0 ``(h, w)``, -1 where there is none; and normals
``(h, w, 3)`` of length 1, or 0 where there is none. Images are neither cropped nor mirrored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from nastoolkit.tasks.base import SPLITS, Split
from nastoolkit.tasks.data_sets import datasets_folder
from nastoolkit.tasks.preprocessing import NORMALISATION
from nastoolkit.tasks.scenes import CLASSES, NORMALS, Labels, Scenes

PARTS = ("image", "label", "normal")
REMEDY = "Bring it into the form that nastoolkit/tasks/nyuv2.py describes, as NASTOOLKIT_DATASETS/nyuv2."


@dataclass(frozen=True, eq=False)
class SceneFiles:
    """Scenes that are read when they are needed.

    Attributes:
        folder: Has a folder for each of ``PARTS``.
        names: Names of files, the same in all of them.
    """

    folder: Path
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def targets(self) -> Labels:
        """All targets: classes ``(n, h, w)`` and normals ``(n, 3, h, w)``."""
        return self.draw(np.arange(len(self)), np.random.default_rng()).targets

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """See :class:`nastoolkit.tasks.base.Examples`; targets keep their size."""
        places = np.arange(len(self))[:n]
        for start in range(0, len(places), size):
            yield self.draw(places[start : start + size], np.random.default_rng()).at(shape)

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> Split:
        """The scenes at ``places`` ``(n,)``, as they are."""
        images, classes, normals = (self._read(part, places) for part in PARTS)
        mean, std = (torch.tensor(NORMALISATION[name])[:, None, None] for name in ("mean", "std"))
        targets = {CLASSES: torch.from_numpy(classes.astype(np.int64)), NORMALS: _channels_first(normals)}
        return Split((_channels_first(images) - mean) / std, targets)

    def _read(self, part: str, places: np.ndarray) -> np.ndarray:
        return np.stack([np.load(self.folder / part / self.names[place]) for place in places])


def _channels_first(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32))


class Nyuv2(Scenes):
    """Rooms: classes and normals; a tenth of the training images is held out for validation, ``val`` is for tests."""

    normalisation = NORMALISATION

    def __init__(self) -> None:
        super().__init__("nyuv2", REMEDY)

    @cached_property
    def n_classes(self) -> int:
        """Number of classes of the training images."""
        train = self._files(datasets_folder() / self.name / "train")
        return 1 + max(int(np.load(train.folder / "label" / name).max()) for name in train.names)

    def read(self) -> Mapping[str, SceneFiles]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        train, others = (self._files(datasets_folder() / self.name / name) for name in ("train", "val"))
        mixed = np.random.default_rng(0).permutation(train.names).tolist()
        n = max(1, len(mixed) // 10)
        held_out, rest = SceneFiles(train.folder, mixed[:n]), SceneFiles(train.folder, mixed[n:])
        return dict(zip(SPLITS, (rest, held_out, others), strict=True))

    def _files(self, folder: Path) -> SceneFiles:
        found = {part: {path.name for path in (folder / part).glob("*.npy")} for part in PARTS}
        if lacking := [part for part, names in found.items() if not names]:
            raise self.missing(f"{folder} has no arrays of {', '.join(lacking)}")
        if len({frozenset(names) for names in found.values()}) > 1:
            raise self.missing(f"{folder} has not the same files for {', '.join(PARTS)}")
        return SceneFiles(folder, sorted(found["image"]))
