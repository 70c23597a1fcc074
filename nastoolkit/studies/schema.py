"""The tables of a store, and what else a file holds.

An SQLite file may contain programs: views, triggers and checks run when it is read. A store has none of them, so a file is
read only if it has nothing but these tables, made by exactly these statements.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

APPLICATION_ID = 0x6E61734B  # "nasK", in the file's header: tells a store from other SQLite files
SCHEMA_VERSION = 3  # 1 had no failures, 2 no finished searches
TABLES = {
    "problem": "part TEXT PRIMARY KEY, value TEXT NOT NULL",
    "evaluations": "genotype TEXT PRIMARY KEY, {values}seconds REAL, created_at TEXT",
    "studies": "id INTEGER PRIMARY KEY, algorithm TEXT, seed INTEGER, settings TEXT, started_at TEXT, finished_at TEXT",
    "failures": "genotype TEXT PRIMARY KEY, reason TEXT NOT NULL, created_at TEXT",
    "tells": "search TEXT, ask INTEGER, told TEXT, PRIMARY KEY (search, ask)",
    "searches": "search TEXT PRIMARY KEY, genotypes BLOB NOT NULL",
}
VALUE = re.compile(r'"((?:[^"]|"")*)" REAL NOT NULL, ')


def create(connection: sqlite3.Connection, table: str, values: Sequence[str] = ()) -> None:
    """Make a table unless it is there.

    Args:
        connection: Connection to the file.
        table: A key of ``TABLES``.
        values: Names of the values of an evaluation.
    """
    connection.execute(_statement(table, values).replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))


def tables_of(connection: sqlite3.Connection) -> list[str]:
    """The tables of ``TABLES`` that a file has, in their order."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    return [table for table in TABLES if table in there]


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    """Names of a table's columns."""
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def values_of(connection: sqlite3.Connection) -> list[str]:
    """Names of the columns of a file that hold an evaluation's values, by the text of its statement."""
    row = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'evaluations'").fetchone()
    return [name.replace('""', '"') for name in VALUE.findall(str(row and row[0]))]


def foreign(connection: sqlite3.Connection) -> list[str]:
    """Names of anything in a file apart from a store's tables, or of tables made by other statements; none of it is run."""
    values, known, found = values_of(connection), set[str](), list[str]()
    for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
        if name in known or name not in TABLES or sql != _statement(name, values):
            found.append(str(name))
        known.add(name)
    return found


def value_columns(names: Sequence[str]) -> list[str]:
    """Columns for the values of objectives, each a function of the set of names: they are found whatever the order.

    SQLite treats ``F1`` and ``f1`` as one column, so if names differ only in capitals, their codes are added.
    """
    if len({name.encode().lower() for name in names}) == len(names):  # bytes: SQLite knows the capitals of ASCII only
        return [f"value_{name}" for name in names]
    return [f"value_{name}_{name.encode().hex()}" for name in names]


def quoted(name: str) -> str:
    """A column's name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _statement(table: str, values: Sequence[str]) -> str:
    """The statement as SQLite keeps it in the file."""
    columns = TABLES[table].replace("{values}", "".join(f"{quoted(name)} REAL NOT NULL, " for name in values))
    return f"CREATE TABLE {table} ({columns})"
