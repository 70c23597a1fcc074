"""SceneFlow: rendered films with disparities, in files that the user provides.

[Mayer2016] N. Mayer et al., "A Large Dataset to Train Convolutional Networks for Disparity, Optical Flow, and Scene Flow
Estimation", CVPR 2016.

Differs from it in: whatever lies in a folder ``sceneflow`` as FlyingThings3D is published, ``frames_finalpass`` and
``disparity``, each with ``TRAIN`` and ``TEST``; the images of a film are ``.../left/NAME.png`` and ``.../right/NAME.png``, and
its disparities ``.../left/NAME.pfm``. A tenth of ``TRAIN`` is for validation. Training sees random crops, evaluation the
middle of each image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from nastoolkit.tasks.base import SPLITS, Split, joined
from nastoolkit.tasks.data_sets import datasets_folder
from nastoolkit.tasks.preprocessing import NORMALISATION
from nastoolkit.tasks.stereo import DISPARITY, Stereo

IMAGES, DISPARITIES = "frames_finalpass", "disparity"
REMEDY = "Put FlyingThings3D into NASTOOLKIT_DATASETS/sceneflow, as nastoolkit/tasks/sceneflow.py describes."


def read_pfm(path: Path) -> np.ndarray:
    """An image ``(h, w)`` from a PFM file: a text of three lines, then rows from the bottom to the top.

    Raises:
        ValueError: The file is no PFM file of one channel.
    """
    kind, size, scale, numbers = path.read_bytes().split(b"\n", 3)
    if kind.strip() != b"Pf":
        raise ValueError(f"{path} begins with {kind[:8]!r}, and a PFM file of one channel with b'Pf'")
    width, height = map(int, size.split())
    pixels = np.frombuffer(numbers, "<f4" if float(scale) < 0 else ">f4").reshape(height, width)
    return pixels[::-1].astype(np.float32)


@dataclass(frozen=True, eq=False)
class StereoFiles:
    """Pairs that are read when they are needed.

    Attributes:
        root: Folder of ``IMAGES`` and ``DISPARITIES``.
        names: Left images, from ``IMAGES`` on, without their ending.
        crop: Largest height and width.
    """

    root: Path
    names: list[str]
    crop: tuple[int, int]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def targets(self) -> dict[str, torch.Tensor]:
        """All disparities ``(n, h, w)``."""
        return {DISPARITY: joined([batch.targets[DISPARITY] for batch in self.batches(1)])}

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """See :class:`nastoolkit.tasks.base.Examples`; pairs keep their size."""
        places = np.arange(len(self))[:n]
        for start in range(0, len(places), size):
            yield self._read(places[start : start + size], None)

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> Split:
        """Random crops of the pairs at ``places`` ``(n,)``."""
        return self._read(places, rng)

    def _read(self, places: np.ndarray, rng: np.random.Generator | None) -> Split:
        lefts, rights, disparities = zip(*(self._cropped(self.names[place], rng) for place in places), strict=True)
        return Split((_images(lefts), _images(rights)), {DISPARITY: torch.from_numpy(np.stack(disparities))})

    def _cropped(self, name: str, rng: np.random.Generator | None) -> list[np.ndarray]:
        left = self.root / IMAGES / f"{name}.png"
        pair = [np.asarray(Image.open(path).convert("RGB")) for path in (left, left.parent.parent / "right" / left.name)]
        parts = [*pair, read_pfm(self.root / DISPARITIES / f"{name}.pfm")]
        spare = [max(0, have - most) for have, most in zip(parts[2].shape, self.crop, strict=True)]
        top, start = (one // 2 if rng is None else int(rng.integers(one + 1)) for one in spare)
        return [part[top : top + self.crop[0], start : start + self.crop[1]] for part in parts]


def _images(pixels: tuple[np.ndarray, ...]) -> torch.Tensor:
    mean, std = (torch.tensor(NORMALISATION[name])[:, None, None] for name in ("mean", "std"))
    return (torch.from_numpy(np.stack(pixels).transpose(0, 3, 1, 2) / np.float32(255)) - mean) / std


class SceneFlow(Stereo):
    """Pairs of films.

    Attributes:
        crop: Largest height and width that networks see.
    """

    max_disparity = 192
    crop = (192, 384)

    def __init__(self) -> None:
        super().__init__("sceneflow", REMEDY)

    def read(self) -> Mapping[str, StereoFiles]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        root = datasets_folder() / self.name
        train, others = (self._names(root, part) for part in ("TRAIN", "TEST"))
        mixed = np.random.default_rng(0).permutation(train).tolist()
        n = max(1, len(mixed) // 10)
        return {
            name: StereoFiles(root, names, self.crop)
            for name, names in zip(SPLITS, (mixed[n:], mixed[:n], others), strict=True)
        }

    def _names(self, root: Path, part: str) -> list[str]:
        found = sorted((root / IMAGES / part).glob("**/left/*.png"))
        names = [path.relative_to(root / IMAGES).with_suffix("").as_posix() for path in found]
        if not names:
            raise self.missing(f"{root / IMAGES / part} has no folder 'left' with images")
        if lacking := [name for name in names if not (root / DISPARITIES / f"{name}.pfm").exists()]:
            raise self.missing(f"{len(lacking)} images have no disparities in {root / DISPARITIES}, such as {lacking[0]}")
        return names
