"""Evaluations on disk: one SQLite file per problem, safe if the process is killed at any moment.

An evaluation that failed is kept too, with the reason, so that a replay fails it again without trying.

A problem is a search space, the objectives that are measured (exact ones are recomputed, never stored), and the settings of
the measurement: ``evaluate.settings`` contains whatever changes its values, such as the fingerprint of the supernet's weights.
All studies of a problem share its evaluations, whatever their algorithm and seed; :mod:`nastoolkit.studies.replay` also keeps
what a finished one asked for.

SQLite's default rollback journal is used, not its write-ahead log: one file, which also works on network file systems.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.space import SearchSpace
from nastoolkit.studies.schema import APPLICATION_ID, SCHEMA_VERSION, create, quoted, tables_of, value_columns
from nastoolkit.studies.store_file import StoreError, StoreFile
from nastoolkit.support.counts import whole
from nastoolkit.support.json_types import plain


class Store(StoreFile):
    """The evaluations and studies of one problem.

    Args:
        path: The SQLite file; it and its folder are made if missing.
        space: Space of the genotypes. A restriction of a space shares the space's store.
        objectives: The search's objectives; those without ``exact`` become columns.
        settings: Everything else that determines the measured values, as JSON types.

    Raises:
        StoreError: The file belongs to another problem, a newer version or another program, or cannot be used; it is left as
            it was. If it is damaged, everything that can be read is copied to a new store next to it.
    """

    def __init__(
        self, path: str | Path, space: SearchSpace, objectives: Sequence[Objective], settings: Mapping[str, Any]
    ) -> None:
        measured = [o for o in objectives if o.exact is None]
        self._values = value_columns([o.name for o in measured])
        self._columns = [quoted(name) for name in self._values]
        self._problem: dict[str, Any] = {
            "space": space.fingerprint,
            "objectives": {o.name: o.unit for o in measured},
            "settings": _as_json(settings, path),
        }
        super().__init__(path)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        with self._clear_errors():
            return self._connection.execute("SELECT count(*) FROM evaluations").fetchone()[0]

    def lookup(self, genotypes: np.ndarray) -> np.ndarray:
        """Measured values ``(n, m')`` of genotypes ``(n, d)``; NaN if there are none."""
        query = f"SELECT {', '.join(self._columns)} FROM evaluations WHERE genotype = ?"
        with self._clear_errors():
            rows = [self._connection.execute(query, (text,)).fetchone() for text in _texts(genotypes)]
        missing = (np.nan,) * len(self._columns)
        return np.array([row or missing for row in rows], dtype=float).reshape(len(genotypes), len(self._columns))

    def save(self, genotypes: np.ndarray, values: np.ndarray, seconds: float) -> None:
        """Keep measured values ``(n, m')`` in one transaction; a genotype that has values keeps the old ones.

        Args:
            genotypes: ``(n, d)``, canonical.
            values: ``(n, m')``, finite.
            seconds: Time that measuring one of them took, in s.
        """
        columns = ", ".join(["genotype", *self._columns, "seconds", "created_at"])
        marks = ", ".join("?" * (len(self._columns) + 3))
        rows = [(text, *map(float, row), seconds, _now()) for text, row in zip(_texts(genotypes), values, strict=True)]
        with self._transaction():
            self._connection.executemany(
                f"INSERT INTO evaluations ({columns}) VALUES ({marks}) ON CONFLICT (genotype) DO NOTHING", rows
            )

    def failures(self, genotypes: np.ndarray) -> list[str | None]:
        """Reasons why evaluations of genotypes ``(n, d)`` failed; None for those that did not."""
        query = "SELECT reason FROM failures WHERE genotype = ?"
        with self._clear_errors():
            rows = [self._connection.execute(query, (text,)).fetchone() for text in _texts(genotypes)]
        return [row[0] if row else None for row in rows]

    def save_failures(self, genotypes: np.ndarray, reasons: Sequence[str]) -> None:
        """Save why evaluations of canonical genotypes ``(n, d)`` failed, in one transaction."""
        rows = [(text, reason, _now()) for text, reason in zip(_texts(genotypes), reasons, strict=True)]
        with self._transaction():
            self._connection.executemany("INSERT INTO failures VALUES (?, ?, ?) ON CONFLICT (genotype) DO NOTHING", rows)

    def start_study(self, algorithm: str, seed: int, settings: Mapping[str, Any]) -> int:
        """Record that a search begins, and return its number."""
        row = (algorithm, whole("seed", seed, 0), json.dumps(_as_json(settings, self.path)), _now())
        with self._transaction():
            cursor = self._connection.execute(
                "INSERT INTO studies (algorithm, seed, settings, started_at) VALUES (?, ?, ?, ?)", row
            )
        return int(cursor.lastrowid or 0)

    def finish_study(self, number: int) -> None:
        """Record that a search has ended."""
        with self._transaction():
            self._connection.execute("UPDATE studies SET finished_at = ? WHERE id = ?", (_now(), number))

    def rows_before(self, search: str, n_asks: int, rows: Sequence[int]) -> list[int]:
        """Rows that a search was told before its next ask; if it never came so far, the given ones, which are then kept."""
        with self._transaction():
            execute = self._connection.execute
            create(self._connection, "tells")
            execute("INSERT OR IGNORE INTO tells VALUES (?, ?, ?)", (search, n_asks, json.dumps(list(rows))))
            told = execute("SELECT told FROM tells WHERE search = ? AND ask = ?", (search, n_asks)).fetchone()[0]
            return list(json.loads(told))

    def finished_search(self, search: str) -> bytes | None:
        """What was kept of a finished search; None if nothing was."""
        with self._clear_errors():
            if "searches" not in tables_of(self._connection):
                return None
            row = self._connection.execute("SELECT genotypes FROM searches WHERE search = ?", (search,)).fetchone()
        return row[0] if row else None

    def save_finished_search(self, search: str, genotypes: bytes) -> None:
        """Save all genotypes of a finished search, packed; they replace earlier ones."""
        with self._transaction():
            create(self._connection, "searches")
            self._connection.execute("INSERT OR REPLACE INTO searches VALUES (?, ?)", (search, genotypes))

    def _open(self) -> None:
        with self._clear_errors():
            if self._is_empty():
                with self._transaction():
                    if self._is_empty():  # another process may have made it in between
                        self._create()
        version = self.check()
        self._check_problem()
        if version < SCHEMA_VERSION:
            with self._transaction():
                self._bring_up_to_date()

    def _is_empty(self) -> bool:
        return self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0

    def _create(self) -> None:
        self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for table in ("problem", "evaluations", "studies"):
            create(self._connection, table, self._values)
        self._bring_up_to_date()
        for part, value in self._problem.items():
            self._connection.execute("INSERT INTO problem VALUES (?, ?)", (part, json.dumps(value)))

    def _bring_up_to_date(self) -> None:
        create(self._connection, "failures")
        self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _check_problem(self) -> None:
        stored = self.problem()
        differences = []
        if stored["space"] != self._problem["space"]:
            differences.append(f"space (fingerprint {stored['space']} in the file, {self._problem['space']} here)")
        for part in ("objectives", "settings"):
            differences += _differences(part, stored[part], self._problem[part])
        if differences:
            here = f"{self.path} holds evaluations of another problem; it differs in {'; '.join(differences)}"
            raise StoreError(f"{here}. It is left as it is: name another file, or move this one away")


def _as_json(settings: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    try:
        return json.loads(json.dumps(dict(settings), default=plain))
    except TypeError as error:
        raise StoreError(f"settings in the store {path} must be JSON types: {error}") from None


def _differences(part: str, stored: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    return [
        f"{part}[{key!r}] ({_shown(stored, key)} in the file, {_shown(here, key)} here)"
        for key in sorted(stored.keys() | here.keys())
        if key not in stored or key not in here or stored[key] != here[key]
    ]


def _shown(entries: Mapping[str, Any], key: str) -> str:
    return repr(entries[key]) if key in entries else "absent"


def _texts(genotypes: np.ndarray) -> list[str]:
    return [" ".join(map(str, row)) for row in genotypes.tolist()]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
