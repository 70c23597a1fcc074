"""Cells that are judged: the same ones in every process, with the accuracies that were published for them."""

import numpy as np
import pytest

from nastoolkit.published import nas_bench_201_short
from nastoolkit.systems.pa_da.cells import CellsProblem
from nastoolkit.training import Recipe

VALUES = {"image_size": 8, "channels": 2, "n_cells": 1, "n_judged": 12}


def test_published_accuracies_are_those_of_the_cells(data_folder, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    problem = CellsProblem(task_name="cifar10-16", truth="12 epochs", **VALUES)
    assert problem.lacks == "" and problem.family.table.image_channels == 3 and problem.family.table.n_classes == 10
    truth, table = problem.true_accuracies(Recipe(1), 1, "", 0), nas_bench_201_short()
    assert truth.shape == (12, 2)
    for cell, accuracies in zip(problem.cells, truth, strict=True):
        options = problem.family.space.decode(cell)
        (row,) = np.flatnonzero((table.genotypes == table.space.encode(options)).all(axis=1))
        assert accuracies.tolist() == [table.measured[f"cifar10_{split}_12ep"][row] for split in ("val", "test")]


def test_cells_are_mostly_free_with_four_edges_without_weights():
    problem = CellsProblem(task_name="few", truth="alone", **VALUES)
    free = [sum("conv" not in option for option in problem.family.space.decode(cell).values()) for cell in problem.cells]
    assert problem.mostly_free.tolist() == [n >= 4 for n in free] and 0 < problem.mostly_free.mean() < 1
    assert CellsProblem(**problem.as_argument()).cells.tolist() == problem.cells.tolist() and problem.lacks == ""


@pytest.mark.parametrize(
    ("task_name", "truth", "lacking"),
    [
        ("cifar10-16", "12 epochs", "'cifar10-16': there is no cifar10_16.npz"),
        ("few", "200 epochs", "no nas-bench-201.csv in"),
    ],
)
def test_what_is_not_there_is_told(task_name, truth, lacking, tmp_path, monkeypatch):
    for name in ("NASTOOLKIT_DATA", "NASTOOLKIT_DATASETS"):
        monkeypatch.setenv(name, str(tmp_path))
    assert lacking in CellsProblem(task_name=task_name, truth=truth, **VALUES).lacks


def test_cells_may_be_trained_alone(tmp_path):
    problem = CellsProblem(task_name="few", truth="alone", **VALUES | {"n_judged": 2})
    truth = problem.true_accuracies(Recipe(1, batch_size=4), 2, tmp_path, 0)
    assert truth.shape == (2, 2) and ((truth >= 0) & (truth <= 100)).all()
