"""Stores on full disks and read-only ones, of two processes at a time, under a clock that goes back, and cut off anywhere."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from searches import OBJECTIVES, SPACE, values
from watching import stored

from nastoolkit.studies import optimize
from nastoolkit.studies import store as store_module
from nastoolkit.studies.store import Store, StoreError

PROGRAM = Path(__file__).with_name("searches.py")
SETTINGS = {"budget": 120, "seed": 3}


def command(folder, name="a", **settings):
    store, log = folder / f"{name}.sqlite", folder / f"{name}.log"
    return [sys.executable, str(PROGRAM), str(store), str(log), json.dumps(SETTINGS | settings)]


def run(*words, **settings):
    return subprocess.run(words, capture_output=True, text=True, timeout=900, check=False, **settings)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What a search prints that nothing disturbs."""
    finished = run(*command(tmp_path_factory.mktemp("whole")))
    assert finished.returncode == 0
    return finished.stdout


def test_a_file_that_may_not_grow(tmp_path, expected):
    limited = "import resource, signal, runpy, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)); sys.argv = sys.argv[1:]; "
    limited += "runpy.run_path(sys.argv[0], run_name='__main__')"
    stopped = run(sys.executable, "-c", limited, *command(tmp_path)[1:])
    assert stopped.returncode == 1 and "StoreError: cannot use" in stopped.stderr.splitlines()[-1]
    n_before = len(stored(tmp_path / "a.sqlite"))
    assert 0 < n_before < 120
    assert run(*command(tmp_path)).stdout == expected
    assert len((tmp_path / "a.log").read_text().splitlines()) == 120 + 1  # the one that could not be saved


def in_namespace(script, *words):
    """A shell script with file systems of its own, which need no privileges; the words are its ``$1``, ``$2`` ..."""
    if run("unshare", "-rm", "true").returncode if shutil.which("unshare") else True:
        pytest.skip("this machine gives no mount namespaces")
    return run("unshare", "-rm", "sh", "-ec", script, "sh", *words)


def test_a_disk_that_is_full(tmp_path, expected):
    """The store is kept when the search has failed, and copied back where there is room."""
    (tmp_path / "small").mkdir()
    script = """mount -t tmpfs -o size=56k none "$1"; folder="$1" kept="$2"; shift 2
        "$@" 2>&1 | tail -n 1; cp "$folder/a.sqlite" "$kept" """
    logged = command(tmp_path / "small")
    logged[3] = str(tmp_path / "a.log")
    stopped = in_namespace(script, str(tmp_path / "small"), str(tmp_path / "a.sqlite"), *logged)
    assert "StoreError: cannot use" in stopped.stdout and "a.sqlite as a store: database or disk is full" in stopped.stdout
    assert 0 < len(stored(tmp_path / "a.sqlite")) < 120
    assert run(*command(tmp_path)).stdout == expected
    assert len((tmp_path / "a.log").read_text().splitlines()) == 120 + 1


def test_a_folder_that_is_read_only(tmp_path):
    assert run(*command(tmp_path, budget=20)).returncode == 0
    before = (tmp_path / "a.sqlite").read_bytes()
    script = """mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; shift; "$@" 2>&1 | tail -n 1"""
    for name in ("a", "new"):
        stopped = in_namespace(script, str(tmp_path), *command(tmp_path, name))
        assert f"StoreError: cannot use {tmp_path}/{name}.sqlite as a store: " in stopped.stdout
    assert (tmp_path / "a.sqlite").read_bytes() == before


@pytest.mark.parametrize("seeds", [(3, 3), (3, 4)], ids=["one search", "two searches"])
def test_two_processes_on_one_store(tmp_path, expected, seeds):
    """Both have the results that they would have alone; of what both measured, the first one's values stay."""
    both = [subprocess.Popen(command(tmp_path, pause=0.01, seed=seed), stdout=subprocess.PIPE, text=True) for seed in seeds]
    outputs = [process.communicate(timeout=900)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs == [expected if seed == 3 else run(*command(tmp_path, "alone", seed=seed)).stdout for seed in seeds]
    assert len(stored(tmp_path / "a.sqlite")) == 120 * len(set(seeds))


def test_a_second_process_waits_for_the_first(tmp_path):
    with Store(tmp_path / "a.sqlite", SPACE, OBJECTIVES, {}):
        writer = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        second = subprocess.Popen(command(tmp_path, budget=5), stdout=subprocess.PIPE, text=True)
        assert second.stdout.readline() == "begins\n"
        time.sleep(1.0)
        assert second.poll() is None and not (tmp_path / "a.log").exists()
        writer.execute("COMMIT")
        writer.close()
    assert second.communicate(timeout=900)[0] and second.returncode == 0
    assert len(stored(tmp_path / "a.sqlite")) == 5


def test_a_clock_that_goes_back(tmp_path, monkeypatch):
    """Nothing reads the times that are kept; the wall clock is the one thing here that is not the real one."""
    backwards = (datetime.now(UTC) - timedelta(days=day) for day in count())
    monkeypatch.setattr(store_module, "_now", lambda: next(backwards).isoformat(timespec="seconds"))
    monkeypatch.setattr(time, "time", (-second for second in count()).__next__)
    search = {"algorithm": "nsga2", "population": 20, "progress": False, "store": tmp_path / "a.sqlite"}
    first = optimize(SPACE, values, OBJECTIVES, budget=40, **search)
    again = optimize(SPACE, values, OBJECTIVES, budget=60, **search)[:40]
    np.testing.assert_array_equal(again.genotypes, first.genotypes)
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        times = [row[0] for row in connection.execute("SELECT created_at FROM evaluations ORDER BY rowid")]
    assert len(times) == 60 and times == sorted(times, reverse=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A store of 400 evaluations, a failure and two studies; with its genotypes."""
    path = tmp_path_factory.mktemp("store") / "a.sqlite"
    genotypes = np.unique(SPACE.sample(401, np.random.default_rng(0)), axis=0)
    with Store(path, SPACE, OBJECTIVES, {}) as store:
        store.start_study("linas", 3, {"population": 50})
        store.save(genotypes[:-1], values(genotypes[:-1]), seconds=0.5)
        store.save_failures(genotypes[-1:], ["out of memory"])
    return path, genotypes


def test_a_store_cut_off_at_every_page(tmp_path, whole):
    path, genotypes = whole
    content, page = path.read_bytes(), 4096
    saved = []
    for length in [*range(0, len(content), page), len(content) - page // 2]:
        folder = tmp_path / str(length)
        folder.mkdir()
        cut, side = folder / "a.sqlite", folder / "a.rescued.sqlite"
        cut.write_bytes(content[:length])
        if length == 0:
            with Store(cut, SPACE, OBJECTIVES, {}) as store:
                assert len(store) == 0
            continue
        with pytest.raises(StoreError) as refused:
            Store(cut, SPACE, OBJECTIVES, {})
        assert cut.read_bytes() == content[:length]
        message = str(refused.value)
        assert message.count("\n") == 0 and str(cut) in message
        saved.append(check_rescued(side, message, genotypes) if side.exists() else 0)
    assert max(saved) > 350 and sum(n > 0 for n in saved) > len(saved) / 2


def check_rescued(side, message, genotypes):
    """What was saved is right, and the rest is missing; how many were saved."""
    with Store(side, SPACE, OBJECTIVES, {}) as store:
        found = store.lookup(genotypes)
        n, known = len(store), ~np.isnan(found).any(axis=1)
        assert f"{n} evaluations that can be read are in {side}" in message and known.sum() == n
        np.testing.assert_array_equal(found[known], values(genotypes[known]))
    return n


def test_a_rescued_store_is_not_written_again(tmp_path, whole):
    path, genotypes = whole
    (tmp_path / "a.sqlite").write_bytes(path.read_bytes()[: -2 * 4096])
    for n in range(2):
        with pytest.raises(StoreError, match="a.rescued.sqlite, a store to go on with"):
            Store(tmp_path / "a.sqlite", SPACE, OBJECTIVES, {})
        with Store(tmp_path / "a.rescued.sqlite", SPACE, OBJECTIVES, {}) as store:
            n_before = len(store)
            missing = genotypes[np.isnan(store.lookup(genotypes)).any(axis=1)][:5]
            store.save(missing, values(missing), 0.1)
            assert len(store) == n_before + 5
        assert n or n_before > 100


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT 'space' part, max(i) value FROM n"
PROGRAMS = {
    "a view in place of a table": ["DROP TABLE problem", f"CREATE VIEW problem AS {ENDLESS}"],
    "a trigger": ["CREATE TRIGGER t AFTER INSERT ON studies BEGIN DELETE FROM evaluations; END"],
    "a check": ["DROP TABLE tells", "CREATE TABLE tells (search TEXT CHECK (length(randomblob(1e9)) > 0), ask, told)"],
    "one more table": ["CREATE TABLE more (x)"],
    "an index on an expression": ["CREATE INDEX i ON evaluations (abs(seconds))"],
}


@pytest.mark.parametrize("statements", PROGRAMS.values(), ids=PROGRAMS)
def test_a_store_that_brings_a_program_is_not_read(tmp_path, whole, statements):
    path = shutil.copy(whole[0], tmp_path / "a.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tells (search TEXT, ask INTEGER, told TEXT, PRIMARY KEY (search, ask))")
        Store(path, SPACE, OBJECTIVES, {}).__exit__()
        for statement in statements:
            connection.execute(statement)
    with pytest.raises(StoreError, match="a.sqlite holds '.*', which no store has: it is not read"):
        Store(path, SPACE, OBJECTIVES, {})


def test_what_a_damaged_store_brings_is_not_run(tmp_path, whole):
    canary = tmp_path / "canary"
    path = shutil.copy(whole[0], tmp_path / "a.sqlite")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        for name, sql in [("p", f"ATTACH DATABASE '{canary}' AS a"), ("q", "CREATE TABLE a.t AS SELECT 'its text'")]:
            connection.execute("INSERT INTO sqlite_master VALUES ('table', ?, ?, 0, ?)", (name, name, sql))
    with pytest.raises(StoreError, match="a.sqlite is damaged .*no evaluation in it can be read: move it away"):
        Store(path, SPACE, OBJECTIVES, {})
    assert sorted(tmp_path.iterdir()) == [path]
