"""Every way to share weights has the same problem, the same passes, and tells the same."""

from functools import partial

import numpy as np
import pytest
import torch

from nastoolkit.benchmarks import CellsProblem
from nastoolkit.benchmarks.shared_cells import SAMPLED, Sampled, rank_shared_cells, single_path
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import Supernets
from nastoolkit.systems.gradient_matching import EQUAL_PASSES, RANDOM, train_split
from nastoolkit.systems.pa_da import by_importance
from nastoolkit.training import Recipe, Uniform, fit, targets_only

pytestmark = pytest.mark.usefixtures("few_digits")
OPERATIONS = ["skip_connect", "nor_conv_1x1", "nor_conv_3x3"]
SIZES = {"image_size": 8, "channels": 2, "n_cells": 1, "n_stages": 1, "n_judged": 3, "operations": OPERATIONS}
PROBLEM = CellsProblem(task_name="few", truth="alone", **SIZES)
HOW = {"seed": 100, "batch_size": 8, "learning_rate": 0.05, "n_calibration": 20, "device": "cpu"}
SPLIT = {
    "random": partial(train_split, arm=RANDOM, split_after=[0.5]),
    "matched": partial(train_split, arm=EQUAL_PASSES, split_after=[0.5], n_repeats=2),
}
METHODS = {**SAMPLED, "importance": Sampled(by_importance), **SPLIT}


def job(method, n_passes):
    return rank_shared_cells(PROBLEM.as_argument(), method, n_passes=n_passes, training=METHODS[method], **HOW)


@pytest.mark.parametrize(
    ("method", "n_passes", "passes", "copies"),
    [
        ("single path", 4, 4, 1),
        ("sandwich", 11, 8, 1),
        ("FairNAS", 8, 6, 1),
        ("importance", 12, 12, 1),
        ("random", 4, 4, 2),
        ("matched", 30, 30, 2),
    ],
)
def test_a_job_tells_of_cells_of_both_ends_and_of_its_passes(method, n_passes, passes, copies):
    rows = job(method, n_passes)
    assert [row.get("cell", row.get("end")) for row in rows[:-1]] == [0, 1, 2, "smallest", "largest"]
    assert all(0 <= row["accuracy"] <= 100 and row["likelihood"] < 0 for row in rows[:-1])
    assert (rows[-1]["passes"], rows[-1]["copies"]) == (passes, copies) and rows[-1]["seconds"] > 0
    assert job(method, n_passes)[:-1] == rows[:-1]


def test_a_training_is_that_of_its_sampler_and_ends_are_those_of_the_space():
    supernets, how = Supernets(PROBLEM.family, seed=100), {"optimizer": "sgd", "warm_up": 0.0, "clip_norm": 5.0}
    recipe = Recipe(5, 8, 0.05, weight_decay=2.5e-4, seed=100, **how)
    fit(supernets, PROBLEM.task, Uniform(PROBLEM.family.space, seed=100), targets_only, recipe, progress=False)
    largest = Accuracy(supernets, PROBLEM.task, n_calibration=20, progress=False)(np.full(6, 2)).item()
    (row,) = (row for row in job("single path", 5) if row.get("end") == "largest")
    assert row["accuracy"] == largest


def test_the_passes_of_splits_are_taken_from_the_steps():
    whole, split = Supernets(PROBLEM.family, seed=1), Supernets(PROBLEM.family, seed=1)
    scored = 2 * (6 * 2 + 1)
    assert train_split(split, PROBLEM.task, Recipe(scored + 4, 8), split_after=[0.99], n_repeats=2) == scored + 4
    assert train_split(whole, PROBLEM.task, Recipe(4, 8), RANDOM, split_after=[0.99]) == 4
    for one, other in zip(whole.shared[0].parameters(), split.shared[0].parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="^26 passes to find splits leave no step for training: give more steps, or fewer"):
        train_split(split, PROBLEM.task, Recipe(26, 8), split_after=[0.5], n_repeats=2)


def test_too_few_passes_for_a_step_are_told():
    with pytest.raises(ValueError, match="^2 passes are not enough for a step with 3 paths$"):
        job("FairNAS", 2)
    assert Sampled(single_path) == SAMPLED["single path"]
