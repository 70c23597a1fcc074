"""Labels that are few and wrong, the shortcut, and a job with all arms; the search ends with fronts of both algorithms."""

import numpy as np
import pytest

from nastoolkit.systems.netfound.comparison import (
    BOOSTED,
    CHUNKS,
    CLEAN,
    FLAT,
    FROZEN,
    LONGER,
    PLANTED,
    PRETRAINED,
    PRETRAINING,
    REMOVED,
    SCRATCH,
    Trial,
    compare,
    family_for,
    few_labels,
    flows_of,
    planted,
    search,
)
from nastoolkit.tasks import TASKS
from nastoolkit.tasks.flow_simulator import simulated
from nastoolkit.tasks.flow_task import FlowTask
from nastoolkit.training import Recipe

SIZES = {"bursts": [2, 3], "packets": [1, 2], "places": [12], "facts": [0, 1], "among": [0, 1], "layers": [1, 2]}
SIZES |= {"heads": [1], "ffn": [8], "dim": 8, "head_dim": 8, "hidden": 8}
RECIPE = {"n_steps": 2, "batch_size": 4, "learning_rate": 0.01}
JOB = {"task_name": "few-flows", "seed": 1, "sizes": SIZES, "pretraining": RECIPE, "tuning": RECIPE, "per_class": 3}
JOB |= {"device": "cpu"}


@pytest.fixture
def few_flows(monkeypatch):
    class FewFlows(FlowTask):
        def __init__(self):
            super().__init__("few-flows", "")

        def divided(self):
            splits = {name: simulated(48, [number]) for number, name in enumerate(("train", "validation", "test"))}
            return splits, splits["train"]

    monkeypatch.setitem(TASKS, "few-flows", FewFlows)


def test_few_labels_are_the_same_flows_and_wrong_ones_stay_wrong():
    targets = np.random.default_rng(0).integers(0, 4, 1000)
    (rows, clean), (same, some), (again, more) = (few_labels(targets, 50, noise, 3) for noise in (0.0, 0.2, 0.4))
    assert np.array_equal(rows, same) and np.array_equal(rows, again) and np.array_equal(clean, targets[rows])
    assert np.bincount(clean).tolist() == [50] * 4 and len(set(rows.tolist())) == 200
    assert (some != clean).mean() == pytest.approx(0.2, abs=0.07) and (more != clean).mean() == pytest.approx(0.4, abs=0.07)
    assert ((more != clean) | (some == clean)).all() and set(more.tolist()) == {0, 1, 2, 3}
    assert len(few_labels(np.array([0, 0, 1]), 50, 0.4, 0)[0]) == 3


def test_the_shortcut_is_in_every_packet_and_nothing_else_changes():
    flows = simulated(40, [0])
    classes = np.unique(flows.label).tolist()
    found = planted(flows, classes)
    assert np.array_equal(found.header[:, 5], 48 + np.searchsorted(classes, flows.label)[flows.flow])
    others = np.arange(13) != 5
    assert np.array_equal(found.header[:, others], flows.header[:, others]) and len(set(found.header[:, 5])) == 8


def test_a_job_has_all_arms_and_repeats(few_flows):
    rows = compare(**JOB, noises=[0.0, 0.4], is_whole=True)
    assert rows[0]["arm"] == PRETRAINING
    arms = [(row["arm"], row["noise"], row["data"]) for row in rows[1:]]
    wanted = {(arm, noise, CLEAN) for arm in (PRETRAINED, SCRATCH, BOOSTED) for noise in (0.0, 0.4)}
    wanted |= {(arm, 0.0, data) for arm in (PRETRAINED, SCRATCH) for data in (PLANTED, REMOVED)}
    assert set(arms) == wanted | {(arm, 0.0, CLEAN) for arm in (LONGER, FLAT, CHUNKS, FROZEN)} and len(arms) == len(set(arms))
    assert all(0 <= row["f1"] <= 100 for row in rows[1:])
    few = [row["f1"] for row in compare(**JOB, noises=[0.0, 0.4], is_whole=False)[1:]]
    assert few == [row["f1"] for row in rows[1 : 1 + len(few)]] and len(few) == 7


def test_chunks_have_as_many_words_of_their_own(few_flows):
    trial = Trial(flows_of("few-flows"), SIZES, Recipe(**RECIPE), Recipe(**RECIPE), 3, "cpu")
    flows = trial.task.unlabelled
    tokens, others = (trial.examples(flows, cut).inputs[0] for cut in (True, False))
    words = trial.words_of_chunks
    own = tokens >= 2 + len(words.common)
    assert len(words) == len(trial.task.words) and 0 < own.float().mean() < 0.2 and not tokens.equal(others)


def test_a_search_has_fronts_of_both_algorithms(few_flows):
    rows = search(**JOB, budget=6)
    assert {row["algorithm"] for row in rows} == {"linas", "random"}
    for row in rows:
        assert row["mmacs"] > 0 and 0 <= row["f1"] <= 100 and row["bursts"] in (2, 3)


def test_sizes_that_flows_do_not_have_are_told(few_flows):
    with pytest.raises(ValueError, match=r"of inputs are \(6, 3, 18\), and options are up to \(7, 2, 12\)$"):
        family_for(flows_of("few-flows"), SIZES | {"bursts": [7]})


def test_a_task_without_flows_is_told():
    with pytest.raises(ValueError, match="^networks of this system see flows, and task 'digits' has none$"):
        flows_of("digits")
