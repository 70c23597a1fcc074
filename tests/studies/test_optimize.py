import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields, replace
from functools import partial
from itertools import count
from threading import Barrier, Event

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.predictors import PREDICTORS
from nastoolkit.search import ALGORITHMS
from nastoolkit.search.nsga2 import NSGA2
from nastoolkit.space import Choice, SearchSpace, genotype_keys
from nastoolkit.studies import Running, optimize
from nastoolkit.studies.failures import EvaluationError
from nastoolkit.studies.replay import packed, search_fingerprint
from nastoolkit.studies.store import StoreError

SPACE = SearchSpace([Choice(f"kernel{i}", (3, 5, 7)) for i in range(6)] + [Choice("extra", (1, 2), when=("kernel0", (7,)))])
ACCURACY = Objective("accuracy_top1", "max", "%")
LATENCY = Objective("latency_ms", "min", "ms")
BOTH = [ACCURACY, LATENCY]


def measure(genotypes):
    """``(n, 2)``, each row by itself and exactly."""
    return np.stack([70 + (genotypes**2).sum(axis=1) / 7, 3 + genotypes @ np.arange(7) / 3], axis=1)


class Recording:
    """A measurement that notes the rows of each call, and fails from a row on if told to."""

    def __init__(self, fail_from=np.inf, **settings):
        self.calls = []
        self.n_calls = 0
        self.fail_from = fail_from
        self.settings = settings

    def __call__(self, genotypes):
        self.n_calls += 1
        if sum(map(len, self.calls)) >= self.fail_from:
            raise RuntimeError("the device went away")
        self.calls.append(genotypes.copy())
        return measure(genotypes)


def search(evaluate, **arguments):
    defaults = {"algorithm": "nsga2", "budget": 40, "population": 12, "progress": False}
    where = arguments.pop("space", SPACE), evaluate, arguments.pop("objectives", BOTH)
    running = {field.name: arguments.pop(field.name) for field in fields(Running) if field.name in arguments}
    return optimize(*where, executor=Running(**running), **defaults | arguments)


def assert_same(one, other):
    np.testing.assert_array_equal(one.genotypes, other.genotypes)
    assert one.values.tobytes() == other.values.tobytes()


def test_without_a_store_populations_are_measured_whole():
    evaluate = Recording()
    history = search(evaluate)
    assert [len(call) for call in evaluate.calls] == [12, 12, 12, 4]
    np.testing.assert_array_equal(np.concatenate(evaluate.calls), history.genotypes)
    np.testing.assert_array_equal(history.values, measure(history.genotypes))


def test_chunks_are_of_the_size_asked_for(tmp_path):
    one, five = Recording(), Recording()
    search(one, store=tmp_path / "one.sqlite", budget=13)
    search(five, store=tmp_path / "five.sqlite", budget=13, chunk_size=5)
    assert [len(call) for call in one.calls] == [1] * 13
    assert [len(call) for call in five.calls] == [5, 5, 2, 1]


def test_a_finished_search_replays_without_measuring(tmp_path):
    first, again = Recording(), Recording()
    history = search(first, store=tmp_path / "a.sqlite")
    assert_same(search(again, store=tmp_path / "a.sqlite"), history)
    assert_same(search(measure), history)
    assert not again.calls
    longer = Recording()
    assert_same(search(longer, store=tmp_path / "a.sqlite", budget=55)[:40], history)
    assert len(longer.calls) == 15


@pytest.fixture
def n_asks(monkeypatch):
    """Counts what NSGA-II is asked, in a list of one number."""
    asks, ask = [0], NSGA2.ask

    def count_and_ask(self):
        asks[0] += 1
        return ask(self)

    monkeypatch.setattr(NSGA2, "ask", count_and_ask)
    return asks


def test_a_finished_search_is_read_and_not_made_again(tmp_path, n_asks):
    history = search(measure, store=tmp_path / "a.sqlite")
    assert n_asks == [4]
    assert_same(search(measure, store=tmp_path / "a.sqlite"), history)
    assert n_asks == [4]


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"budget": 39},
        {"population": 10},
        {"algorithm": "random"},
        {"warm_start": SPACE.largest[None]},
        {"objectives": [replace(ACCURACY, at_least=71.0), LATENCY]},
        {"objectives": [ACCURACY, replace(LATENCY, direction="max")]},
        {"space": SPACE.restrict({"kernel1": (3, 5)})},
        {"algorithm": "linas", "predictor": "svr", "generations": 5},
        {"algorithm": "linas", "predictor": "ridge", "generations": 6},
    ],
    ids=lambda other: "-".join(map(str, (*other, *list(other.values())[1:]))),
)
def test_another_search_is_made_anew(tmp_path, other):
    search(measure, store=tmp_path / "a.sqlite")
    search(measure, store=tmp_path / "a.sqlite", algorithm="linas", predictor="ridge", generations=5)
    assert_same(search(measure, store=tmp_path / "a.sqlite", **other), search(measure, **other))


def test_another_latency_table_is_another_search(tmp_path, n_asks):
    for sign in (1, -1, 1):
        exact = replace(LATENCY, exact=lambda genotypes, sign=sign: sign * measure(genotypes)[:, 1])
        how = {"objectives": [ACCURACY, exact], "evaluate": lambda genotypes: measure(genotypes)[:, :1]}
        assert_same(search(**how, store=tmp_path / "a.sqlite"), search(**how))
    assert n_asks == [4 * 5]


def test_an_algorithm_of_another_version_searches_again(tmp_path, monkeypatch, n_asks):
    search(measure, store=tmp_path / "a.sqlite")
    monkeypatch.setattr(ALGORITHMS["nsga2"], "version", ALGORITHMS["nsga2"].version + 1)
    search(measure, store=tmp_path / "a.sqlite")
    assert n_asks == [8]


def test_an_algorithm_or_a_predictor_of_the_users_is_always_asked(tmp_path, monkeypatch):
    asked = []

    class Mine(NSGA2):
        def ask(self):
            asked.append(len(asked))
            return super().ask()

    def forest():
        asked.append(len(asked))
        return PREDICTORS["ridge"]()

    monkeypatch.setitem(ALGORITHMS, "mine", Mine)
    monkeypatch.setitem(PREDICTORS, "forest", forest)
    for how in ({"algorithm": "mine"}, {"algorithm": "linas", "predictor": "forest", "generations": 5}):
        asked.clear()
        search(measure, store=tmp_path / "a.sqlite", **how)
        n_first = len(asked)
        search(measure, store=tmp_path / "a.sqlite", **how)
        assert len(asked) == 2 * n_first > 0


def test_what_a_search_is_kept_by_is_told(tmp_path):
    with pytest.raises(TypeError, match="a file keeps numbers, texts.*; got History"):
        search_fingerprint(SPACE, [ACCURACY], [search(measure)])
    assert search_fingerprint(SPACE, [], [np.int64(1), np.arange(3)]) == search_fingerprint(SPACE, [], [1, [0, 1, 2]])
    assert len({search_fingerprint(SPACE, [], [np.arange(5000) == i]) for i in (1, 2500)}) == 2
    other = SearchSpace([*SPACE.choices[:-1], replace(SPACE.choices[-1], name="other")])
    assert search_fingerprint(SPACE, [], []) != search_fingerprint(other, [], [])


def test_who_watches_sees_a_finished_search_made_again(tmp_path, n_asks):
    search(measure, store=tmp_path / "a.sqlite")
    seen = []
    search(measure, store=tmp_path / "a.sqlite", watch=lambda history: seen.append(len(history)))
    assert seen == [12, 24, 36, 40] and n_asks == [8]


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: b"",
        lambda kept: kept[:-7],
        lambda kept: kept[:-1] + bytes([1 - kept[-1]]),
        lambda kept: packed(SPACE, np.full((40, 7), 9)),
        lambda kept: packed(SPACE, np.zeros((1, 5), dtype=int)),
        lambda kept: "text",
        lambda kept: 1.5,
    ],
    ids=["empty", "cut", "another gene", "no genes", "too short", "text", "number"],
)
def test_a_kept_search_that_is_damaged_is_made_again(tmp_path, damage, n_asks):
    history = search(measure, store=tmp_path / "a.sqlite")
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection, connection:
        (kept,) = connection.execute("SELECT genotypes FROM searches").fetchone()
        connection.execute("UPDATE searches SET genotypes = ?", (damage(kept),))
    assert_same(search(measure, store=tmp_path / "a.sqlite"), history)
    assert_same(search(measure, store=tmp_path / "a.sqlite"), history)
    assert n_asks == [8]


def test_algorithms_and_seeds_share_measurements(tmp_path):
    space = SPACE.restrict({f"kernel{i}": (3,) for i in range(3)})  # 27 sub-networks
    total = 0
    for algorithm, seed in [("random", 0), ("random", 1), ("nsga2", 0)]:
        evaluate = Recording()
        optimize(space, evaluate, BOTH, algorithm, 20, seed, tmp_path / "a.sqlite", population=6, progress=False)
        total += len(evaluate.calls)
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM evaluations").fetchone() == (total,)
        assert connection.execute("SELECT algorithm, seed FROM studies WHERE finished_at NOTNULL").fetchall() == [
            ("random", 0), ("random", 1), ("nsga2", 0)
        ]  # fmt: skip
    assert total <= 27


def test_another_latency_table_reuses_measured_accuracies(tmp_path):
    def table(factor):
        return Objective("latency_ms", "min", "ms", exact=lambda genotypes: factor * measure(genotypes)[:, 1])

    first, second = (Recording() for _ in range(2))
    first_accuracy = lambda g: first(g)[:, 0]  # noqa: E731
    second_accuracy = lambda g: second(g)[:, :1]  # noqa: E731
    one = search(first_accuracy, objectives=[ACCURACY, table(1)], store=tmp_path / "a.sqlite")
    two = search(second_accuracy, objectives=[ACCURACY, table(10)], store=tmp_path / "a.sqlite")
    assert not second.calls
    np.testing.assert_array_equal(two.genotypes, one.genotypes)
    np.testing.assert_allclose(two.values, one.values * [1, 10])


def test_other_settings_of_the_measurement_are_refused(tmp_path):
    search(Recording(weights="abc"), store=tmp_path / "a.sqlite")
    with pytest.raises(StoreError, match=r"settings\['weights'\] \('abc' in the file, 'xyz' here\)"):
        search(Recording(weights="xyz"), store=tmp_path / "a.sqlite")


def test_a_measurement_that_breaks_loses_nothing(tmp_path):
    evaluate = Recording(fail_from=17)
    with pytest.raises(
        EvaluationError, match="12 of the last 12 evaluations failed; the last error: RuntimeError: the device went"
    ):
        search(evaluate, store=tmp_path / "a.sqlite")
    rest = Recording()
    assert_same(search(rest, store=tmp_path / "a.sqlite"), search(measure))
    assert len(evaluate.calls) == 17 and len(rest.calls) == 40 - 17


@pytest.mark.parametrize("chunk_size", [None, 1, 3])
def test_a_measurement_that_never_works_is_told_soon(chunk_size):
    evaluate = Recording(fail_from=0)
    with pytest.raises(EvaluationError, match="the device went away") as raised:
        search(evaluate, chunk_size=chunk_size)
    assert isinstance(raised.value.__cause__, RuntimeError) and evaluate.n_calls == {None: 1, 1: 12, 3: 4}[chunk_size]
    with pytest.raises(EvaluationError, match="all 5 evaluations failed"):
        search(lambda genotypes: measure(genotypes) * np.nan, budget=5, population=12)


def fails_for_some(genotypes):
    """Values where the second gene is not 0; an exception for (0, 0), infinity for (1, 0), NaN for (2, 0)."""
    values = measure(genotypes)
    values[(genotypes[:, 0] == 1) & (genotypes[:, 1] == 0), 1] = np.inf
    values[(genotypes[:, 0] == 2) & (genotypes[:, 1] == 0), 0] = np.nan
    if ((genotypes[:, 0] == 0) & (genotypes[:, 1] == 0)).any():
        raise MemoryError("too large")
    return values


@pytest.mark.filterwarnings("ignore:.* evaluations failed")
def test_failures_are_recorded_survived_and_replayed(tmp_path, n_asks):
    with pytest.warns(
        UserWarning, match=r"\d+ of 40 evaluations failed; the last error: .*(too large|nan for 'acc|inf for 'lat)"
    ):
        history = search(fails_for_some, store=tmp_path / "a.sqlite")
    assert len(history) == 40 and 0 < history.failed.sum() < 40
    np.testing.assert_array_equal(history.failed, history.genotypes[:, 1] == 0)
    np.testing.assert_array_equal(history.values[~history.failed], measure(history.genotypes[~history.failed]))
    assert np.isnan(history.values[history.failed]).all()
    again, n_first = Recording(), n_asks[0]
    assert_same(search(again, store=tmp_path / "a.sqlite"), history)
    assert not again.calls and n_asks == [2 * n_first]  # as it may be told to try them again
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        reasons = {row[0] for row in connection.execute("SELECT reason FROM failures")}
    expected = {
        "MemoryError: too large",
        "evaluate returned inf for 'latency_ms'",
        "evaluate returned nan for 'accuracy_top1'",
    }
    assert reasons <= expected and len(reasons) > 1


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(3)], ids=["here", "threads"])
@pytest.mark.parametrize("returned", [RuntimeError("out of memory"), np.nan])
def test_failures_are_tried_again(tmp_path, executor, returned):
    tries = {}

    def evaluate(genotypes):
        """Every row fails twice."""
        for key in genotype_keys(genotypes):
            tries[key] = tries.get(key, 0) + 1
        again = np.array([tries[key] <= 2 for key in genotype_keys(genotypes)])
        if isinstance(returned, Exception) and again.any():
            raise returned
        return np.where(again[:, None], returned if isinstance(returned, float) else 0.0, measure(genotypes))

    assert_same(search(evaluate, executor=executor, store=tmp_path / "a.sqlite", chunk_size=4, retries=2), search(measure))
    assert set(tries.values()) == {3}
    with pytest.raises(EvaluationError, match="12 of the last 12 evaluations failed"):
        search(Recording(fail_from=0), executor=executor, retries=1)


def test_rows_that_succeed_are_not_tried_again_with_those_that_fail():
    seen = []

    def evaluate(genotypes):
        seen.append(len(genotypes))
        values = measure(genotypes)
        values[1:] = np.nan
        return values

    history = search(evaluate, budget=3, population=3, retries=2)
    assert seen == [3, 2, 1] and not history.failed.any()


def test_the_search_ends_when_a_share_fails(tmp_path):
    def most_fail(genotypes, turn=count()):  # noqa: B008
        if next(turn) % 4:
            raise RuntimeError("too large")
        return measure(genotypes)

    with pytest.raises(EvaluationError, match="9 of the last 12 evaluations failed; the last error: RuntimeError: too large"):
        search(most_fail, chunk_size=1, max_failed=0.7)
    with pytest.warns(UserWarning, match="30 of 40 evaluations failed"):
        search(most_fail, chunk_size=1, max_failed=0.8)


@pytest.mark.filterwarnings("ignore:.* evaluations failed")
def test_an_exception_fails_the_rows_of_its_call_only():
    def evaluate(genotypes, turn=count()):  # noqa: B008
        if next(turn) == 1:
            raise RuntimeError("worker died")
        return measure(genotypes)

    history = search(evaluate, chunk_size=5)
    np.testing.assert_array_equal(np.flatnonzero(history.failed), range(5, 10))


@pytest.mark.filterwarnings("ignore:.* evaluations failed")
def test_algorithms_learn_values_and_failures_apart():
    told, failed = [], []

    class Spy(ALGORITHMS["random"]):
        def _learn(self, genotypes, values):
            told.append((genotypes, values))

        def _learn_failed(self, genotypes):
            failed.append(genotypes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ALGORITHMS, "spy", Spy)
        history = search(fails_for_some, algorithm="spy", chunk_size=1)
    np.testing.assert_array_equal(np.concatenate([rows for rows, _ in told]), history.genotypes[~history.failed])
    assert np.isfinite(np.concatenate([values for _, values in told])).all()
    np.testing.assert_array_equal(np.concatenate(failed), history.genotypes[history.failed])


def test_an_interrupt_leaves_the_store_good(tmp_path):
    def interrupted(genotypes, seen=[]):  # noqa: B006
        seen.append(1)
        if len(seen) == 9:
            raise KeyboardInterrupt
        return measure(genotypes)

    with pytest.raises(KeyboardInterrupt):
        search(interrupted, store=tmp_path / "a.sqlite")
    rest = Recording()
    assert_same(search(rest, store=tmp_path / "a.sqlite"), search(measure))
    assert len(rest.calls) == 40 - 8


@pytest.mark.parametrize("chunk_size", [None, 5])
def test_threads_give_the_same_history(tmp_path, chunk_size):
    def uneven(genotypes):
        time.sleep(0.002 * float(genotypes[0, 1]))
        return measure(genotypes)

    with ThreadPoolExecutor(4) as executor:
        assert_same(search(uneven, executor=executor, chunk_size=chunk_size), search(measure))
        stored = search(uneven, executor=executor, chunk_size=chunk_size, store=tmp_path / "a.sqlite")
    assert_same(stored, search(measure))


def test_processes_give_the_same_history():
    evaluate = partial(np.dot, b=np.arange(14).reshape(7, 2))
    with ProcessPoolExecutor(2) as executor:
        assert_same(search(evaluate, executor=executor, chunk_size=6, budget=24), search(evaluate, budget=24))


def test_a_failure_in_an_executor_keeps_what_still_runs(tmp_path):
    started = Barrier(3, timeout=300)
    failed = Event()

    def evaluate(genotypes, order=count()):  # noqa: B008
        turn = next(order)
        if turn < 3:
            started.wait()
        if turn == 0:
            failed.set()
            return measure(genotypes)[:, :1]
        failed.wait(300)
        time.sleep(0.05)
        return measure(genotypes)

    with ThreadPoolExecutor(3) as executor, pytest.raises(ValueError, match=r"and returned \(1, 1\)"):
        search(evaluate, store=tmp_path / "a.sqlite", executor=executor)
    rest = Recording()
    assert_same(search(rest, store=tmp_path / "a.sqlite"), search(measure))
    assert len(rest.calls) <= 40 - 2


@pytest.mark.filterwarnings("ignore:.* evaluations failed")
def test_failures_in_an_executor_are_those_of_here():
    with ThreadPoolExecutor(3) as executor:
        assert_same(search(fails_for_some, executor=executor), search(fails_for_some, chunk_size=1))


def kill_the_worker(genotypes):
    os._exit(1)


def test_an_executor_that_breaks_is_no_failed_evaluation():
    with ProcessPoolExecutor(1) as executor, pytest.raises(EvaluationError, match="lost its workers .*outlives") as raised:
        search(kill_the_worker, executor=executor)
    assert isinstance(raised.value.__cause__, BrokenExecutor)


def test_the_best_of_another_search_come_first(tmp_path):
    past = search(measure, algorithm="random", seed=4)
    other = [ACCURACY, Objective("latency_ms", "min", "ms", exact=lambda genotypes: -measure(genotypes)[:, 1])]
    history = optimize(SPACE, lambda g: measure(g)[:, 0], other, "nsga2", 30, population=12, warm_start=past, progress=False)
    np.testing.assert_array_equal(history.genotypes[:12], past.best(12).genotypes)
    front = past.front()
    assert set(map(bytes, front.genotypes[:12])) <= set(map(bytes, history.genotypes[:12]))
    few = SPACE.sample(3, np.random.default_rng(0))
    started = search(measure, warm_start=few, store=tmp_path / "a.sqlite")
    np.testing.assert_array_equal(started.genotypes[:3], few)
    again = Recording()
    assert_same(search(again, warm_start=few, store=tmp_path / "a.sqlite"), started)
    assert not again.calls


def test_a_warm_start_may_come_from_another_restriction_but_not_from_another_space():
    past = search(measure, algorithm="random")
    space = SPACE.restrict({"kernel0": (5, 7)})
    history = optimize(space, measure, BOTH, "random", 20, population=12, warm_start=past, progress=False)
    assert history.genotypes[:, 0].min() == 1 and len(np.unique(history.genotypes, axis=0)) == 20
    with pytest.raises(ValueError, match="is a search of another space"):
        optimize(SearchSpace(SPACE.choices[:2]), measure, BOTH, warm_start=past)
    with pytest.raises(ValueError, match="out of range"):
        search(measure, warm_start=np.full((1, 7), 9))


def test_bounds_that_nothing_keeps_are_told_with_the_nearest_miss():
    objectives = [replace(ACCURACY, at_least=99.0), LATENCY]
    with pytest.warns(UserWarning, match="no measured sub-network has accuracy_top1 >= 99.0; the nearest has accuracy_top1 7"):
        history = search(measure, objectives=objectives)
    assert history.nearest_miss().values[0, 0] == history.values[:, 0].max() and len(history.front()) == 0


LOGGED_SEARCH = """
import os, sys, time
import numpy as np
from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.studies import Running, optimize
from nastoolkit.studies.failures import EvaluationError
from nastoolkit.space import Choice, SearchSpace, genotype_keys

store, log, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
space = SearchSpace([Choice(f"c{i}", (3, 5, 7)) for i in range(10)])

def evaluate(genotypes):
    time.sleep(pause)
    with open(log, "a") as file:
        file.writelines(" ".join(map(str, row)) + "\\n" for row in genotypes.tolist())
    return 70 + np.stack([(genotypes**2) @ np.arange(10), genotypes @ np.ones(10, dtype=int)], axis=1) / 7

objectives = [Objective("accuracy_top1", "max"), Objective("latency_ms", "min")]
history = optimize(space, evaluate, objectives, "linas", 60, population=15, generations=5, store=store, progress=False)
print(history.genotypes.tobytes().hex(), history.values.tobytes().hex())
"""


def run_logged(store, log, pause):
    command = [sys.executable, "-c", LOGGED_SEARCH, str(store), str(log), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_search_resumes_to_the_identical_history(tmp_path):
    undisturbed = run_logged(tmp_path / "whole.sqlite", tmp_path / "whole.log", 0)
    expected = undisturbed.communicate(timeout=900)[0]
    store, log = tmp_path / "a.sqlite", tmp_path / "a.log"
    n_kills = 2
    for kill in range(n_kills):
        process = run_logged(store, log, 0.03)
        while not log.exists() or len(log.read_text().splitlines()) < 20 * kill + 1:
            assert process.poll() is None, "the search ended before the kill"
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    resumed = run_logged(store, log, 0)
    assert resumed.communicate(timeout=900)[0] == expected != ""
    measured = log.read_text().splitlines()
    assert len(set(measured)) == 60
    assert len(measured) <= 60 + n_kills  # a kill may fall between a measurement and its transaction


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (
            lambda g: measure(g)[:, :1],
            r"must return shape \(12, 2\) for 12 genotypes, columns .*accuracy_top1.*, and returned \(12, 1\)",
        ),
        (lambda g: measure(g).T, r"and returned \(2, 12\)"),
        (lambda g: measure(g[:5]), r"and returned \(5, 2\)"),
    ],
)
def test_values_of_a_wrong_shape(returned, message):
    with pytest.raises(ValueError, match=message):
        search(returned)


def test_one_objective_may_come_as_a_vector():
    history = search(lambda genotypes: measure(genotypes)[:, 0], objectives=[ACCURACY])
    np.testing.assert_array_equal(history.values, measure(history.genotypes)[:, :1])


def test_negative_zero_replays_identically(tmp_path):
    def evaluate(genotypes):
        return np.full((len(genotypes), 2), -0.0)

    first = search(evaluate, store=tmp_path / "a.sqlite")
    assert_same(search(evaluate, store=tmp_path / "a.sqlite"), first)
    assert_same(search(evaluate), first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algorithm": "gradient descent"}, r"unknown algorithm 'gradient descent'; known: agemoea, .*linas, "),
        ({"generation": 5}, r"'nsga2' has no settings \['generation'\]; it has \["),
        ({"algorithm": "linas", "generation": 5}, r"it has \['predictor', 'generations', 'inner'\]"),
        ({"budget": 0}, "budget must be at least 1, got 0"),
        ({"population": -1}, "population must be at least 1, got -1"),
        ({"chunk_size": 0}, "chunk_size must be at least 1, got 0"),
        ({"in_flight": 0}, "in_flight must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"retries": -1}, "retries must be at least 0, got -1"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"max_failed": 0}, "max_failed must be above 0 and at most 1, got 0"),
        ({"objectives": []}, "needs objectives"),
        ({"evaluate": None}, r"evaluate is None, but \['accuracy_top1', 'latency_ms'\]"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        search(arguments.pop("evaluate", measure), store=tmp_path / "a.sqlite", **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["budget", "population", "seed", "retries", "chunk_size"])
def test_counts_from_numpy_are_counts_and_nothing_else_is(tmp_path, name):
    number = {"budget": 20, "population": 6, "seed": 3, "retries": 1, "chunk_size": 4}[name]
    for kind in (int, np.int64, np.uint8):
        history = search(measure, **{"budget": 18, name: kind(number)}, store=tmp_path / "a.sqlite")
        assert_same(history, search(measure, **{"budget": 18, name: number}))
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        assert len(connection.execute("SELECT DISTINCT seed, settings FROM studies").fetchall()) == 1
    for wrong in (None, 20.0, "20") if name != "chunk_size" else (20.0, "20"):
        with pytest.raises(TypeError, match=f"{name} must be a whole number, got {wrong!r}"):
            search(measure, **{name: wrong})


def test_settings_from_numpy_are_those_of_python(tmp_path):
    how = {"algorithm": "linas", "budget": 20, "store": tmp_path / "a.sqlite"}
    assert_same(search(measure, **how, generations=np.int64(3)), search(measure, **how, generations=3))


def test_progress_counts_evaluations_and_replays(tmp_path, capsys):
    search(measure, store=tmp_path / "a.sqlite", budget=5)
    assert capsys.readouterr().err == ""
    search(measure, store=tmp_path / "a.sqlite", progress=True)
    last = capsys.readouterr().err.split("\r")[-1]
    assert "nsga2: 100%" in last and "40/40" in last and "replayed=5" in last
