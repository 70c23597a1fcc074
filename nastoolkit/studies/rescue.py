"""Copies what can still be read of a damaged store, such as an incomplete copy, to a new one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from nastoolkit.studies.schema import APPLICATION_ID, columns_of, create, foreign, tables_of, values_of

LEAST_BYTES = 32  # of a row on disk: says how many there may be


def rescue(path: Path, side: Path) -> int:
    """Copy every row of a store that can be read to a new store, and count the evaluations; the damaged file stays as it is.

    Raises:
        sqlite3.Error: Not even its list of tables can be read, or the new file cannot be written.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as damaged:
        damaged.execute("PRAGMA writable_schema = ON")  # then SQLite reads what there is, whatever is missing behind it
        if foreign(damaged):
            return 0
        version, values = damaged.execute("PRAGMA user_version").fetchone()[0], values_of(damaged)
        with closing(sqlite3.connect(side)) as new, new:
            new.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            new.execute(f"PRAGMA user_version = {version}")
            for table in tables_of(damaged):
                create(new, table, values)
                marks = ", ".join("?" * len(columns_of(new, table)))
                rows = _readable(damaged, table, path.stat().st_size // LEAST_BYTES)
                new.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)
            return int(new.execute("SELECT count(*) FROM evaluations").fetchone()[0])


def _readable(damaged: sqlite3.Connection, table: str, most: int) -> Iterator[tuple]:
    for row_id in range(1, most + 1):
        with suppress(sqlite3.DatabaseError):  # the row's page is missing
            if row := damaged.execute(f"SELECT * FROM {table} WHERE rowid = ?", (row_id,)).fetchone():
                yield row
