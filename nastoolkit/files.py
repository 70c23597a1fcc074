"""Files that are written whole or not at all, to places that are tried before the work begins."""

from __future__ import annotations

import os
import tempfile
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


def check_output(path: str | Path) -> None:
    """Raise at once what would else be known after the work: that a file cannot be written. Missing folders are made.

    Raises:
        OSError: It is a folder, or its folder cannot be made or written.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, where a file is to be written: name a file in it")
    check_output_folder(path.parent)


def check_output_folder(folder: str | Path) -> None:
    """The same for a folder of files.

    Raises:
        OSError: The folder cannot be made, or no file can be made in it.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError as error:
        raise NotADirectoryError(f"{folder} is a file, where a folder is to be") from error
    except OSError as error:
        raise OSError(f"nothing can be written to {folder}: {error.strerror}") from error
