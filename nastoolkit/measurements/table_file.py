"""The file of a latency lookup table, whose types and numbers are checked before anything is computed from them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nastoolkit.measurements.latency import Timing

OPTIONAL: Mapping[str, Any] = {"within": {}, "reference_ms": None, "n_noisy": 0, "mape_percent": None}
KEYS = ("family", "conditions", "blocks", *OPTIONAL)


def read_table(path: str | Path) -> dict[str, Any]:
    """What :meth:`LookupTable.save` wrote, by :data:`KEYS`; ``blocks`` are timings by the texts of their specs.

    Raises:
        ValueError: Not such a file: a key is missing or unknown, a value of another type, a time negative or no number.
        OSError: The file cannot be read.
    """
    try:
        content: dict[str, Any] = {**OPTIONAL, **json.loads(Path(path).read_text())}
        content["blocks"] = {str(row.pop("block")): Timing(**row) for row in content["blocks"]}
        _check(content)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} is no latency table of this toolkit: {error!r}") from error
    return content


def _check(content: Mapping[str, Any]) -> None:
    if unknown := sorted(content.keys() - set(KEYS)):
        raise ValueError(f"unknown keys {unknown}; known: {', '.join(KEYS)}")
    conditions, within = content["conditions"], content["within"]
    if not isinstance(content["family"], str) or not isinstance(conditions["backend"], str):
        raise TypeError("family and backend are texts")
    if not all(type(conditions[name]) is int and conditions[name] >= 1 for name in ("batch_size", "threads")):
        raise TypeError("batch_size and threads are whole numbers from 1 on")
    if not isinstance(within, dict) or not all(isinstance(options, list) for options in within.values()):
        raise TypeError("within is a list of options for each choice")
    known = [content[name] for name in ("reference_ms", "mape_percent") if content[name] is not None]
    check_numbers(
        [content["n_noisy"], *known, *(number for timing in content["blocks"].values() for number in vars(timing).values())]
    )


def check_numbers(numbers: Iterable[Any]) -> None:
    """ValueError where one is no finite number from 0 on."""
    for number in numbers:
        if type(number) not in (int, float) or not math.isfinite(number) or number < 0:
            raise ValueError(f"times, in ms, and counts are numbers from 0 on, not {number!r:.99}")
