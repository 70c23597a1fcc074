"""Images that are decoded in batches when they are needed, at the resolution of the network that needs them.

Decoding uses as many threads as PyTorch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image

from nastoolkit.tasks.base import Split
from nastoolkit.tasks.data_sets import MissingDataError
from nastoolkit.tasks.preprocessing import N_TRIES, Preprocessing, normalise

MANY_PIXELS = 20_000_000  # 160 MB while they are decoded
MOST_PER_BYTE = 500  # pixels; photographs have 10 or less


class ImageFiles(Protocol):
    """Image files and their classes, in a fixed order."""

    @property
    def targets(self) -> torch.Tensor:
        """Classes, int64 ``(n,)``."""

    def file(self, row: int) -> tuple[str, str | BytesIO]:
        """The name of a file for error messages, and the file."""


@dataclass(frozen=True)
class ImageExamples:
    """Rows of image files as a task's examples: inputs ``(n, 3, height, width)``, standardised; targets ``(n,)``.

    Attributes:
        files: Source of images and classes.
        rows: The chosen files in their order, ``(n,)``.
        preprocessing: How images become inputs.
    """

    files: ImageFiles
    rows: np.ndarray
    preprocessing: Preprocessing

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def targets(self) -> torch.Tensor:
        """Classes, int64 ``(n,)``."""
        return self.files.targets[self.rows]

    def batches(self, size: int, shape: tuple[int, ...] | None = None, n: int | None = None) -> Iterator[Split]:
        """See :class:`nastoolkit.tasks.Examples`; the next batch is decoded while the current one is used."""
        height, width = shape[1:] if shape else (self.preprocessing.resolution,) * 2
        transform = partial(self.preprocessing.for_evaluation, height=height, width=width)
        rows, ahead = self.rows[:n], deque[tuple[np.ndarray, list[Future[np.ndarray]]]]()
        with _threads() as pool:
            for start in range(0, len(rows), size):
                chosen = rows[start : start + size]
                ahead.append((chosen, [pool.submit(_pixels, self.files, row, transform) for row in chosen.tolist()]))
                if len(ahead) == 2:
                    yield self._collect(*ahead.popleft())
            while ahead:
                yield self._collect(*ahead.popleft())

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> Split:
        """Random crops of the images at ``places`` ``(n,)``, half of them mirrored, at the task's own resolution."""
        chosen, draws, flips = self.rows[places], rng.random((len(places), N_TRIES, 4)), rng.random(len(places)) < 0.5
        crops = [partial(self.preprocessing.for_training, draws=d, flip=f) for d, f in zip(draws, flips.tolist(), strict=True)]
        with _threads() as pool:
            jobs = [pool.submit(_pixels, self.files, row, crop) for row, crop in zip(chosen.tolist(), crops, strict=True)]
            return self._collect(chosen, jobs)

    def _collect(self, rows: np.ndarray, jobs: list[Future[np.ndarray]]) -> Split:
        return Split(normalise([job.result() for job in jobs]), self.files.targets[rows])


def _pixels(files: ImageFiles, row: int, transform: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    """One image, ``(height, width, 3)`` in 0..255; grey ones and those with an alpha channel become RGB."""
    name, file = files.file(row)
    try:
        with Image.open(file) as opened:
            _check_pixels(opened.width * opened.height, file)
            image = opened.convert("RGB")
    except Exception as error:  # Pillow raises whatever a broken file leads it to
        raise MissingDataError(f"{name} cannot be read as an image ({error}); fetch it again, or remove it") from error
    return np.asarray(transform(image))


def _check_pixels(n: int, file: str | BytesIO) -> None:
    """Refuse a small file that claims to be a large image, because it would fill the memory."""
    n_bytes = Path(file).stat().st_size if isinstance(file, str) else file.getbuffer().nbytes
    if n > MANY_PIXELS and n > MOST_PER_BYTE * n_bytes:
        raise ValueError(f"{n} pixels in {n_bytes} bytes")


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """As many threads as PyTorch uses; work that is no longer needed is cancelled."""
    pool = ThreadPoolExecutor(torch.get_num_threads())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
