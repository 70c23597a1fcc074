"""Whole numbers: checked when users pass them, Python's or NumPy's; and written in few digits, however large."""

from __future__ import annotations

import operator
import sys
from decimal import Decimal
from typing import Any


def whole(name: str, number: Any, least: int = 1) -> int:
    """A count or a seed as Python's int.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It is below the least allowed one.
    """
    try:
        value = operator.index(number)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {number!r}") from None
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return value


def keep_whole(thing: object, **least: int) -> None:
    """Turn counts and seeds of a new dataclass, frozen or not, into Python's ints.

    Args:
        thing: Dataclass that was just made.
        **least: Smallest allowed value for each field, by name.

    Raises:
        TypeError: A field is not a whole number.
        ValueError: A field is below its least number.
    """
    for name, smallest in least.items():
        object.__setattr__(thing, name, whole(name, getattr(thing, name), smallest))


def in_short(count: int) -> str:
    """A count to three digits, such as ``2.18e+19``, even beyond the largest float."""
    return f"{count:.3g}" if count < sys.float_info.max else f"{Decimal(count):.3g}"
