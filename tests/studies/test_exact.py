"""Exact objectives that are slow: by a clock that the objective itself turns."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import Running, exact, optimize

SPACE = SearchSpace(Choice(f"kernel{i}", (3, 5, 7)) for i in range(8))
QUICK = {
    "linas": {"generations": 4},
    "full": {"generations": 4, "sample": 10},
    "nat": {"generations": 4, "predictor": "ridge"},
}


class Timed:
    """An exact objective that takes as long as it says."""

    def __init__(self, monkeypatch, each=0.0, call=0.0, first=0.0):
        self.now, self.rows, self.each, self.call, self.first = 0.0, 0, each, call, first
        monkeypatch.setattr(exact, "perf_counter", lambda: self.now)

    def __call__(self, genotypes):
        self.now += self.each * len(genotypes) + self.call + self.first
        self.first = 0.0
        self.rows += len(genotypes)
        return genotypes @ np.arange(1.0, 9.0)


def search(measure, algorithm="default", budget=24, **settings):
    bound = 40.0 if algorithm in ALGORITHMS and ALGORITHMS[algorithm].n_goals[1] == 1 else None
    objectives = [Objective("accuracy", "max"), Objective("memory", "min", exact=measure, at_most=bound)]
    settings = {"population": 6, "progress": False} | QUICK.get(algorithm, {}) | settings
    return optimize(SPACE, lambda genotypes: np.sqrt(1.0 + genotypes.sum(axis=1)), objectives, algorithm, budget, **settings)


@pytest.mark.parametrize(
    ("takes", "is_slow"),
    [
        ({}, False),
        ({"each": 0.0005}, False),
        ({"first": 5.0}, False),
        ({"first": 5.0, "call": 0.05}, False),
        ({"each": 0.002}, True),
        ({"each": 0.2}, True),
        ({"each": 20.0}, True),
        ({"call": 0.2}, True),
    ],
    ids=str,
)
def test_what_is_slow(monkeypatch, takes, is_slow):
    measure = Timed(monkeypatch, **takes)
    assert exact.slow_ones(SPACE, [Objective("a", "max"), Objective("b", "min", exact=measure)]) == [1] * is_slow
    assert measure.now < 2 or takes.get("first") or takes.get("each") == 20.0


@pytest.mark.parametrize("algorithm", ["default", *ALGORITHMS])
@pytest.mark.filterwarnings("ignore:no measured sub-network")
def test_a_slow_one_is_said_once_and_computed_for_what_is_proposed_only(monkeypatch, algorithm):
    measure = Timed(monkeypatch, each=0.2)
    with pytest.warns(UserWarning, match="exact objectives that take more than 1 ms a sub-network: 'memory'") as told:
        history = search(measure, algorithm)
    assert len([w for w in told if "1 ms" in str(w.message)]) == 1
    assert measure.rows <= 24 + 10 and len(history) == 24
    np.testing.assert_array_equal(history.values[:, 1], history.genotypes @ np.arange(1.0, 9.0))
    assert history.objectives[1].exact is measure


def test_a_quick_one_is_asked_as_often_as_is_useful(monkeypatch):
    measure = Timed(monkeypatch)
    search(measure, budget=14)
    assert measure.rows > 1000


@pytest.mark.filterwarnings("ignore:exact objectives")
def test_a_store_keeps_what_was_slow_so_that_the_search_goes_on_as_it_began(monkeypatch, tmp_path):
    slow, quick = search(Timed(monkeypatch, each=0.2)), search(Timed(monkeypatch))
    assert (slow.genotypes != quick.genotypes).any()
    for first, then, expected in ((0.2, 0.0, slow), (0.0, 0.2, quick)):
        store = tmp_path / f"{first}.sqlite"
        search(Timed(monkeypatch, each=first), budget=16, store=store)
        np.testing.assert_array_equal(search(Timed(monkeypatch, each=then), store=store).genotypes, expected.genotypes)


@pytest.mark.filterwarnings("ignore:exact objectives")
def test_an_asynchronous_search_computes_it_once(monkeypatch):
    measure = Timed(monkeypatch, each=0.2)
    with ThreadPoolExecutor(1) as executor:
        history = search(measure, "nsga2", executor=Running(executor=executor, in_flight=1))
    np.testing.assert_array_equal(history.genotypes, search(measure, "nsga2").genotypes)
    assert measure.rows <= 2 * (24 + 8)
