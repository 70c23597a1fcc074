"""Whole numbers at the door: counts and seeds as people give them, Python's or NumPy's."""

from __future__ import annotations

import operator
from typing import Any


def whole(name: str, number: Any, least: int = 1) -> int:
    """A count or a seed as Python's int.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is below the least one.
    """
    try:
        value = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {number!r}") from None
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value
