"""How rows of jobs become correlations and leads."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from nastoolkit.systems.gennas.cells import CellsToRate
from nastoolkit.systems.gennas.rankings import LARGEST, RANDOM, correlations, lead_on_two, picked, spearman

pytestmark = pytest.mark.usefixtures("few_digits")
CELLS = CellsToRate(task_name="few", image_size=8, channels=2, n_cells=1, truth_steps=1)


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


def test_picks_are_the_best_random_cell_and_the_largest_of_all(monkeypatch):
    asked = []
    monkeypatch.setattr(CellsToRate, "truths", lambda self, cells, split: (asked.append(cells), {"few": [50.0, 60.0]})[1])
    rated = pd.DataFrame({"seed": 4, "cell": [2, 0, 1], "score": [0.5, 0.1, 0.9]})
    rows = picked(rated, CELLS).to_dict("records")
    assert [(row["pick"], row["accuracy"]) for row in rows] == [(RANDOM, 50), (LARGEST, 60)]
    np.testing.assert_array_equal(asked[0], [CELLS.drawn(3, 4)[1], CELLS.family.largest])


def test_a_lead_is_over_the_best_proxy_on_two_of_three_data_sets():
    rhos = {"combo": [0.5, 0.9, 0.8], "params": [0.4, 0.6, 0.75], "snip": [0.6, 0.5, 0.2]}
    rows = [
        {"seed": seed, "data set": name, "arm": arm, "rho": rho + 0.01 * seed * (arm == "combo")}
        for seed in (0, 1)
        for arm, own in rhos.items()
        for name, rho in zip("abc", own, strict=True)
    ]
    np.testing.assert_allclose(lead_on_two(pd.DataFrame(rows), "combo"), [0.05, 0.06])  # of -.1, .3 and .05
