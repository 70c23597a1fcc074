"""Cells that are judged: the same ones in every process, with the accuracies that were published for them."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.benchmarks import CellsProblem, rank_correlations
from nastoolkit.benchmarks.cells_problem import MACS, tau
from nastoolkit.published import nas_bench_201_short
from nastoolkit.training import Recipe

pytestmark = pytest.mark.usefixtures("few_digits")
OURS, OTHER = "ours", "other"
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


def test_rank_correlations_are_of_all_cells_and_of_both_kinds():
    problem = CellsProblem(task_name="few", truth="alone", **VALUES | {"n_judged": 8})
    truth, free = np.arange(8.0), problem.mostly_free
    said = {OTHER: np.where(free, truth, -truth), OURS: np.zeros(8)}
    rows = [{"arm": arm, "seed": 0, "cell": cell, "accuracy": a} for arm in said for cell, a in enumerate(said[arm])]
    found = pd.DataFrame([*rows, {"arm": OTHER, "seed": 0, "trained": 25}]).assign(task="few")
    ours, none, by_macs = rank_correlations(found, [problem], {"few": truth}).to_dict("records")
    assert ours["mostly free"] == pytest.approx(1) and ours["others"] == pytest.approx(-1) and abs(ours["all"]) < 1
    assert none["all"] == none["others"] == 0 and (by_macs["arm"], by_macs["seed"]) == (MACS, 0)
    assert by_macs["all"] == tau(problem.family.macs(problem.cells), truth) and tau(np.arange(2), np.arange(2)) == 0
    macs = problem.family.macs(problem.cells)
    assert ours["chosen"] == truth[free].max() and none["chosen"] == truth.mean()
    assert by_macs["chosen"] == truth[macs == macs.max()].mean()


def test_cells_may_have_some_operations_alone():
    problem = CellsProblem(task_name="few", truth="alone", operations=["skip_connect", "nor_conv_3x3"], **VALUES)
    assert {choice.options for choice in problem.family.space.choices} == {("skip_connect", "nor_conv_3x3")}
    assert problem.family.space.size == 2**6 and CellsProblem(**problem.as_argument()).cells.tolist() == problem.cells.tolist()
    with pytest.raises(ValueError, match="^unknown operation 'conv'; known: none, skip_connect, "):
        CellsProblem(task_name="few", truth="alone", operations=["conv"], **VALUES)
