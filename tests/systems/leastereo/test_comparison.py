"""A job has all arms, random networks have the size that they are asked for, and gains are what the notebook says."""

import pandas as pd
import pytest

from nastoolkit.systems.leastereo.comparison import (
    CONVOLUTIONS,
    HAND,
    JOINT,
    PLAIN,
    RANDOM,
    SEPARATE,
    StereoTrial,
    compare,
    gain,
    made_by_hand,
)
from nastoolkit.systems.leastereo.network import CONV, StereoNet, StereoShape, n_params
from nastoolkit.tasks import TASKS
from nastoolkit.tasks.stereograms import Stereograms
from nastoolkit.training import Recipe

SIZES = {"layers": [1, 2], "n_levels": 2, "width": 2, "n_nodes": 2, "n_joined": 2, "stride": 2, "max_disparity": 8}
TRAINING = {"n_steps": 2, "batch_size": 2, "learning_rate": 0.01}
JOB = {"tasks": {"own": "few-pairs", "again": "few-pairs"}, "sizes": SIZES, "search_sizes": {"n_joined": 1}, "seed": 1}
JOB |= {"searching": TRAINING | {"logit_rate": 0.1, "warm_up": 0.5}, "training": TRAINING, "n_random": 2}
JOB |= {"is_separate": True, "is_real": True, "device": "cpu"}


@pytest.fixture
def few_pairs(monkeypatch):
    class FewPairs(Stereograms):
        size = (8, 16)
        n_scenes = {"train": 12, "validation": 3, "test": 4}  # noqa: RUF012

    monkeypatch.setitem(TASKS, "few-pairs", FewPairs)
    monkeypatch.setattr("nastoolkit.systems.leastereo.comparison.Motorcycle", FewPairs)


def test_a_job_has_all_arms_and_repeats(few_pairs):
    rows, again = (compare(**JOB) for _ in range(2))
    arms = [row["arm"] for row in rows]
    assert arms == [JOINT, JOINT + CONVOLUTIONS, SEPARATE, RANDOM, RANDOM, PLAIN, HAND]
    assert all(
        row["epe_own"] == row["epe_again"] == row["epe_real"] > 0 and row["hidden_own"] > 0 and row["seconds"] > 0
        for row in rows
    )
    assert all(row["convolutions"] == 1 for row in rows if row["arm"] in (JOINT + CONVOLUTIONS, PLAIN, HAND))
    assert (
        set(rows[-2]["path"]) == {"0", " "}
        and rows[0]["path"] == rows[1]["path"]
        and rows[-1]["params"] >= 1.5 * rows[0]["params"]
    )
    assert [row["mixture_loss"] > 0 for row in rows] == [True] * 3 + [False] * 4
    numbers = [{name: row[name] for name in row if name not in ("seconds", "mixture_loss")} for row in (*rows, *again)]
    assert numbers[: len(rows)] == numbers[len(rows) :]


def test_random_networks_have_about_the_size_and_differ_between_seeds(few_pairs):
    shape = StereoShape((2, 3), 3, 4, 2, 2, 2, 8)
    one, other = (
        StereoTrial({"own": TASKS["few-pairs"]()}, shape, Recipe(1, seed=seed), "cpu").drawn(4, 15_000) for seed in (0, 1)
    )
    assert all(abs(n_params(StereoNet(shape, pair)) / 15_000 - 1) <= 0.15 for pair in one) and one != other
    assert len(set(one)) > 1


def test_the_network_by_hand_is_an_hourglass_and_large_enough():
    shape, (features, matching) = made_by_hand(StereoShape((2, 5), 3, 4, 2, 2, 2, 8), 100_000)
    assert (features.path, matching.path) == ((0, 0), (0, 1, 2, 1, 0)) and {edge[2] for edge in matching.edges} == {CONV}
    sizes = [
        n_params(StereoNet(StereoShape((2, 5), 3, n, 2, 2, 2, 8), (features, matching)))
        for n in (shape.width - 1, shape.width)
    ]
    assert sizes[0] < 100_000 <= sizes[1]


def test_gains_are_shares_of_the_other_arms_error():
    rows = [{"arm": JOINT, "seed": seed, "epe": 0.5} for seed in range(2)]
    rows += [{"arm": RANDOM, "seed": seed, "epe": epe} for seed, epe in ((0, 0.5), (0, 1.5), (1, 0.25), (1, 0.25))]
    assert gain(pd.DataFrame(rows), "epe", JOINT, RANDOM).tolist() == [50, -100]


def test_tasks_without_disparities_or_with_larger_ones_are_told(few_pairs):
    with pytest.raises(ValueError, match="^disparities of pairs of images are needed, and task 'digits' has none$"):
        compare(**{**JOB, "tasks": {"own": "digits"}})
    with pytest.raises(ValueError, match="^the volume holds disparities below 4, and those of task 'stereograms' go up to 8$"):
        compare(**{**JOB, "sizes": SIZES | {"max_disparity": 4}})
