"""Small networks of one plan, trained side by side for several tasks: each as it would be alone, in half of the time or less.

A step of a small network takes as long as its many small operations take to start. One operation for all networks starts once.

Differs from :class:`nastoolkit.measurements.StandAloneAccuracy` in: gradients are not clipped; and there is no dropout.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, replace_all_batch_norm_modules_, stack_module_state, vmap

from nastoolkit.families import Family
from nastoolkit.measurements.accuracy import score
from nastoolkit.measurements.ground_truth import network_text
from nastoolkit.randomness import drawn_from
from nastoolkit.studies import run_grid
from nastoolkit.studies.results import Row
from nastoolkit.supernets.calibration import calibrate
from nastoolkit.tasks import LabelledTask, Task
from nastoolkit.tasks.fitting import check_inputs, check_outputs
from nastoolkit.training import Optimizer, Recipe


def train_side_by_side(family: Family, genotype: np.ndarray, tasks: Sequence[Task], recipe: Recipe) -> list[nn.Module]:
    """Train a network of the same plan for each of several tasks, all from the same weights.

    Args:
        family: Gives the network.
        genotype: ``(d,)``.
        tasks: Tasks with inputs of one shape and as many classes each, and with one kind of loss.
        recipe: How each is trained; its seed is that of weights and batches.

    Returns:
        The networks, whose statistics of batch normalisation are not set.

    Raises:
        ValueError: The inputs or classes of a task do not fit the family's networks.
    """
    for task in tasks:
        check_inputs(family, task, next(task.split("train").batches(1)).inputs)
        check_outputs(family, task)
    with drawn_from(recipe.seed):
        first = family.build(genotype)
    shape, skeleton = family.input_shape(genotype), replace_all_batch_norm_modules_(deepcopy(first))
    weights, _ = stack_module_state([skeleton] * len(tasks))
    without = deepcopy(skeleton).to("meta")

    def loss(own: dict[str, torch.Tensor], inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return tasks[0].loss(functional_call(without, own, (inputs,)), targets, recipe.label_smoothing)

    gradients, optimizer = vmap(grad(loss)), Optimizer(weights.values(), replace(recipe, clip_norm=float("inf")))
    for step in range(recipe.n_steps):
        batches = [task.batch(step, recipe.batch_size, recipe.seed).at(shape) for task in tasks]
        inputs: Any = [batch.inputs for batch in batches]
        with warnings.catch_warnings():  # global pooling runs network by network, which costs little here
            warnings.filterwarnings("ignore", "There is a performance drop")
            found = gradients(weights, torch.stack(inputs), torch.stack([batch.targets for batch in batches]))
        for name, weight in weights.items():
            weight.grad = found[name]
        optimizer.step()
    return [_with(first, {name: weight[place] for name, weight in weights.items()}) for place in range(len(tasks))]


def _with(network: nn.Module, weights: dict[str, torch.Tensor]) -> nn.Module:
    """A copy of a network with other weights."""
    copy = deepcopy(network)
    for name, parameter in copy.named_parameters():
        parameter.data = weights[name].detach().clone()
    return copy


def accuracies_side_by_side(
    tasks: Sequence[LabelledTask],
    family_for: Callable[[LabelledTask], Family],
    genotypes: np.ndarray,
    recipe: Recipe,
    seeds: Iterable[int],
    folder: str | Path,
    n_workers: int = 1,
) -> np.ndarray:
    """The metric of networks that are trained for each of several tasks; a table of what is best for which task.

    Args:
        tasks: Tasks; those with as many classes are trained side by side.
        family_for: Gives the family of networks for a task, with the same choices for all.
        genotypes: Sub-networks ``(n, d)``.
        recipe: How each is trained, except for the seed.
        seeds: Seeds of weights and batches; every network is trained once with each.
        folder: Folder of results; what is finished is kept there.
        n_workers: Number of worker processes; 0 trains in this process.

    Returns:
        The metric on test data, ``(n_tasks, n, n_seeds)``.
    """
    n_classes, seeds = np.array([task.n_classes for task in tasks]), list(seeds)
    found = np.empty((len(tasks), len(genotypes), len(seeds)))
    for number in np.unique(n_classes):
        places = np.flatnonzero(n_classes == number)
        own = [tasks[place] for place in places.tolist()]
        family, calls = family_for(own[0]), list(product(genotypes, seeds))
        asked = [_job(family, genotype, own, replace(recipe, seed=seed)) for genotype, seed in calls]
        given = [{"family": family, "genotype": g, "tasks": own, "recipe": replace(recipe, seed=seed)} for g, seed in calls]
        rows = run_grid(score_side_by_side, asked, folder, version=1, n_workers=n_workers, given=given)
        found[places] = rows.score.to_numpy().reshape(len(genotypes), len(seeds), len(own)).transpose(2, 0, 1)
    return found


def score_side_by_side(
    family: Family, genotype: np.ndarray, tasks: Sequence[Task], recipe: Recipe
) -> list[dict[str, float | str]]:
    """Rows with the test ``score`` of each ``task`` for a network that is trained for it, calibrated."""
    rows, shape = list[dict[str, float | str]](), family.input_shape(genotype)
    for task, network in zip(tasks, train_side_by_side(family, genotype, tasks, recipe), strict=True):
        calibrate(network, task, shape)
        rows.append({"task": task.name, "score": score(network, task, task.split("test"), shape=shape)})
    return rows


def _job(family: Family, genotype: np.ndarray, tasks: Sequence[Task], recipe: Recipe) -> Row:
    """Everything that the results of a network depend on."""
    settings = {f"recipe.{name}": value for name, value in recipe.settings.items()}
    names = [task.name for task in tasks]
    return {"network": network_text(family, genotype), "tasks": names, "torch": torch.__version__, **settings}
