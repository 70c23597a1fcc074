import asyncio
import time
from threading import Event, current_thread

import numpy as np
import pytest

from nastoolkit import optimize
from nastoolkit.explorer import SearchSettings, search_run
from nastoolkit.explorer.page import Explorer
from nastoolkit.explorer.search_run import SearchRun
from nastoolkit.search import ALGORITHMS


def until(condition, seconds=300.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)


@pytest.fixture
def page(model, tmp_path):
    page = Explorer(model, SearchSettings("random", budget=6, population=2, store=tmp_path / "a.sqlite"))
    yield page
    page.close()


def test_a_watched_search_is_the_search(page, model, measured_accuracy):
    page.search.play.click()
    until(lambda: page.search.run is None)
    alone = optimize(model.space, measured_accuracy, model.objectives, "random", 6, population=2, progress=False)
    np.testing.assert_array_equal(model.run.genotypes, alone.genotypes)
    np.testing.assert_array_equal(model.run.values, alone.values)
    assert "6 of 6 evaluations" in page.search.status.value
    assert model.study.genotypes.tolist() == alone.genotypes.tolist()


def test_a_search_tells_of_each_generation_all_that_was_measured(model):
    model.quality, told = "params", []
    found = optimize(model.space, None, model.objectives, "nsga2", 10, population=4, progress=False, watch=told.append)
    assert [len(history) for history in told] == [4, 8, 10]
    for history in told:
        np.testing.assert_array_equal(history.genotypes, found.genotypes[: len(history)])
        np.testing.assert_array_equal(history.values, found.values[: len(history)])


def test_a_step_is_one_generation(page, model):
    for n in (2, 4):
        page.search.step.click()
        until(lambda n=n: model.run is not None and len(model.run) == n)
        time.sleep(1.0)
        assert len(model.run) == n and page.search.newest == 2 and page.search.run.alive
    page.search.step.click()
    until(lambda: page.search.run is None)
    assert len(model.run) == 6


def test_a_pause_holds_and_a_stop_ends_and_what_was_measured_stays(page, model):
    page.search.play.click()
    until(lambda: model.run is not None)
    page.search.play.click()
    assert page.search.play.description == "Play"
    time.sleep(6.0)  # more than a generation takes
    held = len(model.run)
    time.sleep(1.0)
    assert len(model.run) == held < 6
    run = page.search.run
    page.search.stop.click()
    assert page.search.run is None and page.search.status.value == "Stopped. What was measured is kept."
    until(lambda: not run.alive)
    assert len(model.study) == held
    page.search.play.click()
    until(lambda: page.search.run is None)
    assert len(model.run) == 6


def test_a_pause_is_told_at_once_and_begins_before_the_next_network(page, model):
    page.search.play.click()
    until(lambda: page.search.status.value.startswith("Measuring"))
    page.search.play.click()
    assert page.search.status.value.startswith("Paus")
    until(lambda: page.search.status.value.startswith("Paused: "))
    begun, told = page.search.run.n_begun, page.search.status.value
    time.sleep(1.0)
    assert page.search.run.n_begun == begun and page.search.status.value == told and page.search.run.alive
    page.search.play.click()
    until(lambda: page.search.run is None)
    assert len(model.run) == 6


@pytest.mark.parametrize("trait", ["quality", "hardware"])
def test_other_objectives_end_the_search(page, model, trait):
    page.search.step.click()
    until(lambda: "of 6 evaluations" in page.search.status.value)
    run = page.search.run
    setattr(model, trait, {"quality": "params", "hardware": "slow"}[trait])
    assert page.search.run is None and model.run is None
    until(lambda: not run.alive)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_can_be_watched(model, algorithm, monkeypatch):
    monkeypatch.setattr(search_run, "MOMENT", 0.0)
    if algorithm.startswith("optuna"):
        pytest.importorskip("optuna")
    model.quality = "params"
    page = Explorer(model, SearchSettings(algorithm, budget=24, population=8))
    page.search.play.click()
    until(lambda: page.search.run is None)
    assert len(model.run) == 24, page.search.status.value
    page.close()


def test_an_error_is_told(page):
    page.search.settings = SearchSettings(store=page.search.settings.store.parent)  # a folder is no store
    page.search.play.click()
    until(lambda: "StoreError" in page.search.status.value)
    assert page.search.run is None


def test_an_unknown_algorithm_is_refused():
    with pytest.raises(ValueError, match="linas"):
        SearchSettings("lines")


def test_in_an_event_loop_everything_is_told_in_its_thread():
    threads, over = [], []

    async def watch():
        done = asyncio.Event()

        def end(error):
            over.append(error)
            threads.append(current_thread())
            done.set()

        run = SearchRun(lambda told: [told([1]), told([1, 2])], 2, lambda _: threads.append(current_thread()), end)
        run.play()
        await asyncio.wait_for(done.wait(), 300)

    asyncio.run(watch())
    assert threads == [current_thread()] * 3 and over == [None]


def test_stopping_waits_for_the_evaluation_under_way():
    begun, finished = Event(), []

    def search(_):
        begun.set()
        time.sleep(0.5)
        finished.append(True)
        run.check()
        finished.append("too much")

    over = []
    run = SearchRun(search, 2, lambda _: None, over.append)
    run.play()
    assert begun.wait(300)
    run.stop()
    assert finished == [True] and over == [None] and not run.alive
