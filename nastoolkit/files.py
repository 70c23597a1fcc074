"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomically(path: str | Path) -> Iterator[Path]:
    """A new file to write to, which takes the place of ``path`` in the end; until then, and after an error, the old one stays.

    Missing folders are made. A killed process may leave its new file, ``NAME.PID.new`` beside the old one; nothing reads it.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        yield new
        with new.open("rb+") as file:
            os.fsync(file.fileno())  # some file systems say only now that they are full
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
