"""Hardware settings as texts, and their latency tables, each in a file.

``torch 128 2`` is a backend, a batch size and a number of threads on this machine; ``v100.json`` is a table that ``nastoolkit
profile`` made elsewhere.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from nastoolkit.families import Family
from nastoolkit.latency.backends import backend_named
from nastoolkit.latency.clock import check_threads
from nastoolkit.latency.lookup_table import LookupTable, table_conditions
from nastoolkit.support.counts import whole
from nastoolkit.support.files import beside


def read_hardware(text: str) -> dict[str, Any]:
    """``backend``, ``batch_size`` and ``threads`` of a hardware setting; empty for a table's file, which has its own.

    Raises:
        ValueError: The text is neither three such words nor a file, or there are more threads than this machine has.
    """
    if text.endswith(".json"):
        if not os.path.isfile(text):  # which takes any text
            raise ValueError(f"there is no table {text!r}")
        return {}
    try:
        backend, batch_size, threads = text.split()
        n_inputs, n_threads = int(batch_size), int(threads)
    except ValueError:
        raise ValueError(
            f"hardware is like 'torch 128 2', backend, batch size, threads, or a table's file like 'v100.json'; got {text!r}"
        ) from None
    backend_named(backend)
    try:
        return {"backend": backend, "batch_size": whole("batch_size", n_inputs), "threads": check_threads(n_threads)}
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None


def hardware_table(
    text: str, family: Family, folder: str | Path, n_contexts: int = 8, seconds: float = 45.0, progress: bool = True
) -> LookupTable:
    """The table of a hardware setting: read from the folder if it was made here under the same conditions, else measured.

    Args:
        text: See :func:`read_hardware`.
        family: Family that the blocks belong to.
        folder: Folder that keeps measurements; a killed measurement continues from there.
        n_contexts: See :meth:`LookupTable.measure`.
        seconds: See :meth:`LookupTable.measure`.
        progress: Whether to show the time left.
    """
    table = kept_table(text, family, folder, n_contexts)
    if table is None:
        file = _file(text, family, folder)
        how: dict[str, Any] = {**read_hardware(text), "n_contexts": n_contexts, "seconds": seconds}
        table = LookupTable.measure(family, **how, resume=beside(file, ".partial"), progress=progress)
        table.save(file)
    return table


def kept_table(text: str, family: Family, folder: str | Path, n_contexts: int = 8) -> LookupTable | None:
    """The table of a hardware setting as :func:`hardware_table` would read it; None where it would have to measure."""
    conditions, file = read_hardware(text), _file(text, family, folder)
    if not conditions:
        return LookupTable.load(text, family)
    table = LookupTable.load(file, family) if file.exists() else None
    fits = table is not None and table.conditions == table_conditions(**conditions, n_contexts=n_contexts)
    return table if fits else None


def take_table(text: str, family: Family, folder: str | Path, n_contexts: int, seconds: float) -> list[str]:
    """Have :func:`hardware_table` make a table, in a process of its own for example; the warnings that it gave."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        hardware_table(text, family, folder, n_contexts, seconds, progress=False)
    return [str(warning.message) for warning in told]


def _file(text: str, family: Family, folder: str | Path) -> Path:
    return Path(folder) / f"table_{family.name}_{text.replace(' ', '_')}.json"
