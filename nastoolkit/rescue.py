"""What can still be read of a damaged SQLite file, such as one that a copy cut off, goes to a new file of the same tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

LEAST_BYTES = 32  # of a row on disk: says how many there may be


def rescue(path: Path, side: Path) -> int:
    """Copy every row of a store that can be read to a new store, and count the evaluations; the damaged file stays as it is.

    Raises:
        sqlite3.Error: Not even its list of tables can be read, or the new file cannot be written.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as damaged:
        damaged.execute("PRAGMA writable_schema = ON")  # then SQLite reads what there is, whatever is missing behind it
        tables = dict(damaged.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall())
        marks = [(mark, damaged.execute(f"PRAGMA {mark}").fetchone()[0]) for mark in ("application_id", "user_version")]
        with closing(sqlite3.connect(side)) as new, new:
            for mark, value in marks:
                new.execute(f"PRAGMA {mark} = {value}")
            for name, sql in tables.items():
                new.execute(sql)
                n_columns = len(damaged.execute(f"PRAGMA table_info({name})").fetchall())
                rows = _readable(damaged, name, path.stat().st_size // LEAST_BYTES)
                new.executemany(f"INSERT OR IGNORE INTO {name} VALUES ({', '.join('?' * n_columns)})", rows)
            return int(new.execute("SELECT count(*) FROM evaluations").fetchone()[0])


def _readable(damaged: sqlite3.Connection, table: str, most: int) -> Iterator[tuple]:
    for row_id in range(1, most + 1):
        with suppress(sqlite3.DatabaseError):  # the row's page is missing
            if row := damaged.execute(f"SELECT * FROM {table} WHERE rowid = ?", (row_id,)).fetchone():
                yield row
