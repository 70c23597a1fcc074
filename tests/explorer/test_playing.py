import re
import time

import numpy as np
import pytest

from nastoolkit import TASKS
from nastoolkit.explorer import Model, Times, first_model
from nastoolkit.explorer.answer_panel import AnswerPanel
from nastoolkit.explorer.answer_view import answers_html
from nastoolkit.explorer.answers import N_KEPT, Answer, Answers, can_draw
from nastoolkit.explorer.race_panel import BUDGET, N_SEEDS, RacePanel
from nastoolkit.explorer.race_run import RaceRun, Standing, Track
from nastoolkit.explorer.race_view import race_html, verdict
from nastoolkit.explorer.translation_panel import TranslationPanel
from nastoolkit.explorer.worker import Latest, Worker
from nastoolkit.measurements import Accuracy


def until(condition, seconds=300.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The model of a first visit, whose weights are trained."""
    return first_model("digits-mbv3", "", "digits", Times([], tmp_path_factory.mktemp("none"), 1, 0.5))


@pytest.fixture(scope="module")
def answers(shipped):
    return Answers(shipped.accuracy)


def test_networks_read_most_digits_that_no_training_saw(shipped, answers):
    taken = [answers.take(number) for number in range(20)]
    said = [answers.answer(shipped.space.largest, ink).label for ink, _ in taken]
    assert np.mean([label == truth for label, (_, truth) in zip(said, taken, strict=True)]) >= 0.7
    assert len({ink.tobytes() for ink, _ in taken}) == 20 and len({truth for _, truth in taken}) > 4


def test_an_answer_is_that_of_the_network_which_a_search_measures(shipped, answers):
    ink, _ = answers.take(0)
    first, again = (answers.answer(shipped.space.smallest, ink) for _ in range(2))
    np.testing.assert_array_equal(first.probabilities, again.probabilities)
    assert first.probabilities.sum() == pytest.approx(1, abs=1e-5) and first.ms > 0
    networks = answers._kept.values()
    assert len(networks) <= N_KEPT and not any(network.training for network in networks)


def test_only_the_last_networks_are_kept(tiny, measured_accuracy, monkeypatch):
    monkeypatch.setattr("nastoolkit.explorer.answers.N_KEPT", 1)
    few = Answers(measured_accuracy)
    ink, _ = few.take(0)
    for genotype in (tiny.space.smallest, tiny.space.largest):
        few.answer(genotype, ink)
    assert list(few._kept) == [tuple(tiny.space.largest.tolist())]


def test_digits_on_canvases_can_be_drawn_and_other_things_not(measured_accuracy, tiny, supernet_of):
    assert can_draw(measured_accuracy) and not can_draw(None)
    pairs = Accuracy(supernet_of(tiny), TASKS["digits"]())
    object.__setattr__(pairs, "task", TASKS["number-words"]())
    assert not can_draw(pairs)
    with pytest.raises(ValueError, match="nothing to draw for the task 'number-words'"):
        Answers(pairs)


def test_a_row_tells_what_how_sure_how_fast_and_whether_it_is_right():
    sure = Answer(np.array([0.1, 0.7, 0.2]), 1.234)
    text = answers_html({"smallest": sure, "largest": None}, (3, 5, 8), truth=5)
    assert "<b>5</b>" in text and "70% · 1.23 ms" in text and 'explorer-answer right" data-network="smallest"' in text
    assert "explorer-answer wrong" in answers_html({"smallest": sure}, (3, 5, 8), truth=3)
    assert text.count("<i") == 3 and 'data-network="largest"><b>·</b>' in text


def test_networks_answer_to_each_drawing_and_to_each_chosen_network(model):
    panel = AnswerPanel(model)
    until(lambda: not panel.latest.busy)
    assert panel._truth is not None and len(re.findall("right|wrong", panel.shown.html)) == 3
    before = panel.shown.html
    panel.sketch.drawn, panel.sketch.ink = True, np.tile([0, 0, 250, 0], 256).astype(np.uint8).tobytes()
    until(lambda: not panel.latest.busy)
    assert panel.shown.html != before and "right" not in panel.shown.html
    before = panel.shown.html
    model.show(model.space.smallest)
    until(lambda: not panel.latest.busy)
    rows = dict(re.findall(r'data-network="(\w+)"><b>(\d)</b>', panel.shown.html))
    assert rows["smallest"] == rows["chosen"] and panel.shown.html != before
    panel.clear.click()
    until(lambda: not panel.latest.busy)
    assert panel.shown.html.count("·") == 3
    panel.take.click()
    until(lambda: not panel.latest.busy)
    assert " ms" in panel.shown.html
    panel.close()


def test_what_goes_wrong_is_told_in_the_panel(model, monkeypatch):
    panel = AnswerPanel(model)
    until(lambda: not panel.latest.busy)
    monkeypatch.setattr(panel.answers, "answer", lambda *_: 1 / 0)
    panel.take.click()
    until(lambda: not panel.latest.busy)
    assert "ZeroDivisionError" in panel.shown.html
    panel.close()


def test_without_weights_there_is_nothing_to_draw(tiny):
    assert AnswerPanel(Model(tiny)).children == ()


def test_a_race_is_drawn_while_it_runs_and_says_who_is_ahead(shipped):
    panel = RacePanel(shipped)
    panel.sides[0].value, panel.sides[1].value = "nsga2", "random"
    panel.go.click()
    until(lambda: panel.run is None)
    curves = panel._standing.curves
    assert [len(side) for side in curves] == [N_SEEDS, N_SEEDS]
    assert all(len(curve) == BUDGET and (np.diff(curve) >= 0).all() for side in curves for curve in side.values())
    text = panel.picture.html
    assert text.count('class="race side0"') == text.count('class="race side1"') == N_SEEDS
    assert re.search(r"needs \d+ evaluations for what (random search|NSGA-II) reaches with 100 \(3 seeds\)", text)
    assert panel.go.description == "Race"
    panel.close()


def test_a_race_measures_hypervolume_as_a_benchmark_does(shipped):
    panel = RacePanel(shipped)
    track = panel.track
    assert isinstance(track, Track) and track.reference_point == (80.0, pytest.approx(1.05 * shipped.cost_range[1]))
    standing = Standing(("random", "random"), 20)
    run = RaceRun(track, standing, 1, 10, lambda: None, lambda _: None)
    run.start()
    run.stop()
    until(lambda: not run._thread.is_alive())
    one, other = standing.curves
    assert 10 <= len(one[0]) <= 20 and (not other or (other[0] == one[0][: len(other[0])]).all())


def test_a_verdict_waits_for_both_and_counts_what_is_saved():
    standing = Standing(("linas", "random"), 4)
    assert verdict(standing) == "" and "<svg" in race_html(standing)
    standing.curves[0][0] = np.array([1.0, 3.0, 4.0, 5.0])
    assert verdict(standing) == ""
    standing.curves[1][0] = np.array([1.0, 1.0, 2.0, 3.0])
    assert verdict(standing) == "<b>LINAS</b> needs 2 evaluations for what random search reaches with 4 (1 seed)."
    standing.curves[1][0] = np.array([1.0, 1.0, 2.0, 5.0])
    assert verdict(standing) == "Both reached the same."


def test_a_race_that_fails_says_why_and_one_that_would_take_time_is_not_offered(model, monkeypatch):
    panel = RacePanel(model)
    assert panel.track is None and panel.layout.display == "none"
    model.quality = "params"
    assert panel.layout.display is None
    monkeypatch.setattr("nastoolkit.explorer.race_run.optimize", lambda *_, **__: 1 / 0)
    panel.go.click()
    until(lambda: panel.run is None)
    assert "ZeroDivisionError" in panel.picture.html
    panel.close()


def test_of_many_requests_the_last_one_counts():
    done, worker = [], Worker()
    latest = Latest(worker)
    for number in range(50):
        latest.do(lambda number=number: number, done.append)
    until(lambda: not latest.busy)
    assert done[0] == 0 and done[-1] == 49 and done == sorted(done)
    worker.close()


@pytest.fixture(scope="module")
def translator(tmp_path_factory):
    """The model of a first visit to the networks that translate."""
    return first_model("number-words-transformer", "", "number-words", Times([], tmp_path_factory.mktemp("none"), 1, 0.5))


def test_numbers_are_read_in_german(translator):
    panel = TranslationPanel(translator)
    until(lambda: not panel.latest.busy)
    panel.number.value = 321
    until(lambda: not panel.latest.busy)
    assert "three hundred twenty-one" in panel.shown.html
    assert re.search('right" data-network="largest"><b>✓</b>.*<span>dreihunderteinundzwanzig</span>', panel.shown.html)
    before = panel.shown.html
    translator.show(translator.space.smallest)
    until(lambda: not panel.latest.busy)
    assert panel.shown.html != before
    panel.close()


def test_where_nothing_translates_there_is_no_number_to_type(model):
    assert TranslationPanel(model).children == ()
