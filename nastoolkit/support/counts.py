"""Whole numbers: at the door, as people give them, Python's or NumPy's; and in few digits, however large."""

from __future__ import annotations

import operator
import sys
from decimal import Decimal
from typing import Any

import numpy as np


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


def plain(value: object) -> Any:
    """A number of NumPy's as Python's, for JSON; TypeError for anything else."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no JSON type")


def in_short(count: int) -> str:
    """A count to three digits, such as ``2.18e+19``; those beyond the largest float too."""
    return f"{count:.3g}" if count < sys.float_info.max else f"{Decimal(count):.3g}"
