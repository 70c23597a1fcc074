"""How accurate a network becomes while it is fine-tuned."""

from __future__ import annotations

from collections.abc import Collection

from torch import nn

from nastoolkit.measurements.accuracy import score
from nastoolkit.supernets.calibration import calibrate
from nastoolkit.tasks import Task
from nastoolkit.training import Optimizer, Recipe


def fine_tune(
    network: nn.Module,
    task: Task,
    shape: tuple[int, ...],
    recipe: Recipe,
    looks: Collection[int],
    n_calibration: int = 2000,
    split: str = "test",
) -> dict[int, float]:
    """Train an ordinary network in place.

    Args:
        network: Network with as many outputs as the task has classes.
        task: Gives data, loss and metric.
        shape: Shape of the network's inputs.
        recipe: How it is trained.
        looks: Numbers of steps after which it is scored, calibrated, from 0 to all.
        n_calibration: Number of training images for that.
        split: Split that it is scored on.

    Returns:
        The task's metric by number of steps.
    """
    optimizer, found = Optimizer(network.parameters(), recipe), dict[int, float]()
    for step in range(recipe.n_steps + 1):
        if step in looks:
            calibrate(network, task, shape, n_calibration)
            found[step] = score(network, task, task.split(split), shape=shape)
        if step < recipe.n_steps:
            batch = task.batch(step, recipe.batch_size, recipe.seed).at(shape)
            task.loss(network.train()(batch.inputs), batch.targets, recipe.label_smoothing).backward()
            optimizer.step()
    return found
