"""The tasks that are asked for, and the table that ships: whom it fits, and whether its entries can be had again."""

from functools import partial

import numpy as np
import pytest

from nastoolkit.benchmarks.members import members
from nastoolkit.measurements.accuracy_table import load_accuracies, made_of, trained_again
from nastoolkit.statistics import disagreement
from nastoolkit.systems.metad2a import truth
from nastoolkit.systems.metad2a.truth import TABLE, cells_of, tasks_of, true_accuracies
from nastoolkit.training import Recipe

SIZES = {"image_size": 12, "channels": 8, "n_cells": 1, "n_stages": 1, "n_nodes": 3}
SIZES |= {"operations": ["skip_connect", "avg_pool_3x3", "nor_conv_1x1"]}
RECIPE, N_REPEATS = Recipe(60, 16, 0.01), 5
FAMILY_FOR = partial(cells_of, sizes=SIZES)


@pytest.fixture(scope="module")
def cells():
    """Tasks, family, all cells and recipe of the table that ships."""
    tasks = tasks_of("", 24, 6)
    return tasks, FAMILY_FOR, members(FAMILY_FOR(tasks[0]).space), RECIPE


def test_the_table_that_ships_is_that_of_the_notebook_and_its_tasks_disagree(cells, tmp_path, monkeypatch):
    monkeypatch.setattr(truth, "accuracies_side_by_side", lambda *_: pytest.fail("cells were trained"))
    measured = true_accuracies(*cells, N_REPEATS, tmp_path / "table")
    assert measured.shape == (24, 27, 5) and disagreement(measured).is_enough
    assert TABLE.stat().st_size < 200_000 and not any(tmp_path.iterdir())


@pytest.mark.slow
def test_entries_of_the_table_that_ships_can_be_had_again(cells):
    """Bit for bit where it was made; elsewhere training makes rounding larger, while other entries are 20 points away."""
    rows = trained_again(load_accuracies(TABLE, made_of(*cells, N_REPEATS)), *cells, n_entries=5)
    assert (rows.kept - rows.again).abs().median() < 3


def test_what_the_table_does_not_fit_is_trained(cells, tmp_path):
    tasks, family_for, genotypes, _ = cells
    few = (tasks[:2], family_for, genotypes[:2], Recipe(1, 4, 0.01))
    measured = true_accuracies(*few, 2, tmp_path / "table", n_workers=0)
    assert measured.shape == (2, 2, 2)
    np.testing.assert_array_equal(load_accuracies(tmp_path / "table.npz", made_of(*few, 2)), measured)
    shipped = made_of(*cells, N_REPEATS)
    assert truth.other_parts(TABLE, shipped) == [] and truth.other_parts(TABLE, made_of(*few, 2)) == list(shipped)


def test_folders_of_images_are_tasks_too(image_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    for number in range(5):
        for split in ("train", "val"):
            image_folder(tmp_path / "sets" / f"set{number}" / split, 2, 3, seed=number)
    assert [task.name for task in tasks_of("sets", 4, 2)] == [f"set{number}" for number in range(4)]
    with pytest.raises(ValueError, match="6 data sets are needed"):
        tasks_of("sets", 6, 2)


def test_numbers_of_tasks_are_checked():
    assert len(tasks_of("", 24, 6)) == 24
    with pytest.raises(ValueError, match="2 to 4 of 6 tasks can be unseen, got 5"):
        tasks_of("", 6, 5)
    with pytest.raises(ValueError, match="there are 24 tasks with cues, got n_tasks = 25"):
        tasks_of("", 25, 5)
