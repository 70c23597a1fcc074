"""Many small tasks that want different operations: each has a cue, which tells its classes apart, and a disturbance.

They are for methods that learn across tasks. Cues are stripes of one pixel, waves of two lengths, values of single pixels, a
share of smooth noise, or neighbours that are alike. Cells without wide kernels can tell some of these only by pooling, and
others only without it. Handwriting, which disturbs, is that of :mod:`nastoolkit.tasks.digits`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch.nn import functional

from nastoolkit.support.counts import keep_whole
from nastoolkit.support.names import unknown
from nastoolkit.tasks.base import SPLITS, MadeImages, Split
from nastoolkit.tasks.digits import Digits

SIZE, N_CLASSES = 12, 4  # pixels of a side; classes of each task
Cue = Callable[[np.ndarray, np.random.Generator, str], torch.Tensor]  # of targets (n,); for the split of this name
Disturbance = Callable[[torch.Tensor, np.random.Generator, str], torch.Tensor]  # of images (n, 1, size, size)
DOWN, RIGHT = (torch.arange(SIZE, dtype=torch.float32).view(shape) for shape in ((-1, 1), (1, -1)))


def _noise(n: int, rng: np.random.Generator, size: int = SIZE) -> torch.Tensor:
    return torch.from_numpy(rng.standard_normal((n, 1, size, size), dtype=np.float32))


def _random(n: int, rng: np.random.Generator, high: float) -> torch.Tensor:
    """A number between 0 and ``high`` for each image, ``(n, 1, 1, 1)``."""
    return torch.from_numpy(rng.uniform(0, high, (n, 1, 1, 1)).astype(np.float32))


def _handwriting(digits: np.ndarray, rng: np.random.Generator, split: str) -> torch.Tensor:
    """Handwriting of a split that shows ``digits`` ``(n,)``, each at a random place, ``(n, 1, size, size)`` in 0..1."""
    images, labels = Digits().handwritten(split)
    chosen = np.array([rng.choice(np.flatnonzero(labels == digit)) for digit in digits])
    room = SIZE - images.shape[-1]
    wide = functional.pad(images[chosen], (room, room, room, room))
    rows, columns = (start[:, None] + np.arange(SIZE) for start in rng.integers(0, room + 1, (2, len(digits))))
    return wide[np.arange(len(digits))[:, None, None], 0, rows[:, :, None], columns[:, None, :]][:, None]


def _stripes(targets: np.ndarray, rng: np.random.Generator, split: str) -> torch.Tensor:
    """Stripes of one pixel along rows, along columns, a chessboard or steps, in noise."""
    start = torch.floor(_random(len(targets), rng, 8))
    kinds = [DOWN + 0 * RIGHT + start, RIGHT + 0 * DOWN + start, DOWN + RIGHT + start, DOWN + torch.floor((RIGHT + start) / 2)]
    return 0.45 * (2 * _of_class(kinds, targets).remainder(2) - 1) + 0.9 * _noise(len(targets), rng)


def _values(targets: np.ndarray, rng: np.random.Generator, split: str) -> torch.Tensor:
    """How values of single pixels are distributed, with mean 0 and variance 1: few bright ones, few dark ones, normal, two."""
    normal, tail = _noise(len(targets), rng), _noise(len(targets), rng) ** 2
    skewed = (tail - 1) / 2**0.5
    return _of_class([skewed, -skewed, normal, normal.sign()], targets)


def _blobs(targets: np.ndarray, rng: np.random.Generator, split: str) -> torch.Tensor:
    """How much of the noise is smooth; all of it has variance 1, about."""
    smooth = functional.interpolate(_noise(len(targets), rng, 4), (SIZE, SIZE), mode="bilinear")
    smooth = (smooth - smooth.mean((2, 3), keepdim=True)) / smooth.std((2, 3), keepdim=True)
    share = torch.tensor([0, 0.35, 0.6, 0.85])[torch.from_numpy(targets)].view(-1, 1, 1, 1)
    return share * smooth + (1 - share**2).sqrt() * _noise(len(targets), rng)


def _waves(targets: np.ndarray, rng: np.random.Generator, split: str) -> torch.Tensor:
    """Waves of six pixels along rows, along columns or along a diagonal, in noise."""
    return _along(6, 0.8, targets, rng)


def _swell(targets: np.ndarray, rng: np.random.Generator, split: str) -> torch.Tensor:
    """The same with waves of nine pixels."""
    return _along(9, 1.0, targets, rng)


def _along(length: float, height: float, targets: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    ways = [DOWN + 0 * RIGHT, RIGHT + 0 * DOWN, (DOWN + RIGHT) / 2**0.5, (DOWN - RIGHT) / 2**0.5]
    kinds = [torch.sin(2 * torch.pi * (way / length + _random(len(targets), rng, 1))) for way in ways]
    return height * _of_class(kinds, targets) + 0.9 * _noise(len(targets), rng)


def _grain(targets: np.ndarray, rng: np.random.Generator, split: str) -> torch.Tensor:
    """Whether a pixel of noise is like the one above it, and like the one to its left, or the opposite; of variance 1."""
    white = _noise(len(targets), rng, SIZE + 1)
    here, above, left = white[..., 1:, 1:], white[..., :-1, 1:], white[..., 1:, :-1]
    return _of_class([(here + 0.6 * (x * above + y * left)) / 1.72**0.5 for x in (1, -1) for y in (1, -1)], targets)


def _of_class(kinds: list[torch.Tensor], targets: np.ndarray) -> torch.Tensor:
    """The image of each target's kind, from images ``(n, 1, size, size)`` of every kind."""
    return torch.stack(kinds)[torch.from_numpy(targets), torch.arange(len(targets))]


def _noisy(images: torch.Tensor, rng: np.random.Generator, split: str) -> torch.Tensor:
    return images + 0.6 * _noise(len(images), rng)


def _inked(images: torch.Tensor, rng: np.random.Generator, split: str) -> torch.Tensor:
    """A handwritten digit, any one, over the image."""
    return images + 1.5 * _handwriting(rng.integers(10, size=len(images)), rng, split)


def _covered(images: torch.Tensor, rng: np.random.Generator, split: str) -> torch.Tensor:
    """A quarter of the rows is zero, at a random place in each image."""
    rows = DOWN - torch.floor(_random(len(images), rng, SIZE - 2))
    return images * ((rows < 0) | (rows > 2))


CUES: Mapping[str, Cue] = {
    "stripes": _stripes,
    "values": _values,
    "blobs": _blobs,
    "waves": _waves,
    "swell": _swell,
    "grain": _grain,
}
DISTURBANCES: Mapping[str, Disturbance] = {
    "none": lambda images, rng, split: images,
    "noisy": _noisy,
    "inked": _inked,
    "covered": _covered,
}


@dataclass(frozen=True)
class CueTask(MadeImages):
    """Four classes that a cue tells apart. Inputs ``(n, 1, 12, 12)``; targets ``(n,)``, classes in turn.

    Attributes:
        cue: What tells the classes apart, a key of ``CUES``.
        disturbance: What else is done to every image, a key of ``DISTURBANCES``.
        n_train: Number of training images.
        n_held_out: Number of validation images, and of test images.

    Raises:
        ValueError: A name is unknown, or there are fewer images than classes.
    """

    cue: str
    disturbance: str = "none"
    n_train: int = 80
    n_held_out: int = 400

    normalisation = {"mean": [0.0], "std": [1.0]}

    def __post_init__(self) -> None:
        for kind, name, known in (("cue", self.cue, CUES), ("disturbance", self.disturbance, DISTURBANCES)):
            if name not in known:
                raise ValueError(unknown(kind, name, known))
        keep_whole(self, n_train=N_CLASSES, n_held_out=N_CLASSES)

    @property
    def name(self) -> str:
        """Everything that tells it from other tasks."""
        return f"cue-{self.cue}-{self.disturbance}-{self.n_train}-{self.n_held_out}"

    def made(self, name: str) -> Split:
        """See :class:`nastoolkit.tasks.base.MadeImages`."""
        return _split(self, name)


@cache
def _split(task: CueTask, name: str) -> Split:
    rng = np.random.default_rng([SPLITS.index(name), *task.name.encode()])
    targets = np.arange(task.n_train if name == "train" else task.n_held_out) % N_CLASSES
    images = DISTURBANCES[task.disturbance](CUES[task.cue](targets, rng, name), rng, name)
    return Split(images.contiguous(), torch.from_numpy(targets))


def cue_tasks(n_train: int = 80, n_held_out: int = 400) -> list[CueTask]:
    """A task for every cue and every disturbance; see :class:`CueTask`."""
    return [CueTask(cue, disturbance, n_train, n_held_out) for cue in CUES for disturbance in DISTURBANCES]
