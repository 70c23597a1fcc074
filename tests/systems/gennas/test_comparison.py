"""What jobs of the study tell, and how their rows become correlations and leads."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from nastoolkit.measurements import PROXIES
from nastoolkit.published import nas_bench_201_short
from nastoolkit.space import genotype_keys
from nastoolkit.supernets import Supernet
from nastoolkit.systems.gennas.comparison import (
    DATA_SETS,
    EVOLVED,
    FIRST,
    LARGEST,
    LONGER,
    RANDOM,
    SEARCHED,
    CellsToRate,
    correlations,
    evolve_cells,
    lead_on_two,
    rate_cells,
    search_task,
    spearman,
)
from nastoolkit.systems.gennas.regression import GenNAS
from nastoolkit.systems.gennas.tasks import COMBO, TASKS

pytestmark = pytest.mark.usefixtures("few")
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
    with pytest.raises(ValueError, match="^a task is searched by its ranking of three labelled cells at least, got 2$"):
        search_task(GIVEN, 0, 5, 1, 2, 3, 2, 1)


def test_evolution_is_held_against_as_many_random_cells():
    rows = evolve_cells(GIVEN, COMBO, 0, 3, 2, 1)
    assert [(row["data set"], row["pick"]) for row in rows] == [("few", pick) for pick in (EVOLVED, RANDOM, LARGEST)]
    assert all(0 <= row["accuracy"] <= 100 for row in rows)


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


def test_a_correlation_is_spearmans_and_none_where_nothing_is_ranked():
    one, other = np.array([1.0, 3, -np.inf, 2]), np.array([2.0, 5, 1, 1])
    assert spearman(one, other) == pytest.approx(spearmanr([1, 3, 0, 2], other).statistic)
    assert spearman(np.ones(4), other) == spearman(one, np.zeros(4)) == 0


def test_correlations_are_with_the_truth_of_each_seed(monkeypatch):
    monkeypatch.setattr(CellsToRate, "truths", lambda self, cells, split: {"few": np.arange(len(cells))})
    rows = [
        {"arm": arm, "seed": seed, "cell": cell, "score": (-1.0) ** (arm == "worse") * cell}
        for arm in ("better", "worse")
        for seed in (0, 1)
        for cell in (3, 0, 2, 1)
    ]
    table = correlations(pd.DataFrame(rows), CELLS)
    assert table.groupby("arm").rho.mean().round(6).to_dict() == {"better": 1, "worse": -1} and len(table) == 4
    assert table["beyond MACs"].abs().max() <= 1 + 1e-6


def test_a_lead_is_over_the_best_proxy_on_two_of_three_data_sets():
    rhos = {"combo": [0.5, 0.9, 0.8], "params": [0.4, 0.6, 0.75], "snip": [0.6, 0.5, 0.2]}
    rows = [
        {"seed": seed, "data set": name, "arm": arm, "rho": rho + 0.01 * seed * (arm == "combo")}
        for seed in (0, 1)
        for arm, own in rhos.items()
        for name, rho in zip("abc", own, strict=True)
    ]
    np.testing.assert_allclose(lead_on_two(pd.DataFrame(rows), "combo"), [0.05, 0.06])  # of -.1, .3 and .05
