"""What jobs of the study tell."""

import pandas as pd
import pytest

from nastoolkit.measurements import PROXIES
from nastoolkit.space import genotype_keys
from nastoolkit.supernets import Supernet
from nastoolkit.systems.gennas.cells import CellsToRate
from nastoolkit.systems.gennas.comparison import (
    EVOLVED,
    FIRST,
    SEARCHED,
    evolve_cells,
    rate_cells,
    search_task,
)
from nastoolkit.systems.gennas.regression import GenNAS
from nastoolkit.systems.gennas.tasks import COMBO, TASKS

pytestmark = pytest.mark.usefixtures("few_digits")
CELLS = CellsToRate(task_name="few", image_size=8, channels=2, n_cells=1, truth_steps=1)
GIVEN = CELLS.as_argument()


def test_a_job_rates_the_same_cells_whatever_the_arm():
    by_proxy, by_task = (rate_cells(GIVEN, arm, 3, 4, 1) for arm in ("synflow", COMBO))
    assert [row["cell"] for row in by_proxy] == [row["cell"] for row in by_task] == [0, 1, 2, 3]
    supernet, drawn = Supernet(CELLS.family, seed=3), CELLS.drawn(4, 3)
    assert [row["score"] for row in by_proxy] == PROXIES["synflow"](supernet, CELLS.task)(drawn)[:, 0].tolist()
    errors = GenNAS(supernet, CELLS.task, TASKS[COMBO], 1, seed=3)(drawn)[:, 0]
    assert [row["score"] for row in by_task] == (-errors).tolist() and by_task[0]["seconds"] > 0


def test_an_arm_that_does_not_exist_is_told():
    with pytest.raises(ValueError, match="^unknown arm 'luck'; known: naswot, .*, combo, white noise, "):
        rate_cells(GIVEN, "luck", 0, 4, 1)


def test_a_task_is_searched_on_cells_that_are_not_rated(monkeypatch):
    seen = []
    truths = CellsToRate.truths
    monkeypatch.setattr(
        CellsToRate, "truths", lambda self, cells, split: (seen.append((cells, split)), truths(self, cells, split))[1]
    )
    rows = pd.DataFrame(search_task(GIVEN, 0, 5, 1, 4, 3, 2, 1))
    ((labelled, split),) = seen
    assert split == "val" and len(labelled) == 4
    assert not set(genotype_keys(labelled)) & set(genotype_keys(CELLS.drawn(5, 0)))
    assert rows.arm.tolist() == [SEARCHED] * 5 + [FIRST] * 5 and rows.cell.tolist() == [*range(5)] * 2
    best, first = rows.groupby("arm").fitness.first()[[SEARCHED, FIRST]]
    assert best >= first and rows.task.str.startswith("Signals(").all()


def test_a_search_without_enough_labels_is_refused():
    with pytest.raises(ValueError, match="^a task is searched by its ranking of at least 3 labelled cells, got 2$"):
        search_task(GIVEN, 0, 5, 1, 2, 3, 2, 1)


def test_evolution_picks_a_cell_by_its_score():
    (row,) = evolve_cells(GIVEN, COMBO, 0, 3, 2, 1)
    assert (row["data set"], row["pick"]) == ("few", EVOLVED) and 0 <= row["accuracy"] <= 100
