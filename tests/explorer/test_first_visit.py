import time
from concurrent.futures import Future

import numpy as np
import pytest

from nastoolkit import TASKS, load_supernet
from nastoolkit.explorer import Explorer, Model, Spaces, Times, first_model
from nastoolkit.explorer.machine_times import MachineTimes
from nastoolkit.explorer.model import genes_of
from nastoolkit.explorer.spaces import SPACES
from nastoolkit.explorer.stored import N_DRAWN, Stored, stored_for
from nastoolkit.families import FAMILIES


@pytest.fixture(scope="module")
def stored():
    return Stored(FAMILIES["digits-mbv3"]())


@pytest.fixture
def first(tmp_path):
    """The model of a first visit."""
    return first_model("digits-mbv3", "", "digits", Times(["torch 1 1"], tmp_path, 1, 0.5))


@pytest.fixture
def take_at_once(monkeypatch):
    """Tables are made in this process, and wait for nothing; ``broken`` settings fail."""

    def submit(self, take, text, family, folder, n_contexts, seconds):
        done = Future()
        if text.startswith("onnxruntime"):
            done.set_exception(RuntimeError("it has no such operator"))
        else:
            done.set_result(take(text, family, folder, n_contexts, seconds))
        return done

    monkeypatch.setattr("nastoolkit.explorer.machine_times.Processes.submit", submit)


def test_the_first_model_has_stored_networks_and_shows_the_best_within_the_budget(first):
    assert first.hardware == first.stored.name and "stored" in first.hardware
    assert len(first.measured) >= N_DRAWN and first.accuracy_measured == first.within_budget().values[0, 0]
    whole = first.stored.genotypes_within(first.space)
    best = first.stored.evaluate(whole)[first.table.latency_ms(whole) <= first.budget].max()
    assert first.accuracy_measured == best


def test_the_front_is_that_of_all_stored_networks_under_every_cost(first):
    whole = first.stored.genotypes_within(first.space)
    accuracies = first.stored.evaluate(whole)[:, 0]
    for cost in ("latency_ms", "mmacs", "params"):
        first.cost = cost
        costs = first.cost_of(whole)
        for accuracy, value in first.study.front().values:
            assert accuracies[costs <= value].max() == accuracy


def test_a_network_that_is_stored_has_its_accuracy_though_it_is_not_drawn(first, stored):
    drawn = set(first.measured)
    hidden = next(genotype for genotype in stored.genotypes_within(first.space) if genes_of(genotype) not in drawn)
    first.show(hidden)
    assert first.accuracy_measured == stored.evaluate(hidden[None])[0, 0]
    first.show(first.space.largest)
    assert stored.accuracy(first.genotype) is None and first.accuracy_measured is None


@pytest.mark.slow
def test_what_is_stored_is_what_the_page_would_measure(first):
    genotype = first.space.repair(first.stored.space.smallest[None])[0]
    assert first.accuracy(genotype)[0, 0] == first.stored.accuracy(genotype)


def test_other_weights_and_other_tasks_have_nothing_stored(supernet_of):
    assert stored_for(load_supernet("digits-mbv3"), TASKS["digits"]()) is not None
    assert stored_for(supernet_of(FAMILIES["digits-mbv3"]()), TASKS["digits"]()) is None


def test_without_a_task_there_is_a_model_without_tables(tmp_path):
    model = first_model("digits-resnet50", "", "", Times([], tmp_path, 1, 0.5))
    assert model.tables == {} and model.accuracy is None and model.stored is None


def test_this_machines_times_are_offered_and_used_when_asked_for(tiny, table_of, tmp_path, take_at_once):
    model = Model(tiny, {"stored": table_of(tiny)})
    page = Explorer(model, times=Times(["onnxruntime 1 1", "torch 1 1"], tmp_path, 1, 0.2))
    assert list(model.tables) == ["stored", "torch 1 1"] and model.hardware == "stored"
    assert "latencies are here: torch 1 1" in page.times.note.value and "no such operator" in page.times.note.value
    assert page.settings[0].options[-1] == ("torch 1 1", "torch 1 1")
    page.times.use.click()
    assert model.hardware == page.settings[0].value == "torch 1 1" and page.times.note.value == ""
    page.close()


def test_the_first_times_of_all_are_used_at_once_and_kept(tiny, tmp_path, take_at_once):
    model, times = Model(tiny), Times(["torch 1 1"], tmp_path, 1, 0.2)
    MachineTimes(model, times).start()
    assert model.hardware == "torch 1 1" and np.isfinite(model.table.latency_ms(tiny.space.smallest))
    again = MachineTimes(Model(tiny, model.tables), times)
    assert again.missing == []


@pytest.mark.slow
def test_times_are_taken_in_a_process_of_their_own(tmp_path):
    model = Model(FAMILIES["digits-mbv3"]())
    times = MachineTimes(model, Times(["torch 1 1"], tmp_path, 1, 0.2))
    times.start()
    times._process.shutdown(wait=True)
    assert "torch 1 1" in model.tables


def until(condition, seconds=300.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)


@pytest.mark.parametrize("name", SPACES)
def test_every_space_of_the_menu_can_be_opened_and_left(tiny, tmp_path, name):
    spaces = Spaces(Explorer(Model(tiny)), Times([], tmp_path, 1, 0.2))
    assert spaces.menu.options == ("tiny", *SPACES)
    spaces.menu.value = name
    until(lambda: not spaces.menu.disabled)
    assert spaces.note.value == "" and spaces.children[1].model.family.name == SPACES[name][0]
    assert spaces._repr_mimebundle_()["text/html"].count("explorer-card") > 1
    spaces.menu.value = "tiny"
    assert spaces.children[1].model.family is tiny and list(spaces.pages) == ["tiny", name]
    spaces.close()


def test_a_space_that_cannot_be_opened_says_why(tiny, tmp_path, monkeypatch):
    spaces = Spaces(Explorer(Model(tiny)), Times([], tmp_path, 1, 0.2))
    monkeypatch.setattr("nastoolkit.explorer.spaces.first_model", lambda *_: 1 / 0)
    spaces.menu.value = next(iter(SPACES))
    until(lambda: not spaces.menu.disabled)
    assert "ZeroDivisionError" in spaces.note.value and spaces.children[1] is spaces.page
    spaces.close()
