"""Values in the types that JSON has, whatever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: object) -> Any:
    """A value of JSON's types or of NumPy's in Python's own: numbers, texts, truth values, None, lists and dicts.

    It serves as ``default`` of ``json.dumps`` too.

    Raises:
        TypeError: There is something else in it, or a key that is no text.
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
