"""Ways to fine-tune a pre-trained network, on tiny networks; and what is made of their rows."""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest

from nastoolkit import FAMILIES, TASKS, load_task
from nastoolkit.families.bert import SMALL, BertFamily
from nastoolkit.families.masked_bert import MaskedBertFamily
from nastoolkit.supernets import Supernet, save_supernet
from nastoolkit.systems.instatune import comparison, elastic_space
from nastoolkit.systems.instatune.comparison import (
    ALONE,
    CUT,
    DISTILLED,
    FRONT,
    FULL,
    GAMMAS,
    HALF,
    PLAIN,
    RANDOM,
    TAUGHT,
    TAUGHT_FIRST,
    compare,
    cut_by_hand,
    judged,
    pretrain,
    pretrained,
)
from nastoolkit.tasks.help_topics import HelpTopics
from nastoolkit.tasks.masked_words import MaskedWords

TABLE = replace(SMALL, dim=16, dims=(8, 16), head_dim=8, layers=(1, 2), heads=(1, 2), ffn=(8, 16))
SPENT = {"training": {"n_steps": 4, "batch_size": 4}, "alpha": 0.3, "n_networks": 2, "budget": 3, "population": 3}


class Few(HelpTopics):
    """An eighth of the pieces."""

    def read(self):
        return {name: split[::8] for name, split in super().read().items()}


@pytest.fixture
def start(monkeypatch, tmp_path):
    """Where a tiny network begins, which is trained on masked words in two steps."""
    for name, make in (("text-bert", BertFamily), ("text-bert-words", MaskedBertFamily)):
        monkeypatch.setitem(FAMILIES, name, partial(make, name, TABLE))
    for name, task in (("help-topics", Few()), ("masked-words", MaskedWords())):
        monkeypatch.setitem(TASKS, name, lambda task=task: task)  # read once
    training = {"n_steps": 2, "batch_size": 4, "seed": 0}
    values = {"family_name": "text-bert-words", "checkpoint": "", "task_name": "masked-words", "training": training}
    return {**values, "folder": str(tmp_path / "pretrained")}


def test_pretraining_is_done_once_and_kept_by_its_settings(start, monkeypatch):
    first = pretrained(**start).fingerprint
    (row,) = pretrain(start, "help-topics")
    assert 0 <= row["told"] <= 100
    n_steps = []
    monkeypatch.setattr(MaskedWords, "batch", lambda *_: n_steps.append(1))
    assert pretrained(**start).fingerprint == first and not n_steps


def test_another_seed_is_another_pretrained_network(start):
    other = {**start, "training": {**start["training"], "seed": 1}}
    assert pretrained(**start).fingerprint != pretrained(**other).fingerprint


def test_a_file_is_taken_as_it_is_if_its_tokens_are_those_of_the_task(start, tmp_path):
    supernet = Supernet(FAMILIES["text-bert-words"](), seed=3)
    supernet.vocabulary = load_task("help-topics").vocabulary.fingerprint
    of_file = {**start, "checkpoint": str(save_supernet(supernet, tmp_path / "words.safetensors"))}
    assert pretrained(**of_file).fingerprint == supernet.fingerprint
    assert np.isnan(pretrain(of_file, "help-topics")[0]["told"])
    supernet.vocabulary = "another"
    save_supernet(supernet, tmp_path / "words.safetensors")
    with pytest.raises(ValueError, match=r"^the supernet was trained on tokens of another vocabulary than that of task 'help"):
        pretrain(of_file, "help-topics")


def test_a_task_without_classes_is_refused(start, tmp_path):
    with pytest.raises(ValueError, match=r"^task 'masked-words' has no classes to tell apart$"):
        compare(start, "masked-words", 0, **SPENT, device="cpu", folder=str(tmp_path / "kept"))


def test_every_way_has_its_rows_and_a_killed_job_goes_on(start, monkeypatch, tmp_path):
    job = partial(compare, start, "help-topics", 1, **SPENT, device="cpu", folder=str(tmp_path / "kept"))
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(comparison, "InstaTuneLoss", _interrupted(comparison.InstaTuneLoss, 6))
        job()
    assert list((tmp_path / "kept").iterdir())
    found = job()
    assert not list((tmp_path / "kept").iterdir())
    pd.testing.assert_frame_equal(found, job())
    sizes = found.groupby(["way", "stage"]).size()
    assert all(sizes[way, FULL] == 1 for way in (PLAIN, DISTILLED, CUT))
    assert all(sizes[way, stage] == 2 for way in GAMMAS for stage in (HALF, FULL))
    networks = found[found.stage != FRONT].groupby(["way", "stage"]).mmacs.apply(tuple)
    assert len({networks[way, stage] for way in GAMMAS for stage in (HALF, FULL)}) == 1
    half = found[(found.stage == HALF) & found.way.isin([TAUGHT, TAUGHT_FIRST])]
    assert half[half.way == TAUGHT].test.tolist() == half[half.way == TAUGHT_FIRST].test.tolist()
    _check_costs(found)


def _interrupted(make, n):
    """Makes n criteria, and is interrupted at the next."""
    left = iter(range(n))

    def made(*arguments, **how):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return make(*arguments, **how)

    return made


def _check_costs(found):
    """A plain training is three passes of the largest network; a teacher adds one; without one there are none."""
    macs, n = found.most_mmacs.iloc[0] / 1e6, 4 * 4
    tmacs = found[found.stage == FULL].groupby("way").tmacs.first()
    assert tmacs[PLAIN] == pytest.approx(3 * n * macs) and tmacs[DISTILLED] == pytest.approx(4 * n * macs)
    assert tmacs[TAUGHT] - tmacs[ALONE] == pytest.approx(n * macs)
    assert tmacs[TAUGHT_FIRST] - tmacs[ALONE] == pytest.approx(n * macs / 2)
    assert tmacs[RANDOM] == tmacs[ALONE]


def test_the_network_cut_by_hand_is_the_dearest_of_those_alike_in_all_layers_that_save_a_quarter():
    family = BertFamily("text-bert", SMALL)
    space = elastic_space(family.space)
    cut = space.decode(cut_by_hand(family, space))
    alike = {name.rpartition(".")[2]: option for name, option in cut.items()}
    assert all(cut[name] == alike[name.rpartition(".")[2]] for name in cut)
    share = family.macs(cut_by_hand(family, space)) / family.macs(space.largest)
    others = []
    for layers in (1, 2, 3, 4):
        for heads in (1, 2, 3, 4):
            for ffn in (64, 128, 256):
                options = {"dim": 64, "layers": layers}
                for layer in range(1, 5):
                    options |= {f"layer{layer}.heads": heads, f"layer{layer}.ffn": ffn}
                others.append(family.macs(space.encode(options)) / family.macs(space.largest))
    assert share == max(other for other in others if other <= 0.75) and alike["dim"] == 64


def test_scores_are_means_of_sub_networks_shares_of_the_box_and_the_pick_of_validation():
    columns = ["way", "stage", "mmacs", "validation", "test"]
    alone = [(way, FULL, 10.0, np.nan, test) for way, test in ((PLAIN, 80.0), (DISTILLED, 82.0), (CUT, 79.0))]
    stages = [(way, stage, 5.0, np.nan, test) for way in GAMMAS for stage in (HALF, FULL) for test in (50.0, 60.0)]
    front = [(8.0, 90.0, 99.0), (7.5, 85.0, 81.0), (5.0, 85.0, 80.0), (2.5, 60.0, 62.5)]
    fronts = [(way, FRONT, *network) for way in GAMMAS for network in (front if way == TAUGHT else front[-1:])]
    found = pd.DataFrame([*alone, *stages, *fronts], columns=columns).assign(seed=3, n_classes=4, most_mmacs=10.0)
    (row,) = judged(found).reset_index().to_dict("records")
    assert (row["seed"], row[PLAIN], row[DISTILLED], row[CUT]) == (3, 80.0, 82.0, 79.0)
    assert row[f"{ALONE}, {HALF}"] == row[f"{TAUGHT}, {FULL}"] == 55.0
    assert (row["searched"], row["saved"]) == (80.0, 50.0)  # as accurate on validation pieces, and cheaper
    assert row[f"{RANDOM}, {FRONT}"] == pytest.approx(100 * 7.5 * 37.5 / 750)
