"""Files that are written completely or not at all, to places that are tested before the work begins; names of helper files."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


def beside(path: str | Path, suffix: str) -> Path:
    """The helper file of a file: its full name plus a suffix, so that ``m-w1.0`` and ``m-w1.2`` have different ones."""
    path = Path(path)
    return path.with_name(path.name + suffix)


@contextmanager
def atomically(path: str | Path) -> Iterator[Path]:
    """A new file to write to, which replaces ``path`` in the end; until then, and after an error, the old one stays.

    Missing folders are made. A killed process may leave its new file, ``NAME.X.new``, next to the old one; nothing reads it.

    Raises:
        OSError: The disk is full, or the folder cannot be written.
    """
    with all_atomically(path) as (new,):
        yield new


@contextmanager
def all_atomically(*paths: str | Path) -> Iterator[list[Path]]:
    """New files that replace ``paths`` together, when the last one is complete; see :func:`atomically`."""
    places = [Path(path) for path in paths]
    for place in places:
        _make_room(place)
    mark = f".{uuid4().hex[:8]}.new"  # not just the process number: two of its threads may write the same file
    news = [beside(place, mark) for place in places]
    try:
        yield news
        for new in news:
            _to_disk(new)
        for new, place in zip(news, places, strict=True):
            new.replace(place)
    finally:
        for new in news:
            new.unlink(missing_ok=True)


def _make_room(place: Path) -> None:
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, "a folder is in the place of the file", str(place))
    place.parent.mkdir(parents=True, exist_ok=True)


def _to_disk(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())  # some file systems only report now that they are full


def check_output(path: str | Path) -> None:
    """Raise now, not only after the work, if a file cannot be written. Missing folders are made.

    Raises:
        OSError: The path is a folder, or its folder cannot be made or written.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file: name a file in it")
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
        raise NotADirectoryError(f"{folder} is a file, not a folder") from error
    except OSError as error:
        raise OSError(f"nothing can be written to {folder}: {error.strerror}") from error
