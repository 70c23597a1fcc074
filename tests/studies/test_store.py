import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies.store import SCHEMA_VERSION, Store, StoreError

SPACE = SearchSpace([Choice("depth", (2, 3)), Choice("kernel", (3, 5, 7)), Choice("width", (1, 2))])
OBJECTIVES = (
    Objective("accuracy_top1", "max", "%"),
    Objective("macs", "min", "MMACs", exact=lambda genotypes: genotypes.sum(axis=1)),
    Objective('odd "name"; --', "min"),
)
SETTINGS = {"weights": "abc", "n_images": 500}
GENOTYPES = np.array([[0, 0, 0], [1, 2, 1]])
VALUES = np.array([[70.1, 1.0], [1 / 3, -2e-300]])


@pytest.fixture
def path(tmp_path):
    """A store with two evaluations."""
    path = tmp_path / "runs" / "mine" / "a.sqlite"
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        store.save(GENOTYPES, VALUES, seconds=0.5)
    return path


def test_what_was_saved_is_found(path):
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        asked = np.array([[1, 2, 1], [0, 1, 0], [0, 0, 0]])
        np.testing.assert_array_equal(store.lookup(asked), [VALUES[1], [np.nan, np.nan], VALUES[0]])
        assert len(store) == 2


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_round_trip_bit_for_bit(value):
    with Store(":memory:", SPACE, OBJECTIVES[:1], {}) as store:
        store.save(GENOTYPES[:1], np.array([[value + 0.0]]), seconds=0.0)
        assert store.lookup(GENOTYPES[:1]).tobytes() == np.array([value + 0.0]).tobytes()


def test_the_file_is_readable_without_the_package(path):
    connection = sqlite3.connect(path)
    query = """SELECT genotype, value_accuracy_top1, "value_odd ""name""; --", seconds, created_at FROM evaluations"""
    *row, created_at = connection.execute(query).fetchall()[1]
    connection.close()
    assert row == ["1 2 1", 1 / 3, -2e-300, 0.5]
    assert abs(datetime.fromisoformat(created_at) - datetime.now(UTC)) < timedelta(minutes=10)


def test_a_second_measurement_does_not_replace_the_first(path):
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        store.save(GENOTYPES, VALUES + 1, seconds=0.5)
        np.testing.assert_array_equal(store.lookup(GENOTYPES), VALUES)


def test_failures_are_kept_with_their_first_reason(path):
    asked = np.array([[0, 1, 0], [0, 0, 0], [0, 2, 0]])
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        store.save_failures(asked[[0, 2]], ["out of memory", "nan"])
        store.save_failures(asked[:1], ["another"])
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        assert store.failures(asked) == ["out of memory", None, "nan"]
        assert np.isnan(store.lookup(asked)[[0, 2]]).all() and len(store) == 2


def test_what_a_search_was_told_is_kept_for_each_of_its_asks(path):
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        assert store.rows_before("mine", 1, [3, 0]) == [3, 0]
        assert store.rows_before("mine", 2, []) == []
        assert store.rows_before("another", 1, [9]) == [9]
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        assert store.rows_before("mine", 1, [1]) == [3, 0] and store.rows_before("mine", 2, [7]) == []
        assert store.rows_before("another", 2, [4]) == [4]


def test_what_does_not_match_is_not_saved(path):
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        others = np.array([[0, 1, 0], [0, 1, 1]])
        with pytest.raises(ValueError, match="shorter"):
            store.save(others, VALUES[:1], seconds=0.0)
        with pytest.raises(ValueError, match="shorter"):
            store.save_failures(others, ["out of memory"])
        assert len(store) == 2 and store.failures(others) == [None, None]


def test_a_store_of_the_first_schema_is_read_and_brought_up_to_date(path):
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE failures; PRAGMA user_version = 1")
    connection.close()
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        np.testing.assert_array_equal(store.lookup(GENOTYPES), VALUES)
        assert store.failures(GENOTYPES) == [None, None]
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    connection.close()


def test_a_failed_save_keeps_nothing_of_its_chunk(path):
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        with pytest.raises(StoreError, match="a.sqlite"):
            store.save(np.array([[0, 1, 0], [0, 2, 0]]), np.array([[1.0, 1.0], [np.nan, 1.0]]), seconds=0.5)
        assert len(store) == 2


def test_exact_objectives_directions_and_restrictions_do_not_make_another_problem(path):
    other = [replace(OBJECTIVES[2], direction="max"), Objective("size_mb", "min", exact=len), OBJECTIVES[0]]
    with Store(path, SPACE.restrict({"depth": (3,)}), other, dict(reversed(SETTINGS.items()))) as store:
        np.testing.assert_array_equal(store.lookup(GENOTYPES), VALUES[:, ::-1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"space": SearchSpace([Choice("depth", (2, 3))])}, f"space.*{SPACE.fingerprint}"),
        ({"objectives": [OBJECTIVES[0]]}, r"objectives\['odd .* in the file, absent here"),
        (
            {"objectives": [replace(OBJECTIVES[0], unit=""), OBJECTIVES[2]]},
            r"objectives\['accuracy_top1'\] \('%' in the file, ''",
        ),
        ({"settings": {"weights": "xyz", "n_images": 500}}, r"settings\['weights'\] \('abc' in the file, 'xyz' here\)\. "),
        (
            {"settings": {"weights": "abc", "split": "test"}},
            r"'n_images'\] \(500 in the file, absent here\); settings\['split'\] \(absent in",
        ),
    ],
)
def test_another_problem_is_refused_and_the_file_left_alone(path, change, message):
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"a.sqlite holds evaluations of another problem.*{message}"):
        Store(path, **{"space": SPACE, "objectives": OBJECTIVES, "settings": SETTINGS} | change)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["a.sqlite"]


def test_files_that_are_no_store(tmp_path, path):
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to have been one " * 50)
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE evaluations (genotype TEXT)")
    connection.close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    for file, message in [
        (text, "cannot use .*notes.txt as a store: file is not a database"),
        (other, "other.sqlite is an SQLite file of another program"),
        (path, f"a.sqlite was written by a newer nastoolkit .schema {SCHEMA_VERSION + 1}, known {SCHEMA_VERSION}"),
        (text / "a.sqlite", "cannot use .*notes.txt/a.sqlite as a store"),
        (tmp_path, "is a folder, and a store is a file: name a file in it"),
    ]:
        before = file.read_bytes() if file.is_file() else b""
        with pytest.raises(StoreError, match=message):
            Store(file, SPACE, OBJECTIVES, SETTINGS)
        assert not file.is_file() or file.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE problem SET value = '{'", "cannot use"),
        ("DELETE FROM problem WHERE part = 'space'", "does not say its space:"),
        ("DELETE FROM problem WHERE part != 'space'", "does not say its objectives, settings:"),
    ],
)
def test_a_store_whose_problem_cannot_be_read(path, change, message):
    with sqlite3.connect(path) as file:
        file.execute(change)
    with pytest.raises(StoreError, match=message):
        Store(path, SPACE, OBJECTIVES, SETTINGS)


def cut(data):
    return data[:100] + b"\xff" * (len(data) - 100)


def no_text(data):
    """SQLite's complaint quotes it, and Python cannot read that."""
    return data.replace(b"CREATE TABLE studies (id", b"CREATE TABLE studies \x80id")


@pytest.mark.parametrize("damage", [cut, no_text])
def test_a_damaged_store_of_which_nothing_can_be_rescued(path, damage):
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=r"a.sqlite is damaged \(.*\), and no evaluation in it can be read: move it away$"):
        Store(path, SPACE, OBJECTIVES, SETTINGS)
    assert os.listdir(path.parent) == ["a.sqlite"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match=f"cannot use {tmp_path}/a.sqlite as a store"):
        Store(tmp_path / "a.sqlite", SPACE, OBJECTIVES, SETTINGS)


def test_settings_must_be_json(tmp_path):
    with pytest.raises(StoreError, match=r"a.sqlite must be JSON types.*set"):
        Store(tmp_path / "a.sqlite", SPACE, OBJECTIVES, {"weights": {1, 2}})
    assert not list(tmp_path.iterdir())


def test_studies_are_noted(path):
    with Store(path, SPACE, OBJECTIVES, SETTINGS) as store:
        first = store.start_study("linas", 3, {"population": 50})
        store.start_study("random", 4, {})
        store.finish_study(first)
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT algorithm, seed, settings, finished_at IS NULL FROM studies ORDER BY id").fetchall()
    connection.close()
    assert rows == [("linas", 3, '{"population": 50}', 0), ("random", 4, "{}", 1)]


def test_searches_side_by_side_may_make_and_fill_one_store(tmp_path):
    genotypes = np.array([[d, k, w] for d in range(2) for k in range(3) for w in range(2)])

    def fill(seed):
        with Store(tmp_path / "a.sqlite", SPACE, OBJECTIVES, SETTINGS) as store:
            for row in np.random.default_rng(seed).permutation(genotypes):
                store.save(row[None], row[None, :2] + 0.5, seconds=0.1)
            return store.lookup(genotypes)

    with ThreadPoolExecutor(4) as executor:
        for values in executor.map(fill, range(4)):
            np.testing.assert_array_equal(values, genotypes[:, :2] + 0.5)


def test_an_objective_may_be_named_as_one_of_the_stores_own_columns(tmp_path):
    objectives = [Objective("seconds", "min", "s"), Objective("genotype", "max")]
    with Store(tmp_path / "a.sqlite", SPACE, objectives, {}) as store:
        store.save(SPACE.smallest[None], np.array([[1.5, 2.5]]), 0.1)
        assert store.lookup(SPACE.smallest[None]).tolist() == [[1.5, 2.5]]


@pytest.mark.parametrize("names", [("F1", "f1"), ("f1", "F1"), ("F1", "f1", "f1_4631")])
def test_objectives_may_differ_in_capitals_alone(tmp_path, names):
    objectives = [Objective(name, "max") for name in names]
    values = np.arange(1.0, 1 + len(names))
    with Store(tmp_path / "a.sqlite", SPACE, objectives, {}) as store:
        store.save(SPACE.smallest[None], values[None], 0.1)
    with Store(tmp_path / "a.sqlite", SPACE, objectives[::-1], {}) as store:  # the order of objectives makes no other problem
        assert store.lookup(SPACE.smallest[None]).tolist() == [values[::-1].tolist()]


def test_settings_in_numbers_of_numpy_are_those_of_python(path):
    with Store(path, SPACE, OBJECTIVES, SETTINGS | {"n_images": np.int64(500)}) as store:
        assert len(store) == 2
