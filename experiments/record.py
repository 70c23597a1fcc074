"""What made a run's folder: a notebook with its parameters, the package and the published data; and what it took."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sources import substance

from nastoolkit.support.files import atomically

RECORD = "run.json"


def fingerprint(name: str, parameters: dict[str, Any], root: Path) -> str:
    """Hash of everything that a notebook's results depend on; comments, docstrings and texts between cells do not count."""
    values = [json.dumps(parameters, sort_keys=True), os.environ.get("NASTOOLKIT_DATA", "")]
    content = "\0".join([*values, *substance(name, root)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a run's folder; empty if a run has not finished."""
    try:
        record = dict(json.loads((folder / RECORD).read_text()))
        return {**record, **{name: float(record.get(name, 0.0)) for name in ("seconds", "memory_mb")}}
    except (OSError, ValueError, TypeError, OverflowError, RecursionError):
        return {}


def is_finished(folder: Path) -> bool:
    """Whether a folder holds the results of a finished run."""
    return bool(read_record(folder).get("fingerprint"))


def begin_record(folder: Path) -> None:
    """Record that a run has begun, so that the folder's contents are not results until it ends."""
    if (folder / RECORD).exists():
        write_record(folder, "", 0.0)


def write_record(folder: Path, made_of: str, seconds: float, memory_mb: float = 0.0) -> None:
    """Record what a folder was made from, when, at which commit, and what that took.

    A run that replays what is stored is short and small, so the longest and the largest ones count.
    """
    before = read_record(folder)
    cost = {"seconds": max(seconds, before.get("seconds", 0.0)), "memory_mb": max(memory_mb, before.get("memory_mb", 0.0))}
    record: dict[str, Any] = {"fingerprint": made_of, "date": datetime.now(UTC).date().isoformat()}
    record |= {name: round(value, 1) for name, value in cost.items()}
    with atomically(folder / RECORD) as new:
        new.write_text(json.dumps(record | {"commit": _commit(folder)}))


def _commit(folder: Path) -> str:
    """The commit of the clone that contains a folder, with a plus sign if files differ from it; empty outside of a clone."""
    git = ["git", "-C", str(folder), "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
