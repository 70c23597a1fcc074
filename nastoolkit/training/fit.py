"""The one fit loop: it trains supernets along sampled paths, and sub-networks alone (a supernet along one fixed path)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Task
from nastoolkit.tasks.fitting import adopt_vocabulary, check_outputs
from nastoolkit.threads import threads_for, torch_threads
from nastoolkit.training.distributed import mean_over_processes
from nastoolkit.training.losses import Criterion
from nastoolkit.training.passes import Passes
from nastoolkit.training.recipe import Optimizer, Recipe
from nastoolkit.training.run import Run, Stateful
from nastoolkit.training.samplers import PathSampler


def fit(
    supernet: Supernet,
    task: Task,
    sampler: PathSampler,
    criterion: Criterion,
    recipe: Recipe,
    progress: bool = True,
    resume: str | Path | None = None,
    optimizer: Optimizer | None = None,
) -> np.ndarray:
    """Train the shared weights in place, on the supernet's device, in every process that torchrun started.

    Args:
        supernet: Supernet to train, which is left in evaluation mode; its statistics stay as they were.
        task: Gives the training data of every step.
        sampler: Draws the paths of each step, and learns from them if it can.
        criterion: Turns the task's loss into the loss of a path, which sees a :class:`nastoolkit.training.losses.Step`.
        recipe: Steps, batch size, learning rate.
        progress: Whether to show a bar with the loss of the first path.
        resume: File that keeps the run, so that a killed one continues to the same weights, bit for bit on a CPU. After an
            interrupt the weights are those from before the call, so that the same call continues the run.
        optimizer: Optimiser that continues along its own schedule, if this is one of several stretches of training.

    Returns:
        Loss of the first path at every step, ``(n_steps,)``, on this process's share of the data.

    Raises:
        ValueError: The task's inputs, classes or vocabulary do not fit the supernet, or the file belongs to another run.
    """
    check_outputs(supernet.family, task)
    adopt_vocabulary(supernet, task)
    optimizer = optimizer or Optimizer(supernet.parameters(), recipe)
    average = AveragedModel(supernet, multi_avg_fn=get_ema_multi_avg_fn(recipe.average)) if recipe.average else None
    kept = _kept(supernet, optimizer, average, sampler)
    run = Run(kept, _identity(supernet, task, sampler, criterion, recipe, optimizer) if resume else {}, resume, progress)
    passes = Passes(supernet, task, sampler, criterion, recipe)
    with _training_mode(supernet, average), torch_threads(threads_for(supernet)):
        for step in run.steps(recipe.n_steps):
            losses, probes = passes.step(step)
            optimizer.step()
            if average:
                average.update_parameters(supernet)
            if hasattr(sampler, "feedback"):
                sampler.feedback(step, mean_over_processes(losses), probes)
            run.record(loss=losses[0].item())
    return np.array(run.recorded.get("loss", []))


@contextmanager
def _training_mode(supernet: Supernet, average: AveragedModel | None) -> Iterator[None]:
    """Training mode until the end, when the average becomes the result."""
    supernet.train()
    try:
        yield
        if average:
            supernet.load_state_dict(average.module.state_dict())
    finally:
        supernet.eval()


def _kept(
    supernet: Supernet, optimizer: Optimizer, average: AveragedModel | None, sampler: PathSampler
) -> dict[str, Stateful]:
    """Everything that a step depends on."""
    kept: dict[str, Any] = {"network": supernet, "optimizer": optimizer}
    if average:
        kept["average"] = average
    if hasattr(sampler, "feedback"):
        kept["sampler"] = sampler
    return kept


def _identity(
    supernet: Supernet, task: Task, sampler: PathSampler, criterion: Criterion, recipe: Recipe, optimizer: Optimizer
) -> dict[str, Any]:
    """What must be the same for a run to continue; the weights it starts from represent the seed and earlier stages."""
    paths = str([genotype.tolist() for genotype, _ in sampler.draw(0)])
    names = {"task": task.name, "sampler": type(sampler).__name__, "first paths": paths}
    names["criterion"] = getattr(criterion, "__name__", type(criterion).__name__)
    goes_on = {"steps before": optimizer.n_taken, "recipe of the optimizer": optimizer.recipe.settings}
    return {**supernet.identity, **names, **getattr(criterion, "settings", {}), **recipe.settings, **goes_on}
