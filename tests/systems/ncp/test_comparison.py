import numpy as np
import pandas as pd
import pytest

from nastoolkit.published import nas_bench_mr
from nastoolkit.systems.ncp.comparison import (
    BOTH,
    DIGITS,
    METRICS,
    TASKS,
    Referees,
    correlations,
    gain_on_six,
    joint_gain,
    known_space,
    looked_up_edits,
)
from nastoolkit.systems.ncp.editing import Codes


def test_edits_of_the_embedded_table_are_looked_up():
    (row,) = looked_up_edits(DIGITS, seed=0, n_labels=60, n_starts=5, n_epochs=20)
    known = known_space(DIGITS)
    assert 80 < row["random"] <= known.quality(known.space.sample(4000, np.random.default_rng(0))).max() + 1
    assert -15 < row["gain"] < 15 and 0.2 < row["cost_share"] < 2 and 1 <= row["n_different"] <= 5
    assert looked_up_edits(DIGITS, seed=0, n_labels=60, n_starts=5, n_epochs=20) == [row]


def test_an_unknown_space_is_refused():
    with pytest.raises(ValueError, match="unknown space .nas-bench-1.; known"):
        known_space("nas-bench-1")


def test_gains_are_taken_seed_by_seed():
    rows = [
        {"seed": s, "arm": t, "task": t, "value": 60.0 + 5 * k + s, "start": 50.0} for s in (0, 1) for k, t in enumerate(TASKS)
    ]
    assert gain_on_six(pd.DataFrame(rows)).tolist() == [20.0, 21.0]
    worth = {"seg": (90, 40), "video": (30, 80), BOTH: (85, 75)}
    rows = [
        {"seed": 0, "arm": a, "task": t, "value": v}
        for a, pair in worth.items()
        for t, v in zip(("seg", "video"), pair, strict=True)
    ]
    assert joint_gain(pd.DataFrame(rows)).tolist() == [80 - 65]


def test_ridge_regression_ranks_as_it_does_on_the_published_tables(data_folder, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    table = nas_bench_mr()
    mine, theirs = np.array_split(np.random.default_rng(0).permutation(len(table.genotypes)), 2)
    x = Codes(table.space, table.genotypes[mine]).of(table.genotypes)
    found = pd.DataFrame(correlations(table, x, mine, theirs)).pivot_table("value", "arm", "task")
    quadratic = dict(zip(TASKS, (0.81, 0.85, 0.56, 0.91, 0.86, 0.89, 0.87, 0.77), strict=True))  # of the published tables
    assert all(found.loc["quadratic ridge", task] == pytest.approx(rho, abs=0.06) for task, rho in quadratic.items())
    judge = Referees(table, theirs)
    best = table.genotypes[np.argsort(-table.measured[METRICS["seg"]])[:20]]
    assert judge.percentiles("seg", best).mean() > 90 > 60 > judge.percentiles("seg", table.genotypes[mine]).mean()
