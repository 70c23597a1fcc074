import json

import numpy as np
import onnxruntime
import pytest

from nastoolkit.explorer import Explorer, Model, SearchSettings
from nastoolkit.explorer.download import files_of
from nastoolkit.explorer.front_view import axes_of
from nastoolkit.explorer.permalink import restore, state_of
from nastoolkit.history import History


@pytest.fixture
def page(model):
    page = Explorer(model, SearchSettings())
    yield page
    page.close()


def test_a_control_redraws_network_totals_and_front(page, model):
    before = page.network.html, page.totals.html, page.front.marks
    page.choices.controls[model.space.names.index("stage1.depth")].value = 0
    after = page.network.html, page.totals.html, page.front.marks
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_the_points_of_the_front_are_drawn_again_only_when_they_move(page, model):
    page.draw_front()
    points, marks = page.front.html, page.front.marks
    model.show(model.space.smallest)
    assert page.front.html == points and page.front.marks != marks
    model.note_accuracy(model.genotype, 95.0)
    assert page.front.html != points and page.front.marks in page.front.html


def test_a_click_on_a_point_loads_it(page, model):
    page.front._handle_custom_msg({"genes": model.space.smallest.tolist()}, [])
    assert model.genotype.tolist() == model.space.smallest.tolist()
    assert page.choices.controls[1].value == model.space.smallest[1]


def test_the_budget_loads_the_best_network_within_it(page, model):
    genotypes = np.unique(model.space.sample(20, np.random.default_rng(0)), axis=0)
    values = np.stack([np.arange(len(genotypes)), model.table.latency_ms(genotypes)], axis=1)
    model.add(History(model.space, model.objectives, genotypes, values))
    page.budget.value = float(np.median(values[:, 1]))
    affordable = values[:, 1] <= page.budget.value
    assert model.genotype.tolist() == genotypes[np.where(affordable, values[:, 0], -1).argmax()].tolist()
    assert model.budget == page.budget.value


def test_the_budgets_line_can_be_dragged(page, model):
    for budget in (model.cost_range[0], float(np.mean(model.cost_range)), model.cost_range[1]):
        across = axes_of(model, page.front.width)[0](budget) / page.front.width
        page.front._handle_custom_msg({"across": across}, [])
        assert model.budget == pytest.approx(budget)
    page.front._handle_custom_msg({"across": 2.0}, [])
    assert model.budget == page.budget.max


def test_selections_and_the_model_agree(page, model):
    hardware, quality, cost = page.settings
    hardware.value = "slow"
    assert model.hardware == "slow" and page.budget.max == pytest.approx(model.cost_range[1])
    cost.value = "params"
    quality.value = "mmacs"
    assert (model.quality, model.cost, cost.value) == ("mmacs", "params", "params")
    assert [name for _, name in cost.options] == ["latency_ms", "params"]
    quality.value = "params"
    assert (model.cost, cost.value) == ("latency_ms", "latency_ms")
    assert page.budget.value == pytest.approx(np.mean(model.cost_range))


@pytest.mark.slow
def test_measuring_gives_accuracy_and_latency_of_the_network_that_was_shown(page, model, measured_accuracy):
    genotype = model.space.smallest
    model.show(genotype)
    page.measure.button.click()
    model.show(model.space.largest)
    page.worker.wait()
    assert model.accuracy_measured is None
    model.show(genotype)
    assert model.accuracy_measured == measured_accuracy(genotype)[0, 0]
    assert model.latency_measured > 0 and not page.measure.button.disabled


def test_a_measurement_that_fails_says_why(page, model, monkeypatch):
    monkeypatch.setattr(type(model.table), "time_networks", lambda *_: 1 / 0)
    page.measure.button.click()
    page.worker.wait()
    assert "ZeroDivisionError" in page.measure.note.value and not page.measure.button.disabled


@pytest.mark.slow
def test_the_files_are_the_network(page, model, measured_accuracy):
    model.show(model.space.smallest)
    page.download.button.click()
    page.worker.wait()
    files = page.download.links.files
    assert set(files) == {"tiny.onnx", "tiny.safetensors", "tiny.json"}
    card = json.loads(files["tiny.json"])
    assert card["genotype"] == model.space.smallest.tolist()
    assert card["accuracy_top1_validation"] == measured_accuracy(model.space.smallest)[0, 0]
    session = onnxruntime.InferenceSession(files["tiny.onnx"])
    inputs = measured_accuracy.task.split("validation").inputs[:3].numpy()
    assert session.run(None, {session.get_inputs()[0].name: inputs})[0].shape == (3, 10)
    model.show(model.space.largest)
    assert page.download.links.files == {}


def test_without_weights_the_card_is_what_there_is_to_save(tiny):
    model = Model(tiny)
    (name, content), *others = files_of(model, model.genotype).items()
    assert name == "tiny.json" and not others
    assert json.loads(content)["options"] == tiny.space.decode(model.genotype)


def test_every_family_has_a_page_and_a_picture_for_readers_without_a_kernel(any_model):
    page = Explorer(any_model)
    bundle = page._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"].count("explorer-card") > len(any_model.plan)
    page.close()


def test_a_link_leads_back_to_the_network_and_its_objectives(page, model):
    model.show(model.space.smallest)
    model.hardware, model.cost = "slow", "params"
    state = page.link.state
    assert state == state_of(model) and "cost=params" in state
    model.show(model.space.largest)
    model.hardware, model.cost = "fast", "latency_ms"
    page.link._handle_custom_msg({"state": state}, [])
    assert model.genotype.tolist() == model.space.smallest.tolist()
    assert (model.hardware, model.cost, page.link.problem) == ("slow", "params", "")


@pytest.mark.parametrize("state", ["", "network=", "network=1.2", "network=1.-1", "hardware=none&network=x", "%%%"])
def test_a_link_that_names_no_network_says_so_and_changes_nothing(model, state):
    before = model.genotype.tolist()
    assert "names no network of tiny" in restore(model, state)
    assert model.genotype.tolist() == before and model.hardware == "fast"


def test_genes_of_a_link_outside_the_space_move_into_it(model):
    assert restore(model, "network=" + ".".join(["99"] * model.space.n_genes)) == ""
    assert model.space.check(model.genotype[None]).shape == (1, model.space.n_genes)


def test_a_link_of_another_family_is_left_alone(model):
    before = model.genotype.tolist()
    assert restore(model, "family=other&network=1.2") == "" and model.genotype.tolist() == before
