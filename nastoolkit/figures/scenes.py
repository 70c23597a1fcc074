"""Scenes: images, the class of every pixel, and its normal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes


def plot_scenes(axes: Sequence[Axes], images: np.ndarray, classes: np.ndarray, normals: np.ndarray) -> pd.DataFrame:
    """Scenes side by side, on three axes: images, classes, and normals with x, y and z as red, green and blue.

    Args:
        axes: Three, see :func:`nastoolkit.figures.new_figure`.
        images: Colours ``(n, 3, h, w)`` of any range.
        classes: Class of each pixel ``(n, h, w)``, from 0.
        normals: Normals ``(n, 3, h, w)`` of length 1.

    Returns:
        The ``share`` of pixels of each ``class``.
    """
    colours = (images - images.min()) / max(np.ptp(images), 1e-9)
    strips = [_strip(colours), np.concatenate(list(classes), axis=1), _strip((normals + 1) / 2)]
    for axis, title, strip in zip(axes, ("image", "class", "normal"), strips, strict=True):
        axis.imshow(strip, cmap="cividis")
        axis.set(title=title, xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    numbers, counts = np.unique(classes, return_counts=True)
    return pd.DataFrame({"class": numbers, "share": counts / classes.size})


def _strip(images: np.ndarray) -> np.ndarray:
    """Images ``(n, 3, h, w)`` in a row: ``(h, n * w, 3)``."""
    return np.concatenate(list(images.transpose(0, 2, 3, 1)), axis=1)
