"""All arms start from the same towers; errors and gaps are what the notebook says."""

import pandas as pd
import pytest
import torch

from nastoolkit.systems.mtl_nas.comparison import (
    AGAIN,
    ALL,
    AS_MANY_PASSES,
    CALIBRATED,
    ENTROPY,
    HARD,
    NDDR,
    PLAIN,
    RANDOM,
    SHARED,
    SINGLE,
    SOFT,
    compare,
    fixed_gates,
    gaps,
    with_errors,
)
from nastoolkit.systems.mtl_nas.network import Shape
from nastoolkit.tasks import TASKS
from nastoolkit.tasks.rendered_scenes import RenderedScenes

SIZES = {"depths": [2, 1], "widths": [4, 4], "reach": 3}
JOB = {"task_name": "few-scenes", "sizes": SIZES, "seed": 1, "n_pretraining": 2, "gate_rate": 0.1, "n_random": 2}
JOB |= {"training": {"n_steps": 3, "batch_size": 4, "learning_rate": 0.01}, "entropy_weight": 10.0, "device": "cpu"}


@pytest.fixture
def few_scenes(monkeypatch):
    class FewScenes(RenderedScenes):
        n_scenes = {"train": 24, "validation": 5, "test": 6}  # noqa: RUF012
        size = 8

    monkeypatch.setitem(TASKS, "few-scenes", FewScenes)


def test_fixed_gates():
    shape = Shape((2, 1), (4, 4))
    gates = fixed_gates(shape, 2, 0)
    assert list(gates) == [SINGLE, NDDR, ALL, f"{RANDOM} 0", f"{RANDOM} 1"]
    assert not gates[SINGLE].any() and gates[ALL].all()
    assert [edge for edge, gate in zip(shape.edges, gates[NDDR], strict=True) if gate] == [
        (tower, layer, layer) for tower in range(2) for layer in range(3)
    ]
    again, other = fixed_gates(shape, 2, 0), fixed_gates(Shape((3, 3), (4, 4)), 2, 1)
    assert torch.equal(gates[f"{RANDOM} 1"], again[f"{RANDOM} 1"])
    assert not torch.equal(other[f"{RANDOM} 0"], other[f"{RANDOM} 1"])


def test_a_job_has_all_arms_and_repeats(few_scenes):
    rows = compare(**JOB)
    forms = {(row["arm"], row["form"]) for row in rows}
    fixed = {(arm, HARD) for arm in (SHARED, SINGLE, NDDR, ALL, f"{RANDOM} 0", f"{RANDOM} 1")}
    searched = {(arm, form) for arm in (ENTROPY, PLAIN) for form in (SOFT, HARD, SOFT + CALIBRATED, HARD + CALIBRATED, AGAIN)}
    assert forms == fixed | searched | {(SINGLE, AS_MANY_PASSES), (NDDR, AS_MANY_PASSES)} and len(rows) == len(forms)
    assert all(0 <= row["miou"] <= 100 and 0 < row["angle"] < 180 and row["seconds"] > 0 for row in rows)
    numbers = [{name: row[name] for name in row if name != "seconds"} for row in (*rows, *compare(**JOB))]
    assert numbers[: len(rows)] == numbers[len(rows) :]


def test_errors_are_changes_from_single_tasks():
    single = [{"arm": SINGLE, "form": HARD, "seed": 0, "miou": 60.0, "angle": 20.0}]
    single += [{"arm": SINGLE, "form": AS_MANY_PASSES, "seed": 0, "miou": 90.0, "angle": 1.0}]
    random = [{"arm": f"{RANDOM} {n}", "form": HARD, "seed": 0, "miou": 50.0 + 20 * n, "angle": 22.0} for n in range(2)]
    found = with_errors(pd.DataFrame(single + random)).set_index(["arm", "form"])
    assert found.error[SINGLE, HARD] == 0 and found.missed[SINGLE, AS_MANY_PASSES] == pytest.approx(-75)
    mean = found.loc[RANDOM, HARD]
    assert (mean.missed, mean.turned, mean.error) == (pytest.approx(0), pytest.approx(10), pytest.approx(5))


def test_gaps_count_both_tasks_and_do_not_cancel():
    rows = [
        {"arm": arm, "form": form + suffix, "seed": 0, "missed": 2.0 * sign * size, "turned": -4.0 * sign * size}
        for arm, size in ((ENTROPY, 0.1), (PLAIN, 1.0))
        for form, sign in ((SOFT, 0), (HARD, 1))
        for suffix in ("", CALIBRATED)
    ]
    for suffix in ("", CALIBRATED):
        assert gaps(pd.DataFrame(rows), suffix).set_index("arm").gap.to_dict() == {ENTROPY: pytest.approx(0.3), PLAIN: 3.0}


def test_a_task_without_the_labels_is_told():
    words = "^a class and a normal of every pixel are needed, and task 'digits' has no such labels$"
    with pytest.raises(ValueError, match=words):
        compare(**{**JOB, "task_name": "digits"})
