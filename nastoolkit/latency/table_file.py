"""The file of a latency lookup table; its types and numbers are checked before anything is computed from them.

Another tool's times come as a CSV with the columns ``block``, the text of a block spec, and ``ms``; several rows for one block
are several runs of it.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.blocks import BlockSpec
from nastoolkit.latency.end_to_end import Timing, summary
from nastoolkit.support.json_types import plain

OPTIONAL: Mapping[str, Any] = {"within": {}, "reference_ms": None, "n_noisy": 0, "mape_percent": None}
KEYS = ("family", "conditions", "blocks", *OPTIONAL)
COLUMNS = ("block", "ms")
DAMAGE = (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError, csv.Error)
NUMPY = re.compile(r"np\.\w+\(([^()]*)\)")  # how a number of numpy writes itself


def block_text(spec: BlockSpec) -> str:
    """The text of a block in files: its spec as Python writes it, with plain numbers."""
    return NUMPY.sub(r"\1", repr(spec))


def table_text(content: Mapping[str, Any]) -> str:
    """The content of a table's file, with plain numbers instead of numpy's.

    Raises:
        ValueError: :func:`read_table` would refuse it: a key is missing, a value has another type, or a time is not a number.
    """
    try:
        text = json.dumps(content, indent=1, default=plain)
        _checked(json.loads(text))
    except DAMAGE as error:
        raise ValueError(f"a table like this could not be read again: {error!r}") from error
    return text


def read_table(path: str | Path) -> dict[str, Any]:
    """The table that :meth:`LookupTable.save` wrote, by :data:`KEYS`; ``blocks`` are timings by the texts of their specs.

    Raises:
        ValueError: A key is missing or unknown, a value has another type, or a time is negative or not a number.
        OSError: The file cannot be read.
    """
    try:
        return _checked(json.loads(Path(path).read_text()))
    except DAMAGE as error:
        raise ValueError(f"{path} is not a latency table of this toolkit: {_why(error)}") from error


def _why(error: Exception) -> str:
    """An error with its type, as a key alone says nothing; not its ``repr``, which may hold a whole file."""
    return f"{type(error).__name__}: {error}"


def is_table(path: str | Path) -> bool:
    """Whether :func:`read_table` can read a file."""
    try:
        read_table(path)
    except ValueError:
        return False
    return True


def _checked(content: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {**OPTIONAL, **content}
    whole["blocks"] = {str(row.pop("block")): Timing(**row) for row in whole["blocks"]}
    _check(whole)
    return whole


def _check(content: Mapping[str, Any]) -> None:
    if unknown := sorted(content.keys() - set(KEYS)):
        raise ValueError(f"unknown keys {unknown}; known: {', '.join(KEYS)}")
    conditions, within = content["conditions"], content["within"]
    if not isinstance(content["family"], str) or not isinstance(conditions["backend"], str):
        raise TypeError("family and backend are texts")
    if not all(type(conditions[name]) is int and conditions[name] >= 1 for name in ("batch_size", "threads")):
        raise TypeError("batch_size and threads must be whole numbers of at least 1")
    if not isinstance(within, dict) or not all(isinstance(options, list) for options in within.values()):
        raise TypeError("within is a list of options for each choice")
    known = [content[name] for name in ("reference_ms", "mape_percent") if content[name] is not None]
    check_numbers(
        [content["n_noisy"], *known, *(number for timing in content["blocks"].values() for number in vars(timing).values())]
    )


def check_numbers(numbers: Iterable[Any]) -> None:
    """Raise ValueError if a value is not a finite number of at least 0."""
    for number in numbers:
        if type(number) not in (int, float) or not math.isfinite(number) or number < 0:
            raise ValueError(f"times (in ms) and counts must be numbers of at least 0, got {number!r:.99}")


def holds_costs(path: str | Path) -> bool:
    """Whether a file begins as a CSV with the columns ``block`` and ``ms`` does."""
    with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
        return set(COLUMNS) <= {name.strip() for name in file.readline().split(",")}


def read_costs(path: str | Path) -> dict[str, list[float]]:
    """Times in ms by the texts of blocks, from a CSV; other columns are ignored.

    Raises:
        ValueError: The file is not such a CSV.
        OSError: The file cannot be read.
    """
    costs: dict[str, list[float]] = {}
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                block, ms = (row[column] for column in COLUMNS)
                costs.setdefault(block.strip(), []).append(float(ms))
    except DAMAGE as error:
        raise ValueError(f"{path} is not a latency table with columns {' and '.join(COLUMNS)}: {_why(error)}") from error
    return costs


def timings_of(costs: Mapping[Any, Any]) -> dict[str, Timing]:
    """Timings by the texts of blocks, from times in ms by texts or specs: a number each, or one for each run."""
    return {block if isinstance(block, str) else block_text(block): _timing(ms) for block, ms in costs.items()}


def _timing(ms: Any) -> Timing:
    runs = np.atleast_1d(np.asarray(ms, dtype=float))
    check_numbers(runs.tolist() or ["nothing"])
    return summary(runs)
