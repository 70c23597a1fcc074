"""What a job of the study tells: variances in closed form, passes, and rank correlations."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from nastoolkit.families.cells import DIGITS, CellsFamily
from nastoolkit.supernets import Supernet
from nastoolkit.systems.pa_da import BOTH, FAIR, MACS, SPOS, CellsProblem, lower_variances, rank_cells, rank_correlations
from nastoolkit.systems.pa_da.ranking import FAIR_STEPS, UNSEEN, path_variances, tau
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe
from nastoolkit.training.probes import gradients

PROBLEM = CellsProblem(task_name="few", truth="alone", image_size=8, channels=2, n_cells=1, n_judged=3)
HOW = {"seed": 100, "batch_size": 8, "learning_rate": 0.05, "n_gradients": 2, "n_calibration": 20, "device": "cpu"}


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_variances_in_closed_form_are_those_of_the_estimator_itself(share):
    """E|g / (n p)|^2 - |mean|^2, over all 125 paths of a small cell; the optimal one is (mean |g|)^2 - |mean|^2."""
    family, task, recipe = (
        CellsFamily("c", replace(DIGITS, channels=2, n_stages=1, n_nodes=3)),
        Digits(),
        Recipe(1, batch_size=4),
    )
    paths = np.stack(np.meshgrid(*[np.arange(5)] * 3), axis=-1).reshape(-1, 3)[::5]
    likely = share * np.random.default_rng(0).dirichlet(np.ones(len(paths))) + (1 - share) / len(paths)
    supernet = Supernet(family).train()
    found = path_variances(supernet, task, recipe, paths, likely)
    batch = task.batch(UNSEEN, 4).at(family.input_shape(paths[0]))
    grads = [gradients(task.loss(supernet(batch.inputs, path), batch.targets), supernet) for path in paths]
    flat = torch.stack([torch.cat([part.flatten() for part in one.values()]) for one in grads]).double().numpy()
    mean, norms = np.square(flat.mean(axis=0)).sum(), np.linalg.norm(flat, axis=1)
    for name, p in {"own": likely, "uniform": np.full(len(paths), 1 / len(paths)), "optimal": norms / norms.sum()}.items():
        estimates = flat / (len(paths) * p[:, None])
        np.testing.assert_allclose(p @ estimates, flat.mean(axis=0), atol=1e-6)
        assert found[name] == pytest.approx(p @ np.square(estimates).sum(axis=1) - mean, rel=1e-3)
    assert found["optimal"] == pytest.approx(norms.mean() ** 2 - mean, rel=1e-3)
    assert found["optimal"] <= min(found["own"], found["uniform"])


@pytest.mark.parametrize(("arm", "n_steps", "passes"), [(SPOS, 4, 1), (FAIR, 20, 5), (FAIR_STEPS, 4, 5), (BOTH, 16, 4)])
def test_a_job_tells_of_variances_at_each_quarter_and_of_every_cell(arm, n_steps, passes):
    rows = rank_cells(PROBLEM.as_argument(), arm, n_steps=n_steps, **HOW)
    quarters, cells = rows[:4], rows[4:]
    assert [(row["trained"], row["passes"]) for row in quarters] == [(25 * n, passes * n) for n in (1, 2, 3, 4)]
    again = rank_cells(PROBLEM.as_argument(), arm, n_steps=n_steps, **HOW) if arm == BOTH else rows
    assert again == rows and all(
        row["noise"] > 0 and row["variance"] > 0 and row["optimal"] <= row["uniform"] for row in quarters
    )
    assert [row["cell"] for row in cells] == list(range(3)) and all(0 <= row["accuracy"] <= 100 for row in cells)
    likely = [[p for name, p in row.items() if name.startswith("p ")] for row in quarters]
    assert all(sum(row) == pytest.approx(1) for row in likely if row) and any(likely) == (arm == BOTH)


def test_an_arm_that_does_not_exist_is_told():
    with pytest.raises(ValueError, match="^unknown arm 'PADA'; known: SPOS; FairNAS, equal passes; "):
        rank_cells(PROBLEM.as_argument(), "PADA", n_steps=4, **HOW)


def test_rank_correlations_are_of_all_cells_and_of_both_kinds():
    problem = replace(PROBLEM, n_judged=8)
    truth, free = np.arange(8.0), problem.mostly_free
    said = {SPOS: np.where(free, truth, -truth), BOTH: np.zeros(8)}
    rows = [{"arm": arm, "seed": 0, "cell": cell, "accuracy": a} for arm in said for cell, a in enumerate(said[arm])]
    found = pd.DataFrame([*rows, {"arm": SPOS, "seed": 0, "trained": 25}]).assign(task="few")
    ours, none, by_macs = rank_correlations(found, [problem], {"few": truth}).to_dict("records")
    assert ours["mostly free"] == pytest.approx(1) and ours["others"] == pytest.approx(-1) and abs(ours["all"]) < 1
    assert none["all"] == none["others"] == 0 and (by_macs["arm"], by_macs["seed"]) == (MACS, 0)
    assert by_macs["all"] == tau(problem.family.macs(problem.cells), truth) and tau(np.arange(2), np.arange(2)) == 0


def test_lower_variances_compare_pairs():
    theory = {"own": 5.0, "uniform": 10.0, "optimal": 4.0}
    rows = [{"arm": SPOS, "noise": 90.0, "variance": 2.0, **theory}, {"arm": BOTH, "noise": 70.0, "variance": 4.0, **theory}]
    found = pd.DataFrame([{"task": "few", "seed": seed, "trained": 25, **row} for row in rows for seed in (0, 1)])
    lower = lower_variances(pd.concat([found, pd.DataFrame([{"task": "few", "arm": SPOS, "seed": 0, "cell": 1}])]))
    wanted = [20, *100 * np.log([0.5, 2, 2.5])]
    np.testing.assert_allclose(lower[["practice", "raw", "theory", "at best"]], [wanted] * 2)
