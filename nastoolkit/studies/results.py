"""Results of jobs: each is a JSON file that also holds the job, and is written completely or not at all.

Numbers are restored bit by bit: Python writes enough digits to identify a float, and NaN and infinity as ``NaN`` and
``Infinity``. Single precision is written as the same number in double precision.
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
    """A plain value as a text, which is the same for equal values."""
    return json.dumps(plain(value), sort_keys=True)


def file_of(folder: Path, function: str, versions: Sequence[Any], job: Row) -> Path:
    """File of a job's result."""
    question = as_text([function, versions, job])
    return folder / f"{hashlib.sha256(question.encode()).hexdigest()[:16]}.json"


def write(file: Path, job: Row, result: object) -> None:
    """Save what a function returned for a job: rows, or a data frame.

    Raises:
        TypeError: It returned something else, or a value that JSON cannot hold.
        ValueError: A row has another value for an argument of the job.
    """
    rows = result.to_dict("records") if isinstance(result, pd.DataFrame) else result
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise TypeError(f"a job must return a list of dicts or a data frame, got {result!r:.200}")
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
