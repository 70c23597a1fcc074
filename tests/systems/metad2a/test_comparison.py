"""The whole job on a made-up table, arms in closed form, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch

from nastoolkit.systems.metad2a.comparison import (
    AGNOSTIC,
    EVERY,
    MARGINAL,
    METAD2A,
    N_PROPOSED,
    NEAREST,
    RANDOM,
    WRONG,
    CellArms,
    best_of,
    propose,
)
from nastoolkit.tasks.cue_tasks import CueTask

OPERATIONS = ["skip_connect", "avg_pool_3x3", "nor_conv_3x3"]
SIZES = {"image_size": 12, "channels": 4, "n_cells": 1, "n_stages": 1, "n_nodes": 3, "operations": OPERATIONS}
TASKS = [CueTask(cue, other, 32, 8) for cue in ("waves", "stripes", "values") for other in ("none", "inked")]
TABLE = np.random.default_rng(0).uniform(20, 90, (6, 27, 2))
SETTINGS = {
    "sizes": SIZES,
    "n_unseen": 2,
    "n_images": {"known": 8, "shown": 4},
    "steps": {"features": 2, "generator": 3, "predictor": 3},
    "n_generated": 40,
}


@pytest.fixture(scope="module")
def found():
    return pd.DataFrame(propose(0, TASKS, TABLE, **SETTINGS))


def test_every_arm_proposes_for_every_unseen_task(found):
    arms = {METAD2A, WRONG, MARGINAL, RANDOM, AGNOSTIC, NEAREST, EVERY}
    assert set(found.arm) == arms and found.task.nunique() == 2
    assert len(found) == len(arms) * 2 * N_PROPOSED
    assert found.percentile.between(0, 100).all() and found.regret.ge(0).all()
    assert found[found.arm == METAD2A].seconds.gt(0).all()


def test_more_trained_cells_never_have_more_regret(found):
    for _, own in found.groupby(["arm", "task"]):
        assert own.sort_values("n_trained").regret.is_monotonic_decreasing


def test_a_job_repeats(found):
    again = pd.DataFrame(propose(0, TASKS, TABLE, **SETTINGS))
    assert found.drop(columns="seconds").equals(again.drop(columns="seconds"))


def test_arms_in_closed_form():
    known = torch.tensor([[10.0, 60, 50, 20], [90, 40, 50, 20], [0, 0, 0, 1]])
    cells, means = torch.arange(4)[:, None], torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0.1, 1], [1, 0]])
    judged = torch.tensor([[0.0, 3, 2, 1], [4, 3, 2, 1]])
    arms = CellArms(cells, known.repeat(1, 1), means, np.array([[2, 2, 1, 2], [0, 3, 3, 3]]), judged, 0)
    of = {one.arm: one for one in arms.of(0)}
    assert of[METAD2A].order == [1, 2] and of[METAD2A].drawn.tolist() == [2, 2, 1, 2]
    assert of[WRONG].order == [0, 3]  # proposed and judged for the other task
    assert of[AGNOSTIC].order[:2] == [0, 1] or of[AGNOSTIC].order[:2] == [1, 0]
    assert of[NEAREST].order == [0, 2, 1, 3]
    assert of[EVERY].order == [1, 2, 3, 0] and sorted(of[RANDOM].order) == [0, 1, 2, 3]


def test_the_first_five_different_cells_are_judged():
    judged = torch.arange(20.0)
    drawn = np.array([3, 3, 5, 5, 8, 6, 2, 19])
    assert best_of(drawn, judged) == [8, 6, 5, 3, 2]


def test_a_table_of_other_tasks_or_cells_is_refused():
    with pytest.raises(ValueError, match="a table of 6 tasks and 27 cells with some repeats is needed"):
        propose(0, TASKS, TABLE[:, :26], **SETTINGS)


def test_too_few_images_are_told():
    with pytest.raises(ValueError, match="9 images of each class are shown, and a class of task 'cue-.*' has 8"):
        propose(0, TASKS, TABLE, **{**SETTINGS, "n_images": {"known": 9, "shown": 4}})
