"""The arms of the comparison on tiny students, and what is made of their rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nastoolkit import FAMILIES, TASKS
from nastoolkit.families.bert import SMALL, SMALL_THIN, BertFamily
from nastoolkit.families.masked_bert import MaskedBertFamily
from nastoolkit.supernets import Supernet, save_supernet
from nastoolkit.systems.autodistil.comparison import (
    ARMS,
    BY_SIZE,
    ONE,
    RANDOM,
    SLICES,
    Study,
    distil,
    gains,
    picks,
    rankings,
    teach,
)
from nastoolkit.systems.autodistil.students import PARTS

VALUES = {
    "family_name": "tiny-thin",
    "teacher_name": "tiny-words",
    "checkpoint": "",
    "teacher_steps": 2,
    "teacher_batch": 4,
    "text_name": "masked-words",
    "task_name": "help-topics-few",
    "n_steps": 1,
    "batch_size": 4,
    "learning_rate": 1e-3,
    "tune_steps": 1,
    "tune_rate": 1e-3,
    "n_students": 3,
    "n_texts": 5,
    "n_heads": 2,
    "relation": "softmax",
}


@pytest.fixture(scope="module")
def tasks():
    return {name: TASKS[name]() for name in ("masked-words", "help-topics-few")}


@pytest.fixture
def study(monkeypatch, tmp_path, tasks):
    monkeypatch.setattr("nastoolkit.systems.autodistil.comparison.load_task", tasks.__getitem__)
    smaller = {"head_dim": 4, "dropout": 0.0, "layers": (1, 2)}
    thin = replace(SMALL_THIN, **smaller, dim=8, dims=(4, 8), heads=(1, 2), ratios=(1.0, 2.0))
    teacher = replace(SMALL, **smaller, dim=8, dims=(), heads=(2,), ffn=(16,))
    monkeypatch.setitem(FAMILIES, "tiny-thin", lambda: BertFamily("tiny-thin", thin))
    monkeypatch.setitem(FAMILIES, "tiny-words", lambda: MaskedBertFamily("tiny-words", teacher))
    monkeypatch.setitem(PARTS, "tiny-thin", {"small": {"dim": (4,)}, "large": {"dim": (8,)}})
    return Study(folder=str(tmp_path), **VALUES)


def test_a_job_measures_students_of_every_supernet(study):
    (row,) = teach(study.as_argument())
    assert 0 <= row["told"] < 10 and 0 < row["mmacs"] < 1
    found = {arm: distil(study.as_argument(), arm, seed=0) for arm in (BY_SIZE, ONE, RANDOM, SLICES)}
    assert {arm: len(rows) for arm, rows in found.items()} == {BY_SIZE: 6, ONE: 4, RANDOM: 4, SLICES: 4}
    assert {arm: rows.supernet.nunique() for arm, rows in found.items() if arm != RANDOM} == {BY_SIZE: 2, ONE: 1, SLICES: 1}
    assert set(found[BY_SIZE].student) >= set(found[ONE].student) == set(found[RANDOM].student)
    assert (found[SLICES].gmacs == 0).all() and (found[ONE].gmacs > 0).all()
    for rows in found.values():
        assert np.isfinite(rows[["loss", "test_loss", "tuned", "mmacs"]]).all(axis=None)
    untrained, trained = (found[arm].set_index("student").test_loss for arm in (SLICES, ONE))
    assert (untrained != trained).all()
    pd.testing.assert_frame_equal(distil(study.as_argument(), ONE, seed=0), found[ONE])


def test_one_supernet_has_as_many_steps_as_all_others_together(study, monkeypatch):
    steps = []
    monkeypatch.setattr("nastoolkit.systems.autodistil.comparison.fit", lambda *args, **how: steps.append(args[-1].n_steps))
    monkeypatch.setattr("nastoolkit.systems.autodistil.comparison._tuned", lambda *args: 0.0)
    for arm in ARMS:
        distil(replace(study, n_steps=7).as_argument(), arm, seed=0)
    assert [n for n in steps if n != study.teacher_steps] == [7, 7, 14, 7, 7, 0]


def test_a_teacher_of_other_words_is_told(study, tmp_path):
    teacher = Supernet(FAMILIES["tiny-words"]())
    teacher.vocabulary = "of other texts"
    file = save_supernet(teacher, tmp_path / "teacher.safetensors")
    with pytest.raises(ValueError, match="trained on tokens of another vocabulary than that of task 'masked-words'"):
        distil(replace(study, teacher_steps=0, checkpoint=str(file)).as_argument(), ONE, seed=0)


def test_a_family_without_sub_spaces_is_told(study):
    with pytest.raises(ValueError, match="there are no sub-spaces of 'text-bert'; known: .*tiny-thin"):
        replace(study, family_name="text-bert").split(BY_SIZE, seed=0)


def test_a_task_without_classes_is_told(study):
    with pytest.raises(ValueError, match="fine-tuned on a task with classes, and 'masked-words' has none"):
        distil(replace(study, task_name="masked-words").as_argument(), ONE, seed=0)


def rows():
    """Two seeds of four students, whose losses rank them well, MACs less."""
    common = {"student": [(0,), (1,), (2,), (3,)], "mmacs": [1.0, 2.0, 3.0, 4.0]}
    one = pd.DataFrame({**common, "arm": BY_SIZE, "loss": [0.4, 0.2, 0.3, 0.1], "tuned": [10.0, 30.0, 20.0, 40.0]})
    other = pd.DataFrame({**common, "arm": ONE, "loss": [0.5, 0.4, 0.6, 0.2], "tuned": [9.0, 28.0, 21.0, 36.0]})[:3]
    return pd.concat([pd.concat([one, other]).assign(seed=seed) for seed in (0, 1)])


def test_gains_are_means_over_the_students_of_both_arms():
    np.testing.assert_allclose(gains(rows(), "tuned")[BY_SIZE], [2 / 3, 2 / 3])
    np.testing.assert_allclose(gains(rows(), "loss", -1)[BY_SIZE], [(20 + 50 + 50) / 3] * 2)


def test_rankings_are_spearmans():
    found = rankings(rows())
    assert found.loss.tolist() == pytest.approx([1, 1]) and found.MACs.tolist() == pytest.approx([0.8, 0.8])
    assert found["loss beyond MACs"].tolist() == pytest.approx([1, 1])


def test_picks_are_among_students_within_the_budget():
    found = picks(rows(), budget=3.5)
    assert found.iloc[0].to_dict() == pytest.approx({"agnostic": 10.0, "largest": 0.0, "best": 10.0})
