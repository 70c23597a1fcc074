"""Integers in pages: little-endian bytes, as base64."""

from __future__ import annotations

import base64

import numpy as np


def packed(values: np.ndarray, kind: type) -> str:
    """Numbers of any shape, rounded to unsigned integers of a kind, row by row.

    Raises:
        ValueError: One does not fit.
    """
    rounded = np.rint(values)
    if rounded.min() < 0 or rounded.max() > np.iinfo(kind).max:
        raise ValueError(f"{rounded.max():.0f} is too much for {np.dtype(kind)}")
    return base64.b64encode(rounded.astype(np.dtype(kind).newbyteorder("<")).tobytes()).decode()
