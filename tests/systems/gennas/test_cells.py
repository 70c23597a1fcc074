"""Cells and their truths."""

import numpy as np
import pytest

from nastoolkit.published import nas_bench_201_short
from nastoolkit.systems.gennas.cells import DATA_SETS, LONGER, CellsToRate

pytestmark = pytest.mark.usefixtures("few_digits")


def test_published_accuracies_are_those_of_the_cells(data_folder, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    given, table = CellsToRate(task_name="few", image_size=8, channels=2, n_cells=1), nas_bench_201_short()
    cells = given.drawn(6, 0)
    found = given.truths(cells, "test")
    assert list(found) == [*DATA_SETS, LONGER] and list(given.truths(cells, "val")) == list(DATA_SETS)
    for place, cell in enumerate(cells):
        wanted = table.space.encode(given.family.space.decode(cell))
        (row,) = np.flatnonzero((table.genotypes == wanted).all(axis=1))
        assert found["CIFAR-100"][place] == table.measured["cifar100_test_12ep"][row]
        assert found[LONGER][place] == table.measured["imagenet16_test_200ep"][row]


def test_truths_may_be_those_of_cells_that_are_trained_alone():
    given = CellsToRate(task_name="few", image_size=8, channels=2, n_cells=1, truth_steps=1)
    found = given.truths(given.drawn(2, 0), "val")
    assert list(found) == ["few"] and found["few"].shape == (2,) and ((found["few"] >= 0) & (found["few"] <= 100)).all()
