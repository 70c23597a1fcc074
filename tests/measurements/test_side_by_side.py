"""Networks that are trained side by side have the weights that they would have alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nastoolkit.benchmarks.members import members
from nastoolkit.measurements.accuracy import score
from nastoolkit.measurements.fine_tuning import fine_tune
from nastoolkit.measurements.side_by_side import accuracies_side_by_side, score_side_by_side, train_side_by_side
from nastoolkit.randomness import drawn_from
from nastoolkit.tasks.cue_tasks import CueTask
from nastoolkit.tasks.fitting import cells_for
from nastoolkit.training import Recipe

TASKS = [CueTask(cue, n_train=24, n_held_out=40) for cue in ("waves", "values")]
SIZES = {"image_size": 12, "channels": 4, "n_cells": 1, "n_stages": 2, "n_nodes": 3}
RECIPE = Recipe(5, batch_size=8, learning_rate=0.01, seed=3, clip_norm=1e9)


def family(task=TASKS[0]):
    return cells_for(task, **SIZES, operations=("skip_connect", "nor_conv_3x3"))


def test_each_is_as_it_would_be_alone():
    """By SGD, because Adam takes a full step wherever a gradient is zero but for rounding."""
    genotype, recipe = np.array([1, 0, 1]), replace(RECIPE, optimizer="sgd", learning_rate=0.1)
    together = train_side_by_side(family(), genotype, TASKS, recipe)
    shape = family().input_shape(genotype)
    for task, network in zip(TASKS, together, strict=True):
        with drawn_from(RECIPE.seed):
            alone = family().build(genotype)
        fine_tune(alone, task, shape, recipe, [])
        theirs = dict(alone.named_parameters())
        for name, weight in network.named_parameters():
            torch.testing.assert_close(weight, theirs[name], atol=1e-4, rtol=1e-3)
    weights = [next(network.parameters()) for network in together]
    assert not torch.equal(*weights)


def test_the_score_is_that_of_the_calibrated_network():
    genotype, task = np.array([0, 1, 1]), TASKS[1]
    (row,) = score_side_by_side(family(), genotype, [task], RECIPE)
    shape = family().input_shape(genotype)
    with drawn_from(RECIPE.seed):
        alone = family().build(genotype)
    fine_tune(alone, task, shape, RECIPE, [RECIPE.n_steps])
    assert row["task"] == task.name
    assert row["score"] == pytest.approx(score(alone, task, task.split("test"), shape=shape), abs=2.6)  # one image of 40


def test_a_table_has_tasks_networks_and_seeds_in_order(tmp_path):
    genotypes = members(family().space)[[2, 7]]
    recipe = replace(RECIPE, n_steps=2)
    table = accuracies_side_by_side(TASKS, family, genotypes, recipe, (4, 5), tmp_path, 0)
    assert table.shape == (2, 2, 2)
    for place, genotype in enumerate(genotypes):
        rows = score_side_by_side(family(), genotype, TASKS, replace(recipe, seed=5))
        assert table[:, place, 1].tolist() == [row["score"] for row in rows]
    n_files = len([*tmp_path.rglob("*.json")])
    assert np.array_equal(table, accuracies_side_by_side(TASKS, family, genotypes, recipe, (4, 5), tmp_path, 0))
    assert len([*tmp_path.rglob("*.json")]) == n_files


def test_other_classes_are_refused():
    other = cells_for(TASKS[0], **SIZES)
    wrong = type(other)("x", replace(other.table, n_classes=7))
    with pytest.raises(ValueError, match="have 7 outputs"):
        train_side_by_side(wrong, np.array([0, 0, 0]), TASKS, RECIPE)
