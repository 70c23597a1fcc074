"""What a job of the study does: splits that change no weight, steps and passes that are counted, and what it tells."""

import numpy as np
import pandas as pd
import pytest
import torch

from nastoolkit.benchmarks import CellsProblem
from nastoolkit.supernets import Supernets
from nastoolkit.systems.gradient_matching import (
    ARMS,
    EXHAUSTIVE,
    MATCHED,
    ONE_SHOT,
    RANDOM,
    mean_distances,
    rank_split_cells,
    repeatability,
)
from nastoolkit.systems.gradient_matching.ranking import EQUAL_PASSES, _Splitter
from nastoolkit.training import Optimizer, Recipe

pytestmark = pytest.mark.usefixtures("few_digits")
OPERATIONS = ["skip_connect", "avg_pool_3x3", "nor_conv_1x1", "nor_conv_3x3"]
SIZES = {"image_size": 8, "channels": 2, "n_cells": 1, "n_judged": 3, "operations": OPERATIONS}
PROBLEM = CellsProblem(task_name="few", truth="alone", **SIZES)
HOW = {"seed": 100, "batch_size": 8, "learning_rate": 0.05, "rule": "largest cut", "n_calibration": 20, "device": "cpu"}


def job(arm, n_steps=4, split_after=(0.5,), n_repeats=2):
    return rank_split_cells(PROBLEM.as_argument(), arm, n_steps=n_steps, split_after=split_after, n_repeats=n_repeats, **HOW)


@pytest.mark.parametrize("arm", [RANDOM, EXHAUSTIVE, MATCHED])
def test_children_start_as_their_parent_bit_for_bit(arm):
    family, recipe = PROBLEM.family, Recipe(4, batch_size=8, optimizer="sgd")
    supernets = Supernets(family)
    optimizer, parent = Optimizer(supernets.parameters(), recipe), supernets.shared[0]
    batch = PROBLEM.task.batch(0, 8).at((1, 8, 8))
    for path in family.space.sample(2, np.random.default_rng(0)):
        PROBLEM.task.loss(supernets(batch.inputs, path), batch.targets).backward()
        optimizer.step()
    before = {name: tensor.clone() for name, tensor in parent.state_dict().items()}
    momenta = [optimizer.torch_optimizer.state.get(one, {}).get("momentum_buffer") for one in parent.parameters()]
    for level in (0, 1):
        list(_Splitter(arm, PROBLEM.task, recipe, 2, "largest cut").split_all(supernets, optimizer, level))
    assert len(supernets.shared) == 4 and len(optimizer.parameters) == 4 * len(momenta)
    for copy in supernets.shared:
        assert all(torch.equal(tensor, before[name]) for name, tensor in copy.state_dict().items())
        own = [optimizer.torch_optimizer.state.get(one, {}).get("momentum_buffer") for one in copy.parameters()]
        assert all(a is b is None or torch.equal(a, b) for a, b in zip(own, momenta, strict=True))


def accuracies(rows):
    return [row["accuracy"] for row in rows if "cell" in row]


def test_arms_differ_by_their_splits_alone():
    whole = accuracies(job(ONE_SHOT, 6, (0.99,)))
    assert len(whole) == 3 and all(0 <= accuracy <= 100 for accuracy in whole)
    for arm in (RANDOM, EXHAUSTIVE, MATCHED):
        assert accuracies(job(arm, 6, (0.99,))) == whole  # split when all steps are done
    assert accuracies(job(EXHAUSTIVE, 8, (0.25,))) != accuracies(job(ONE_SHOT, 8, (0.25,)))


@pytest.mark.parametrize(
    ("arm", "splits", "leaves", "passes"),
    [(ONE_SHOT, 0, 1, 0), (RANDOM, 3, 4, 0), (EXHAUSTIVE, 1, 4, 0), (MATCHED, 3, 4, 2 * (19 + 2 * 16))],
)
def test_a_job_tells_of_every_split_and_of_its_costs(arm, splits, leaves, passes):
    rows = job(arm, 4, (0.25, 0.5))
    told = [row for row in rows if "level" in row]
    (spent,) = (row for row in rows if "leaves" in row)
    assert len(told) == splits and spent == {"steps": 4, "passes": 4 + passes, "leaves": leaves}
    assert all(row["seconds"] > 0 and set(row["kept"].split(", ")) < set(OPERATIONS) for row in told)
    pairs = [row for row in rows if "first" in row]
    assert len(pairs) == (36 if arm == MATCHED else 0) and all(0 <= row["first"] <= 2 for row in pairs)
    assert len({row["first"] for row in pairs}) == len(pairs)


def test_the_likelihood_is_that_of_the_right_classes_of_validation_images():
    (row,) = (row for row in job(ONE_SHOT) if row.get("cell") == 1)
    assert row["likelihood"] < 0 and np.exp(row["likelihood"]) < 1


def test_equal_passes_are_steps_and_those_of_the_splits():
    (spent,) = (row for row in job(EQUAL_PASSES, 40) if "leaves" in row)
    assert spent == {"steps": 2, "passes": 40, "leaves": 2}
    with pytest.raises(ValueError, match="^38 passes to find splits leave no step for training: give more steps, or fewer"):
        job(EQUAL_PASSES, 38)


def test_an_arm_that_does_not_exist_is_told():
    with pytest.raises(ValueError, match="^unknown arm 'GM'; known: one-shot, random split, "):
        job("GM")
    assert {ONE_SHOT, RANDOM, EXHAUSTIVE, MATCHED, EQUAL_PASSES} == set(ARMS)


def test_distances_are_summed_up():
    halves = [("a", "b", 0.1, 0.3), ("a", "c", 0.5, 0.5), ("b", "c", 0.9, 0.7)]
    rows = [
        {"task": "few", "seed": seed, "at": "edge", "one": one, "other": other, "first": x, "second": 1 - y if seed else y}
        for seed in (0, 1)
        for one, other, x, y in halves
    ]
    found = pd.DataFrame([*rows, {"task": "few", "seed": 0, "cell": 1}])
    assert repeatability(found).to_dict() == pytest.approx({("few", 0): 1.0, ("few", 1): -1.0})
    means = mean_distances(found[found.seed == 0])
    assert list(means.index) == list(means.columns) == ["a", "b", "c"]
    np.testing.assert_allclose(means, [[0, 0.2, 0.5], [0.2, 0, 0.8], [0.5, 0.8, 0]])
