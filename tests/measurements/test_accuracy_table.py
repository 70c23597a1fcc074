"""Tables of accuracies say what they are made of, and their entries can be trained again."""

import json
from functools import partial

import numpy as np
import pytest

from nastoolkit.measurements.accuracy_table import load_accuracies, made_of, save_accuracies, trained_again
from nastoolkit.measurements.side_by_side import accuracies_side_by_side
from nastoolkit.tasks.cue_tasks import CueTask
from nastoolkit.tasks.fitting import cells_for
from nastoolkit.training import Recipe

TASKS = [CueTask(cue, n_train=24, n_held_out=40) for cue in ("waves", "values")]
SIZES = {"image_size": 12, "channels": 4, "n_cells": 1, "n_stages": 1, "n_nodes": 3}
FAMILY_FOR = partial(cells_for, operations=("skip_connect", "nor_conv_3x3"), **SIZES)
CELLS = (TASKS, FAMILY_FOR, np.array([[0, 0, 1], [1, 1, 0]]), Recipe(3, 8, 0.01))
SMALL = np.arange(12.0).reshape(2, 2, 3)


@pytest.mark.parametrize(
    ("other", "part"),
    [
        ((TASKS[::-1], *CELLS[1:], 3), "tasks"),
        ((TASKS, partial(FAMILY_FOR, channels=8), *CELLS[2:], 3), "networks"),
        ((*CELLS[:2], CELLS[2][::-1], CELLS[3], 3), "networks"),
        ((*CELLS[:3], Recipe(4, 8, 0.01), 3), "recipe"),
        ((*CELLS, 2), "n_repeats"),
    ],
)
def test_a_table_of_something_else_is_refused(other, part, tmp_path):
    save_accuracies(tmp_path / "t.npz", SMALL, made_of(*CELLS, 3))
    np.testing.assert_array_equal(load_accuracies(tmp_path / "t.npz", made_of(*CELLS, 3)), SMALL)
    with pytest.raises(ValueError, match=f"^t.npz was made with other values of {part}$"):
        load_accuracies(tmp_path / "t.npz", made_of(*other))


@pytest.mark.parametrize("wrong", [SMALL[:1], SMALL[:, :, :2], np.where(SMALL == 5, np.nan, SMALL)])
def test_rows_that_disagree_are_refused(wrong, tmp_path):
    save_accuracies(tmp_path / "t.npz", wrong, made_of(*CELLS, 3))
    with pytest.raises(
        ValueError, match=r"^t.npz must have a finite accuracy for each task, network and repeat, \(2, 2, 3\)$"
    ):
        load_accuracies(tmp_path / "t.npz", made_of(*CELLS, 3))


def test_entries_that_are_trained_again_alone_are_those_that_were_trained_side_by_side(tmp_path):
    measured = accuracies_side_by_side(*CELLS, range(2), tmp_path, 0)
    rows = trained_again(measured, *CELLS, n_entries=measured.size)
    assert len({tuple(row) for row in rows[["task", "network", "repeat"]].to_numpy()}) == measured.size
    assert (rows.kept - rows.again).abs().max() <= 2.5 + 1e-9  # one of 40 images, if rounding decides it
    assert json.loads(json.dumps(made_of(*CELLS, 2))) == made_of(*CELLS, 2)
