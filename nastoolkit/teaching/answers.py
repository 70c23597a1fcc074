"""Answers to the lessons' exercises, kept as hashes, and the check of an answer.

A number is rounded to its tolerance before it is hashed, and a text loses capitals, spaces and punctuation, so that every
good answer has the same hash. The roundings next to an answer count, too: one within the tolerance is always accepted,
one that is two tolerances away never. Hashes keep answers from being read by accident; they are no secret from a program
that tries many.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from numbers import Real
from typing import Any

from nastoolkit.support.names import unknown

Answer = float | str
FILE = "answers.json"
RIGHT, WRONG = "is right", "is not right yet"


@dataclass(frozen=True)
class Expected:
    """What is accepted as the answer to one exercise.

    Args:
        hashes: One, or several where a lesson's numbers depend on the data that a machine has.
        within: Tolerance of a number; None if the answer is a text.
    """

    hashes: Sequence[str]
    within: float | None = None


@cache
def known_answers() -> Mapping[str, Expected]:
    """The answers to all exercises, by names such as ``05.2``: lesson 5, exercise 2."""
    return {name: Expected(**entry) for name, entry in json.loads(files(__package__).joinpath(FILE).read_text()).items()}


def check(name: str, answer: Any) -> None:
    """Print whether an answer is right; the printed line is what a teacher's marks are made from.

    Args:
        name: Lesson and exercise, such as ``05.2``.
        answer: A number or a text.

    Raises:
        ValueError: There is no such exercise.
        TypeError: The answer is neither a number nor a text, or the other of the two.
    """
    given = plain(answer)
    print(f"{name}: {given!r} {RIGHT if is_right(name, given) else WRONG}")


def is_right(name: str, answer: Answer) -> bool:
    """Whether an answer to an exercise is right. Errors are those of :func:`check`."""
    if name not in known_answers():
        raise ValueError(unknown("exercise", name, known_answers()))
    expected = known_answers()[name]
    return not set(expected.hashes).isdisjoint(hashes(name, answer, expected.within))


def hashes(name: str, answer: Answer, within: float | None) -> list[str]:
    """Hashes of an answer: first its own, and for a number those of the roundings next to it. NaN and infinity have none.

    Raises:
        TypeError: The exercise asks for a number and this is a text, or the other way round.
    """
    if isinstance(answer, str) != (within is None):
        kind = "text, in quotation marks" if within is None else "number"
        raise TypeError(f"the answer to {name} is a {kind}, not {answer!r}")
    if isinstance(answer, str):
        forms = [re.sub(r"[^a-z0-9]", "", answer.lower())]
    else:
        finite = math.isfinite(answer / (within or 1.0))
        forms = [str(math.floor(answer / (within or 1.0) + 0.5) + step) for step in (0, -1, 1)] if finite else []
    return [sha256(f"nastoolkit {name} {form}".encode()).hexdigest()[:16] for form in forms]


def plain(answer: Any) -> Answer:
    """An answer as a number or a text of Python's own.

    Raises:
        TypeError: It is neither.
    """
    if answer is ...:
        raise TypeError("there is no answer yet: put a number or a text in place of the dots")
    value = answer.item() if getattr(answer, "size", 0) == 1 and hasattr(answer, "item") else answer
    if isinstance(value, str):
        return value
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    raise TypeError(f"an answer is one number or one text, not {type(answer).__name__}")
