"""A network is scored when it was asked for, and learns as the loop of all trainings has it learn."""

import copy

import numpy as np
import pytest
import torch

from nastoolkit.measurements.accuracy import score
from nastoolkit.measurements.fine_tuning import fine_tune
from nastoolkit.supernets import Supernet
from nastoolkit.supernets.calibration import calibrate
from nastoolkit.tasks.task_family import DigitTask
from nastoolkit.training import Optimizer, Recipe

TASK = DigitTask((0, 1, 4), n_train=60, n_held_out=45)
RECIPE = Recipe(12, batch_size=20, learning_rate=0.02, seed=3)


@pytest.fixture
def network(tiny):
    family = tiny.with_classes(3)
    return Supernet(family, seed=1).extract(family.space.smallest), family.input_shape(family.space.smallest)


def test_scores_are_those_of_an_ordinary_training(network):
    ours, theirs = copy.deepcopy(network[0]), network[0]
    found = fine_tune(ours, TASK, network[1], RECIPE, [0, 12], n_calibration=60)
    wanted, optimizer = [], Optimizer(theirs.parameters(), RECIPE)
    for step in range(13):
        if step in (0, 12):
            wanted.append(score(calibrate(theirs, TASK, network[1], 60), TASK, TASK.split("test"), shape=network[1]))
        if step < 12:
            batch = TASK.batch(step, 20, 3).at(network[1])
            torch.nn.functional.cross_entropy(theirs.train()(batch.inputs), batch.targets).backward()
            optimizer.step()
    assert found == dict(zip([0, 12], wanted, strict=True))
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)


def test_it_learns(network):
    found = fine_tune(network[0], TASK, network[1], RECIPE, [0, 12], n_calibration=60, split="train")
    assert found[12] > found[0] + 15


def test_a_look_changes_nothing(network):
    few = fine_tune(copy.deepcopy(network[0]), TASK, network[1], RECIPE, [12], n_calibration=60)
    many = fine_tune(network[0], TASK, network[1], RECIPE, range(13), n_calibration=60)
    assert few[12] == many[12] and list(many) == list(np.arange(13))
