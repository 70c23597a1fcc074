"""What a search of ``searches.py`` has stored and logged, while it runs or after its end."""

import sqlite3
from contextlib import closing


def stored(path):
    """The genotypes that a store has, as texts."""
    if not path.exists():
        return set()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        return {row[0] for row in connection.execute("SELECT genotype FROM evaluations")} if tables else set()


def logged(path):
    """The genotypes that were measured, as texts, in the order in which they were finished."""
    return [line.split(",")[0] for line in path.read_text().splitlines()] if path.exists() else []
