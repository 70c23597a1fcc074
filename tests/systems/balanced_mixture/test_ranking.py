"""What a job of the study tells, what is read off published accuracies, and how rankings are judged."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from nastoolkit.benchmarks.cells_problem import MACS
from nastoolkit.published.pooled_resnet20 import pooled_resnet20
from nastoolkit.statistics import paired_differences
from nastoolkit.systems.balanced_mixture import LEARNED, RANDOM, UNBALANCED, PoolingProblem, arms_of, ranked, reread
from nastoolkit.systems.balanced_mixture.ranking import rank_poolings

pytestmark = pytest.mark.usefixtures("few_digits")
PROBLEM = PoolingProblem(task_name="few", image_size=4, widths=[2, 2, 2, 2])
HOW = {"seed": 100, "n_steps": 12, "n_epochs": 3, "batch_size": 8, "optimizer": "adamw", "learning_rate": 0.003}
HOW |= {"highest": 10, "decay": 0.5, "n_calibration": 20, "device": "cpu"}


def job(n_copies, rule=LEARNED, **how):
    return rank_poolings(PROBLEM.as_argument(), n_copies, rule, **HOW | how)


@pytest.mark.parametrize(("n_copies", "rule"), [(1, LEARNED), (3, LEARNED), (3, RANDOM)])
def test_a_job_tells_of_traffic_and_of_every_configuration(n_copies, rule):
    rows = job(n_copies, rule)
    epochs, places = ([row for row in rows if key in row] for key in ("epoch", "place"))
    assert [row["epoch"] for row in epochs] == [0, 1, 2] and all(1 / n_copies <= row["busiest"] <= 1 for row in epochs)
    assert [row["configuration"] for row in places] == ["1-1-2", "1-2-1", "2-1-1"] and rows[-1]["seconds"] > 0
    assert all(0 <= row["accuracy"] <= 100 and row["likelihood"] < 0 and row["copy"] in range(n_copies) for row in places)
    assert rows[-1]["late"] == epochs[-1]["busiest"]  # one of three epochs
    assert rule != RANDOM or {row["copy"] for row in places} == {0, 1, 2}
    assert job(n_copies, rule)[:-1] == rows[:-1]


def test_more_copies_than_configurations_are_refused():
    with pytest.raises(ValueError, match="^4 copies for 3 configurations: there is one copy or more, and none without"):
        job(4)


def test_a_task_without_images_is_refused():
    with pytest.raises(ValueError, match="^the networks need a task with classes of images, and 'number-words' has none$"):
        PoolingProblem(task_name="number-words", image_size=4, widths=[2, 2, 2]).family()


def test_arms_differ_by_copies_rules_and_steps_alone():
    arms = arms_of([1, 2, 4], 800)
    assert {name: (arm["n_copies"], arm["rule"], arm["n_steps"]) for name, arm in arms.items()} == {
        "M = 1": (1, LEARNED, 800),
        "M = 2": (2, LEARNED, 800),
        "M = 4": (4, LEARNED, 800),
        f"M = 4, {RANDOM}": (4, RANDOM, 800),
        f"M = 4, {UNBALANCED}": (4, UNBALANCED, 800),
        "M = 1, 1/4 of the steps": (1, LEARNED, 200),
    }


def test_rankings_are_judged_by_the_truth():
    problem = PoolingProblem(task_name="few", image_size=4, widths=[2] * 10)
    names, macs = problem.family().table.configurations, problem.family().macs(problem.configurations)
    truth = np.random.default_rng(0).normal(size=36) + macs / macs.max()
    said = {"good": truth, "bad": -truth, "all alike": np.zeros(36)}
    rows = [
        {"task": "few", "arm": arm, "seed": 0, "place": place, "likelihood": value}
        for arm, values in said.items()
        for place, value in enumerate(values)
    ]
    others = [{"task": "few", "arm": arm, "seed": 0, "late": 0.5} for arm in said] + [{"task": "few", "epoch": 1}]
    found = ranked(pd.DataFrame(rows + others), [problem], {"few": truth})
    table = found.set_index("arm")
    assert table.tau.to_dict() == pytest.approx(
        {"good": 1, "bad": -1, "all alike": 0, MACS: kendalltau(macs, truth).statistic}
    )
    assert table.late.drop(MACS).tolist() == [0.5] * 3 and np.isnan(table.late[MACS])
    assert table.loc["good", "beyond MACs"] == pytest.approx(1) and table.loc[MACS, "beyond MACs"] == 0
    assert table.loc["good", "chosen"] == names[truth.argmax()] and table.loc[MACS, "chosen"] == names[macs.argmax()]
    assert table.loc["bad", "gain"] == truth.min() - truth[names.index("4-3-3")]
    assert paired_differences(found, "tau", "good", "bad").tolist() == pytest.approx([2])


def test_the_published_accuracies_are_reread(data_folder):
    table = pooled_resnet20(data_folder)
    rows, parts = reread(table)
    taus = rows.set_index("arm").tau
    assert {arm: round(tau, 3) for arm, tau in taus.items()} == {1: 0.143, 2: 0.312, 4: 0.597, 8: 0.53, MACS: 0.499}
    assert rows.cut.tolist() == [0.142, 0.311, 0.596, 0.53, 0.498] and parts.shape == (36, 5)
    assert taus[4] == pytest.approx(kendalltau(table.shared[4], table.alone).statistic)
    np.testing.assert_allclose(parts.mean(), taus)
    assert rows.chosen.tolist() == ["4-2-4", "4-3-3", "5-2-3", "5-2-3", "8-1-1"]
    assert rows.gain.round(2).tolist() == [-0.17, 0.0, 0.44, 0.44, -0.53]
