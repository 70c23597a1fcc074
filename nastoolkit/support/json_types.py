"""Values in JSON types, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: object) -> Any:
    """A value of JSON or NumPy types in Python's own types: numbers, texts, truth values, None, lists and dicts.

    It can also be the ``default`` of ``json.dumps``.

    Raises:
        TypeError: There is something else in it, or a key that is not a text.
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
