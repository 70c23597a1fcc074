"""Searches that do not wait for slow evaluations before they ask for more."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.space import Choice, SearchSpace, genotype_keys
from nastoolkit.studies import Running, optimize

SPACE = SearchSpace(Choice(f"kernel{i}", (3, 5, 7)) for i in range(8))
OBJECTIVES = [Objective("accuracy_top1", "max", "%"), Objective("latency_ms", "min", "ms")]


def values(genotypes):
    return np.stack([70 + (genotypes**2).sum(axis=1) / 7, 3 + genotypes @ np.arange(8) / 3], axis=1)


class Uneven:
    """A measurement of which every fourth sub-network takes ten times as long; it notes who was measured from when to when."""

    def __init__(self, pause, interrupt_after=np.inf):
        self.pause, self.interrupt_after = pause, interrupt_after
        self.rows, self.spans = [], []

    def __call__(self, genotypes):
        if len(self.rows) >= self.interrupt_after:
            raise KeyboardInterrupt
        begin = time.monotonic()
        time.sleep(self.pause * (10 if genotypes.sum() % 4 == 0 else 1))
        self.rows += genotype_keys(genotypes)
        self.spans.append((begin, time.monotonic()))
        return values(genotypes)

    def utilisation(self, n_workers):
        """Share of the workers' time in which they measure, until the last call begins: then there is no more to do."""
        begins, ends = np.array(self.spans).T
        return (np.minimum(ends, begins.max()) - begins).sum() / (n_workers * (begins.max() - begins.min()))


def search(evaluate, n_workers=4, **settings):
    settings = {"algorithm": "nsga2", "budget": 60, "population": 12, "progress": False} | settings
    given = {name: settings.pop(name) for name in ("in_flight", "retries", "chunk_size") if name in settings}
    how = {"in_flight": n_workers} | given
    with ThreadPoolExecutor(n_workers) as executor:
        return optimize(SPACE, evaluate, OBJECTIVES, executor=Running(executor=executor, **how), **settings)


def assert_same(one, other):
    np.testing.assert_array_equal(one.genotypes, other.genotypes)
    assert one.values.tobytes() == other.values.tobytes()


def test_workers_are_busier_while_evaluations_differ_ten_times_in_length(record_property):
    shares = {}
    for name, in_flight in (("barrier", None), ("asynchronous", 5)):
        evaluate = Uneven(0.05)
        search(evaluate, in_flight=in_flight)
        shares[name] = float(evaluate.utilisation(4))
    record_property("utilisation", shares)
    assert shares["asynchronous"] > shares["barrier"]


def test_one_in_flight_is_the_serial_search():
    serial = optimize(SPACE, values, OBJECTIVES, "nsga2", 60, population=12, progress=False)
    assert_same(search(values, 1), serial)
    assert_same(search(values, 1, chunk_size=5), serial)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_takes_what_is_finished(algorithm):
    objectives = OBJECTIVES
    if ALGORITHMS[algorithm].n_goals[1] == 1:
        objectives = [OBJECTIVES[0], Objective("latency_ms", "min", "ms", at_most=12.0)]
    settings = {"linas": {"generations": 5}, "full": {"generations": 5}, "weaknas": {"predictor": "ridge", "pool": 200}}
    with ThreadPoolExecutor(3) as executor:
        how = {"population": 10, "progress": False} | settings.get(algorithm, {})
        how["executor"] = Running(executor=executor, in_flight=3)
        history = optimize(SPACE, Uneven(0.001), objectives, algorithm, 45, **how)
    assert len(history) == 45 == len(set(genotype_keys(history.genotypes)))
    np.testing.assert_array_equal(history.values, values(history.genotypes))


def test_it_asks_without_waiting_and_tells_the_rest_later():
    release, asked, told = threading.Event(), [], []

    class Spy(ALGORITHMS["random"]):
        def ask(self):
            proposed = super().ask()
            asked.extend(genotype_keys(proposed))
            return proposed

        def tell(self, genotypes, values):
            told.append(genotype_keys(genotypes))
            if len(told) == 3:
                release.set()

    def first_one_waits(genotypes):
        if genotype_keys(genotypes)[0] == asked[0]:
            assert release.wait(300)
        return values(genotypes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ALGORITHMS, "spy", Spy)
        history = search(first_one_waits, 2, algorithm="spy")
    keys = genotype_keys(history.genotypes)
    assert told[0] == [] and keys[0] not in told[1] + told[2]
    assert sum(map(len, told)) <= 60 and len(set(sum(told, []))) == sum(map(len, told))


def test_run_again_it_replays_what_was_told_when(tmp_path):
    store = tmp_path / "a.sqlite"
    with pytest.raises(KeyboardInterrupt):
        search(Uneven(0.002, interrupt_after=30), store=store)
    rest, none = Uneven(0.001), Uneven(0)
    whole = search(rest, store=store, n_workers=3)
    assert len(rest.rows) <= 60 - 30 + 4
    assert_same(search(none, store=store), whole)
    assert_same(search(none, store=store, budget=40), whole[:40])
    assert not none.rows
    assert_same(search(Uneven(0.001), store=store, budget=90)[:60], whole)


def test_the_schedule_of_another_search_in_the_store_does_no_harm(tmp_path):
    """Which differs in what nothing can tell: what an exact objective computes."""
    for factor, space in [(1, SPACE), (-1, SPACE), (1, SPACE.restrict({f"kernel{i}": (3,) for i in range(5)}))]:
        exact = Objective("latency_ms", "min", "ms", exact=lambda g, factor=factor: factor * values(g)[:, 1])
        with ThreadPoolExecutor(3) as executor:
            running = Running(executor=executor, in_flight=3)
            how = {"executor": running, "store": tmp_path / "a.sqlite", "population": 12, "progress": False}
            history = optimize(space, lambda g: values(g)[:, :1], [OBJECTIVES[0], exact], "nsga2", 60, **how)
        assert len(history) == min(60, space.size) == len(set(genotype_keys(history.genotypes)))


def test_failures_are_tried_again_and_then_kept_from_the_algorithm(tmp_path):
    def fails(genotypes, seen={}):  # noqa: B006
        key = genotype_keys(genotypes)[0]
        seen[key] = seen.get(key, 0) + 1
        if genotypes[0, 1] == 0 or (genotypes[0, 1] == 1 and seen[key] == 1):
            raise RuntimeError("out of memory")
        return values(genotypes)

    with pytest.warns(UserWarning, match="of 60 evaluations failed; the last error: RuntimeError: out of memory"):
        history = search(fails, store=tmp_path / "a.sqlite", retries=1)
    np.testing.assert_array_equal(history.failed, history.genotypes[:, 1] == 0)


def test_it_needs_an_executor():
    with pytest.raises(ValueError, match="in_flight=4 needs an executor"):
        optimize(SPACE, values, OBJECTIVES, executor=Running(in_flight=4))
