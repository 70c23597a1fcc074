"""Results of jobs: a JSON file each, that has the job, and is written whole or not at all.

Numbers come back bit by bit: Python writes a float with the digits that tell it from all others, and NaN and infinity as
``NaN`` and ``Infinity``. Single precision is written as the same number in double precision.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nastoolkit.support.files import atomically
from nastoolkit.support.json_types import plain

Row = dict[str, Any]


def as_text(value: object) -> str:
    """A plain value as a text, the same for equal values."""
    return json.dumps(plain(value), sort_keys=True)


def file_of(folder: Path, function: str, versions: Sequence[Any], job: Row) -> Path:
    """Where the result of a job is kept."""
    question = as_text([function, versions, job])
    return folder / f"{hashlib.sha256(question.encode()).hexdigest()[:16]}.json"


def write(file: Path, job: Row, result: object) -> None:
    """Keep what a function returned for a job: rows, or a data frame.

    Raises:
        TypeError: It returned something else, or a value that JSON does not have.
        ValueError: A row gives an argument of the job another value.
    """
    rows = result.to_dict("records") if isinstance(result, pd.DataFrame) else result
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError(f"a job returns a list of dicts or a data frame, and not {result!r:.200}")
    for row in rows:
        if other := [key for key in row if key in job and as_text(row[key]) != as_text(job[key])]:
            raise ValueError(f"a row has {other[0]}={row[other[0]]!r}, which is {job[other[0]]!r} in the job")
    text = json.dumps(plain({"job": job, "rows": rows}))
    with atomically(file) as new:
        new.write_text(text)


def read(file: Path, job: Row) -> list[Row] | None:
    """The rows that are kept for a job, with the job's arguments in front; None for a file that is missing or damaged."""
    try:
        kept = json.loads(file.read_text())
        if as_text(kept["job"]) == as_text(job):
            return [{**job, **row} for row in kept["rows"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # it is made again
    return None
