"""Conversion of values to the types that JSON has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: object) -> Any:
    """A value of JSON's or NumPy's types in Python's own: numbers, texts, truth values, None, lists and dicts.

    It can also serve as ``default`` of ``json.dumps``.

    Raises:
        TypeError: It contains something else, or a key that is not a text.
    """
    if isinstance(value, np.ndarray | np.generic) and not isinstance(value, np.longdouble | np.clongdouble):
        return plain(value.tolist())
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    known = "numbers, texts, truth values, None, and lists, arrays and dicts of these with texts as keys"
    raise TypeError(f"a file keeps {known}; got {value!r:.200} of type {type(value).__name__}")
