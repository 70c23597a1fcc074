"""What earlier searches left in their stores is read, whatever measured it and whatever the next search weighs it against."""

import sqlite3

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.studies.past import past_evaluations, summary
from nastoolkit.studies.store_file import StoreError

SPACE = SearchSpace([Choice("depth", (2, 3)), Choice("kernel", (3, 5, 7), ("depth", (3,))), Choice("width", (8, 16, 24))])
ACCURACY, COST = Objective("accuracy", "max", "%"), Objective("cost", "min", "ms", exact=lambda g: g.sum(axis=1) + 1.0)


def accuracy(genotypes):
    if (genotypes[:, 2] == 2).all():
        raise RuntimeError("out of memory")
    return 50.0 + genotypes @ np.array([[3.0], [2.0], [1.0]])


accuracy.settings = {"supernet": "a", "family": "tiny"}


@pytest.fixture
def store(tmp_path):
    """The whole space, searched in calls of one; those of the greatest width fail."""
    path = tmp_path / "past.sqlite"
    with pytest.warns(UserWarning, match="4 of 12 evaluations failed"):
        optimize(SPACE, accuracy, [ACCURACY], "random", 12, seed=3, store=path, population=1, progress=False)
    return path


def test_all_that_was_measured_comes_back_with_the_costs_of_now(store):
    past = past_evaluations(store, SPACE, [COST, ACCURACY])
    assert len(past) == 8 and len(np.unique(past.genotypes, axis=0)) == 8
    np.testing.assert_array_equal(past.values[:, 0], past.genotypes.sum(axis=1) + 1)
    np.testing.assert_array_equal(past.values[:, 1], accuracy(past.genotypes)[:, 0])


def test_a_restricted_space_gets_its_own_part(store):
    part = SPACE.restrict({"kernel": [3, 5]})
    past = past_evaluations(store, part, [ACCURACY])
    np.testing.assert_array_equal(part.canonical(past.genotypes), past.genotypes)
    assert len(past) == 6


def test_a_search_on_other_hardware_starts_from_it(store):
    past = past_evaluations(store, SPACE, [ACCURACY, COST])
    found = optimize(SPACE, accuracy, [ACCURACY, COST], "random", 2, population=2, warm_start=past, progress=False)
    assert set(map(tuple, found.genotypes)) <= set(map(tuple, past.best(2).genotypes))


def test_a_store_says_what_it_holds(store):
    told = summary(store)
    assert told["measured"] == {"accuracy": "%"} and told["settings"] == {"supernet": "a", "family": "tiny"}
    assert (told["evaluations"], told["failed"]) == (8, 4)
    assert told["failures"] == [{"times": 4, "reason": "RuntimeError: out of memory"}]
    (search,) = told["searches"]
    assert (search["algorithm"], search["seed"], search["budget"], search["population"]) == ("random", 3, 12, 1)
    assert search["finished"] >= search["started"]


@pytest.mark.parametrize(
    ("space", "objectives", "message"),
    [
        (SearchSpace([Choice("depth", (2, 3))]), [ACCURACY], "another search space, that of 'tiny': fingerprint"),
        (SPACE, [Objective("latency_ms", "min")], "has no latency_ms; it has accuracy"),
    ],
)
def test_another_problem_is_refused(store, space, objectives, message):
    with pytest.raises(StoreError, match=message):
        past_evaluations(store, space, objectives)


def test_a_missing_and_a_damaged_store_are_refused_and_none_is_made(store, tmp_path):
    with pytest.raises(StoreError, match="there is no store at"):
        summary(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()
    connection = sqlite3.connect(store)
    connection.execute("UPDATE evaluations SET genotype = '1 9 9' WHERE rowid = 1")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="is damaged: it holds evaluations of networks that are not in its space"):
        past_evaluations(store, SPACE, [ACCURACY])
