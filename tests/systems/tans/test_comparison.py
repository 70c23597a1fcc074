"""The whole job on two tasks, and its summary in closed form."""

import pandas as pd
import pytest

from nastoolkit.systems.tans.comparison import (
    ARMS,
    LEAST_SQUARES,
    NEAREST,
    SCRATCH,
    TANS,
    retrieval_ms,
    retrieve_and_tune,
    summary,
    tasks_of,
)

SMALL = {
    "tasks": {"folder": "", "n_tasks": 3, "n_unseen": 2},
    "family": "digits-mbv3-small",
    "n_networks": 4,
    "n_images": 20,
    "steps": {"base": 2, "zoo": 2, "retrieval": 5, "tuning": 4},
    "looks": [0, 2, 4],
    "recipe": {"batch_size": 8},
}


@pytest.fixture(scope="module")
def found():
    return pd.DataFrame(retrieve_and_tune(0, **SMALL)).assign(seed=0)


def test_every_arm_has_a_curve_on_every_unseen_task(found):
    curves = found[found.what == "curve"]
    assert len(curves) == len(ARMS) * 2 * 3 and set(curves.arm) == set(ARMS)
    assert curves.groupby(["arm", "task"]).step.apply(list).tolist() == [[0, 2, 4]] * (2 * len(ARMS))
    assert curves.accuracy.between(0, 100).all()


def test_arms_with_the_same_model_share_its_curve_and_others_differ(found):
    curves = found[(found.what == "curve") & (found.task == 0)].set_index(["arm", "step"]).accuracy.unstack()
    assert len(curves.drop_duplicates()) > 3 and not curves.loc[TANS].equals(curves.loc[SCRATCH])


def test_held_out_networks_are_ranked_by_both_ways(found):
    ranks = found[found.what == "retrieval"]
    assert ranks.groupby("arm").size().to_dict() == {TANS: 3 * 2, LEAST_SQUARES: 3 * 2}
    assert ranks["rank"].between(1, 3).all()


def test_a_job_repeats(found):
    assert found.equals(pd.DataFrame(retrieve_and_tune(0, **SMALL)).assign(seed=0))


def test_too_many_images_are_told_before_the_arms_learn():
    with pytest.raises(ValueError, match="features are of 500 images of a task, and task"):
        retrieve_and_tune(0, **{**SMALL, "n_images": 500})


def test_folders_of_images_are_tasks_too(image_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    for number in range(4):
        for split in ("train", "val"):
            image_folder(tmp_path / "zoo" / f"set{number}" / split, 2, 3, seed=number)
    known, unseen = tasks_of("zoo", 3, 1, seed=0)
    assert {task.name for task in [*known, *unseen]} == {f"set{number}" for number in range(4)} and len(known) == 3
    assert [task.name for task in tasks_of("zoo", 3, 1, seed=1)[0]] != [task.name for task in known]
    with pytest.raises(ValueError, match="5 data sets are needed, .* found 4"):
        tasks_of("zoo", 3, 2, seed=0)


def curve(arm, accuracies, task=0):
    rows = zip([0, 10, 20], accuracies, strict=True)
    return [{"arm": arm, "seed": 0, "task": task, "step": step, "accuracy": accuracy} for step, accuracy in rows]


def test_the_summary_in_closed_form():
    rows = curve(SCRATCH, [20, 20, 40]) + curve(TANS, [20, 60, 60]) + curve(NEAREST, [20, 20, 30])
    of = summary(pd.DataFrame(rows)).set_index("arm")
    assert of.area.to_dict() == {SCRATCH: 25, TANS: 50, NEAREST: 22.5}
    assert of.final.to_dict() == {SCRATCH: 40, TANS: 60, NEAREST: 30}
    assert of.saved.to_dict() == {SCRATCH: 0, TANS: 75, NEAREST: 0}
    assert of.reached.to_dict() == {SCRATCH: 100, TANS: 100, NEAREST: 0}


def test_the_summary_is_a_mean_over_tasks():
    rows = [row for task in (0, 1) for row in curve(SCRATCH, [20, 20, 40], task)]
    rows += curve(TANS, [20, 60, 60], 0) + curve(TANS, [20, 20, 30], 1)
    of = summary(pd.DataFrame(rows)).set_index("arm").loc[TANS]
    assert (of.area, of.final, of.saved, of.reached) == (36.25, 45, 37.5, 50)


def test_retrieval_takes_some_time():
    assert 0 < retrieval_ms(100, 3) < 1e5
