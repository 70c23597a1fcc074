"""One real pair with measured disparities, a motorcycle in a workshop: enough to test on, and too little to learn from.

[Scharstein2014] D. Scharstein et al., "High-Resolution Stereo Datasets with Subpixel-Accurate Ground Truth", GCPR 2014: the
scene *Motorcycle* of Middlebury's stereo benchmark, of which scikit-image's package has a smaller copy.

Differs from it in: an eighth of that copy's height and width, so that its disparities fit volumes of 8 pixels.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from nastoolkit.tasks.base import Split
from nastoolkit.tasks.data_sets import datasets_folder
from nastoolkit.tasks.stereo import DISPARITY, Stereo

FILES = ("motorcycle_left.png", "motorcycle_right.png", "motorcycle_disp.npz")
SCALE = 8  # pixels of the copy for one of the task, in each direction
SIDES = 8  # height and width are multiples of it
REMEDY = (
    f"pip install scikit-image, which has them, or put {', '.join(FILES)} of its folder data into "
    "NASTOOLKIT_DATASETS/motorcycle."
)


class Motorcycle(Stereo):
    """A pair for tests alone: 56x88 pixels, disparities below 8. It is not in ``TASKS``, whose tasks can be trained on."""

    max_disparity = 8

    def __init__(self) -> None:
        super().__init__("motorcycle", REMEDY)

    def split(self, name: str) -> Split:
        """The pair, as ``test``.

        Raises:
            ValueError: Another split is asked for.
            MissingDataError: Its files are not here.
        """
        if name != "test":
            raise ValueError(f"task {self.name!r} is one pair for tests, and has no split {name!r}")
        return self.read()[name]

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        places = (datasets_folder() / self.name, _of_scikit_image())
        folder = next((place for place in places if place and all((place / file).is_file() for file in FILES)), None)
        if folder is None:
            raise self.missing("its files are not here")
        left, right = (_image(folder / file) for file in FILES[:2])
        with np.load(folder / FILES[2]) as file:
            disparity = _smaller(np.where(np.isfinite(file["arr_0"]), file["arr_0"], np.nan)) / SCALE
        known = np.nan_to_num(disparity, nan=self.max_disparity).astype(np.float32)
        return {"test": Split((left, right), {DISPARITY: torch.from_numpy(known)[None]})}


def _of_scikit_image() -> Path | None:
    package = find_spec("skimage")
    return Path(package.origin).parent / "data" if package and package.origin else None


def _image(path: Path) -> torch.Tensor:
    """A smaller image ``(1, 3, h, w)``, with colours about standardised, as those of stereograms."""
    colours = _smaller(np.asarray(Image.open(path).convert("RGB")) / 255)
    return torch.from_numpy(((colours - 0.5) / 0.25).transpose(2, 0, 1)[None].astype(np.float32)).contiguous()


def _smaller(pixels: np.ndarray) -> np.ndarray:
    """Means ``(h, w, ...)`` of what is known in squares of ``SCALE`` pixels, from the middle."""
    unit = SCALE * SIDES
    height, width = (side // unit * unit for side in pixels.shape[:2])
    top, start = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    middle = pixels[top : top + height, start : start + width]
    squares = middle.reshape(height // SCALE, SCALE, width // SCALE, SCALE, *pixels.shape[2:])
    n_known = np.isfinite(squares).sum((1, 3))
    return np.where(n_known > 0, np.nansum(squares, (1, 3)) / np.maximum(n_known, 1), np.nan)
