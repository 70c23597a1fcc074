"""A store's file: opened with care, because it may come from anywhere, and changed in transactions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from nastoolkit.studies.rescue import rescue
from nastoolkit.studies.schema import APPLICATION_ID, SCHEMA_VERSION, foreign


class StoreError(ValueError):
    """A file that cannot serve as a store."""


class StoreFile:
    """A connection to an SQLite file that explains each error in a sentence.

    Args:
        path: The file; SQLite makes it if it is missing, and its folder is made too.

    Raises:
        StoreError: The path is a folder, or cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder, and a store is a file: name a file in it")
        with self._clear_errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)

    @classmethod
    def existing(cls, path: str | Path) -> Self:
        """Open a file that exists already and is a readable store.

        Raises:
            StoreError: There is no such file, or it is not a readable store.
        """
        if not Path(path).is_file():
            raise StoreError(f"there is no store at {path}")
        file = cls(path)
        try:
            file.check()
        except BaseException:
            file.close()
            raise
        return file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._clear_errors():
            return self._connection.execute(query, values).fetchall()

    def check(self) -> int:
        """Refuse files of other programs or newer versions, files with contents that no store has, and damaged ones.

        Returns:
            The version of the file's tables.

        Raises:
            StoreError: The file is refused. If it is damaged, everything that can be read is copied to a new store next to it.
        """
        with self._clear_errors():
            application = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise StoreError(f"{self.path} is an SQLite file of another program, not a store of nastoolkit")
        if version > SCHEMA_VERSION:
            raise StoreError(f"{self.path} was written by a newer nastoolkit (schema {version}, known {SCHEMA_VERSION})")
        with self._clear_errors():
            if others := foreign(self._connection):
                raise StoreError(f"{self.path} holds {', '.join(map(repr, others))}, which no store has: it is not read")
            if (found := self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise StoreError(self._rescued(found.replace("\n", " ")))
        return int(version)

    def problem(self) -> dict[str, Any]:
        """The file's problem: ``space``, ``objectives`` and ``settings``.

        Raises:
            StoreError: A part is missing.
        """
        with self._clear_errors():
            stored = {part: json.loads(value) for part, value in self.rows("SELECT part, value FROM problem")}
        if missing := {"space", "objectives", "settings"} - stored.keys():
            raise StoreError(f"{self.path} does not say its {', '.join(sorted(missing))}: it is damaged")
        return stored

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._clear_errors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._connection.in_transaction:  # a full disk has rolled it back already
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
            unreadable = isinstance(error, UnicodeDecodeError)  # SQLite quotes what is damaged, which may be no text
            if unreadable or getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
                raise StoreError(self._rescued(error)) from error
            raise StoreError(f"cannot use {self.path} as a store: {error}") from error

    def _rescued(self, error: object) -> str:
        """Save what is left of the damaged file, and return a sentence that says where."""
        side = self.path.with_name(f"{self.path.stem}.rescued{self.path.suffix}")
        if side.exists():
            return f"{self.path} is damaged ({error}); what could be read of it was saved in {side}, a store to go on with"
        try:
            n = rescue(self.path, side)
        except (sqlite3.Error, UnicodeDecodeError):
            n = 0
        if not n:
            side.unlink(missing_ok=True)
            return f"{self.path} is damaged ({error}), and no evaluation in it can be read: move it away"
        return f"{self.path} is damaged ({error}); {n} evaluations that can be read are in {side}, a store to go on with"
