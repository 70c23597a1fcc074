import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from nastoolkit.explorer.compare_view import compare_html
from nastoolkit.explorer.front_view import axes_of, front_html, height_of
from nastoolkit.explorer.network_view import blocks_of, network_html
from nastoolkit.explorer.pin import Pin
from nastoolkit.explorer.shares_view import LEAST, shares_html
from nastoolkit.explorer.totals_view import shown, totals_html
from nastoolkit.figures.stairs import corners, stairs
from nastoolkit.history import History


class Balanced(HTMLParser):
    """Notes what is open at the end, and every element's attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def of_class(self, name):
        return [attributes for _, attributes in self.elements if name in (attributes.get("class") or "").split()]


def parsed(text):
    page = Balanced(text)
    assert not page.open
    return page


@pytest.fixture
def looked_at(model):
    genotypes = np.unique(model.space.sample(12, np.random.default_rng(0)), axis=0)
    quality = np.linspace(70, 80, len(genotypes))
    values = np.stack([quality, model.table.latency_ms(genotypes)], axis=1)
    model.add(History(model.space, model.objectives, genotypes, values))
    return model


def test_the_costs_of_the_blocks_add_up_to_those_of_the_network(any_model):
    family = any_model.family
    for genotype in family.space.sample(3, np.random.default_rng(0)):
        any_model.show(genotype)
        blocks = blocks_of(any_model)
        counted = [block for block in blocks if block.name not in family.uncounted]
        assert sum(block.costs.get("macs", 0) for block in blocks) == family.macs(genotype)
        assert sum(block.costs.get("params", 0) for block in counted) == family.params(genotype)


def test_every_place_of_the_network_is_a_card_in_order(any_model):
    any_model.show(any_model.space.smallest)
    cards = parsed(network_html(any_model)).of_class("explorer-card")
    assert [card["data-block"] for card in cards] == [slot.name for slot in any_model.family.slots]
    full = [card["data-block"] for card in cards if "empty" not in card["class"]]
    assert full == [name for name, _ in any_model.plan]


def test_blocks_have_the_latencies_of_the_table(model):
    model.show(model.space.smallest)
    blocks = blocks_of(model)
    assert sum(block.costs.get("latency_ms", 0) for block in blocks) == pytest.approx(model.table.latency_ms(model.genotype))
    widths = re.findall(r'explorer-bar latency_ms" style="width:([\d.]+)%', network_html(model))
    assert len(widths) == len(model.plan) and max(map(float, widths)) == 100


def test_totals_are_those_of_the_current_network(model):
    model.show(model.space.smallest)
    text = totals_html(model)
    names = [tile["data-total"] for tile in parsed(text).of_class("explorer-total")]
    assert names == ["accuracy", "latency_ms", "macs", "params"]
    latency = float(model.table.latency_ms(model.genotype))
    assert shown("latency_ms", latency) in text and shown("macs", int(model.family.macs(model.genotype))) in text
    assert "not measured" in text
    model.note_accuracy(model.genotype, 91.25)
    model.note_latency(model.genotype, "fast", 1.5 * latency)
    assert "91.25 %" in totals_html(model) and "(+50%)" in totals_html(model)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("latency_ms", 0.2141, "0.214 ms"), ("latency_ms", 61.26, "61.3 ms"), ("macs", 3490688, "3.49 M"), ("params", 88, "88")],
)
def test_numbers_are_short(name, value, text):
    assert shown(name, value) == text


def test_points_stand_where_their_values_are(looked_at):
    page = parsed(front_html(looked_at, 600))
    points = [point for point in page.of_class("point") if point["class"] == "point"]
    study = looked_at.study
    assert [point["data-genes"] for point in points] == [",".join(map(str, g)) for g in study.genotypes.tolist()]
    x, y = (np.array([float(point[key]) for point in points]) for key in ("cx", "cy"))
    assert (np.argsort(x) == np.argsort(study.values[:, 1], kind="stable")).all()
    assert (np.diff(y) < 0).all()  # better is higher
    assert ((x > 0) & (x < 600) & (y > 0) & (y < height_of(600))).all()
    assert len(page.of_class("on-front")) == len(study.front())


def test_the_fronts_are_stairs_that_keep_the_bounds(looked_at):
    quality, cost = looked_at.objectives
    study = looked_at.study
    looked_at.run = replace(study, objectives=(quality, replace(cost, at_most=float(np.median(study.values[:, 1])))))
    assert 0 < len(looked_at.run.front()) < len(study.front())
    lines = dict(re.findall(r'<polyline class="([^"]+)" points="([^"]+)"', front_html(looked_at, 600)))
    assert lines.keys() == {"front known", "front"}
    across, up = axes_of(looked_at, 600)
    for kind, history in (("front known", study), ("front", looked_at.run)):
        corner = [(across(x), up(y)) for x, y in corners(*stairs(history))]
        assert lines[kind] == " ".join(f"{x:.1f},{y:.1f}" for x, y in corner) and len(corner) == 2 * len(history.front()) - 1


def test_the_current_network_is_hollow_while_its_accuracy_is_predicted(looked_at):
    looked_at.measured = dict(list(looked_at.measured.items())[:3])
    looked_at.show(looked_at.space.largest)
    assert '<line class="current"' in front_html(looked_at)
    looked_at.note_accuracy(looked_at.genotype, 75.0)
    assert '<polygon class="current"' in front_html(looked_at)
    for genotype in looked_at.space.sample(20, np.random.default_rng(3)):
        looked_at.note_accuracy(genotype, 75.0 + genotype.sum())
    looked_at.measured = {genes: value for genes, value in looked_at.measured.items() if genes != tuple(looked_at.genotype)}
    assert '<polygon class="current predicted"' in front_html(looked_at)


def test_a_watched_search_stands_out_from_the_study(looked_at):
    looked_at.run = looked_at.study[:6]
    page = parsed(front_html(looked_at, newest=2))
    n_points = {kind: sum("cx" in element for element in page.of_class(kind)) for kind in ("run", "newest")}
    assert n_points == {"run": 6, "newest": 2} and len(page.of_class("known")) == 1


def test_the_budget_is_a_line_with_the_best_network_ringed(looked_at):
    looked_at.budget = float(np.median(looked_at.study.values[:, 1]))
    page = parsed(front_html(looked_at, 600))
    (line,) = [element for element in page.of_class("budget") if "x1" in element]
    assert float(line["x1"]) == pytest.approx(axes_of(looked_at, 600)[0](looked_at.budget), abs=0.1)
    assert len(page.of_class("best")) == 1


def test_an_empty_study_can_be_drawn(any_model, model):
    parsed(front_html(model))
    parsed(front_html(any_model, 300))


def test_two_networks_are_compared_block_by_block(model):
    assert compare_html(model) == ""
    model.pinned = model.space.smallest
    pairs = zip(blocks_of(model, model.pinned), blocks_of(model), strict=True)
    differ = {current.name for pinned, current in pairs if pinned.spec != current.spec}
    page = parsed(compare_html(model))
    cards = {card["data-block"]: card["class"] for card in page.of_class("explorer-pair")}
    assert list(cards) == [slot.name for slot in model.family.slots]
    assert {name for name, kind in cards.items() if "same" not in kind} == differ and differ
    small, large = (shown("params", float(model.family.params(g))) for g in (model.space.smallest, model.space.largest))
    assert f"params {small} → <b>{large}</b>" in compare_html(model) and "accuracy" not in compare_html(model)
    model.note_accuracy(model.pinned, 80.0)
    model.note_accuracy(model.genotype, 90.0)
    assert "accuracy_top1 80.00 → <b>90.00 %</b>" in compare_html(model)
    assert '<line class="pinned"' in front_html(model)


def test_a_network_is_pinned_and_let_go_by_buttons(model):
    pin = Pin(model)
    assert pin.unpin.layout.display == "none"
    pin.pin.click()
    model.show(model.space.smallest)
    assert model.pinned.tolist() == model.space.largest.tolist() and "explorer-pair more" not in pin.picture.html
    assert "explorer-pair less" in pin.picture.html and pin.unpin.layout.display is None
    pin.unpin.click()
    assert model.pinned is None and pin.picture.html == ""


def test_what_the_front_shares_is_counted(model):
    space = model.space
    depth, kernel = (space.names.index(name) for name in ("stage1.depth", "stage1.block1.kernel"))
    genotypes = np.unique(space.sample(40, np.random.default_rng(0)), axis=0)
    quality = 50.0 + 10 * genotypes[:, kernel] + 0.1 * model.table.latency_ms(genotypes)
    model.add(History(space, model.objectives, genotypes, np.stack([quality, model.table.latency_ms(genotypes)], axis=1)))
    front = model.study.front()
    assert len(front) >= LEAST
    page = parsed(shares_html(model))
    rows = [attributes["data-choice"] for _, attributes in page.elements if "data-choice" in attributes]
    assert "stage1.depth" in rows and "resolution" not in rows
    share = np.mean(front.genotypes[:, depth] == 0)
    assert f"{share:.0%} on the front" in shares_html(model)


def test_a_front_of_few_networks_shares_nothing_worth_saying(model):
    assert "Fewer than" in shares_html(model)
