"""The one fit loop: supernets along sampled paths, and sub-networks alone (a supernet along one fixed path)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from nastoolkit.blocks import device_of
from nastoolkit.families import Family
from nastoolkit.randomness import drawn_from
from nastoolkit.supernets import Supernet
from nastoolkit.support.interrupts import explain_resume
from nastoolkit.tasks import Split, Task
from nastoolkit.tasks.fitting import check_inputs, check_outputs
from nastoolkit.training.distributed import rank, replicated, share
from nastoolkit.training.losses import Criterion, PathLoss
from nastoolkit.training.run import PRECISIONS, Recipe, Run, restored_on_interrupt
from nastoolkit.training.samplers import PathSampler


def fit(
    supernet: Supernet,
    task: Task,
    sampler: PathSampler,
    criterion: Criterion,
    recipe: Recipe,
    progress: bool = True,
    resume: str | Path | None = None,
) -> np.ndarray:
    """Train the shared weights in place, on the supernet's device, in every process that torchrun started.

    Args:
        supernet: Left in evaluation mode; its statistics are as they were.
        task: Gives the training data of every step.
        sampler: Draws the paths of each step.
        criterion: Makes of the task's loss the loss of ``(outputs, targets, outputs of the step's first path or None)``.
        recipe: Steps, batch size, learning rate.
        progress: Show a bar with the loss of the first path.
        resume: File that keeps the run, so that a killed one goes on to the same weights, bit for bit on a CPU. After an
            interrupt the weights are those of before, so that the same call goes on.

    Returns:
        Loss of the first path at every step, ``(n_steps,)``, on this process's share of the data.

    Raises:
        ValueError: The task's inputs or classes are not those of the family's networks, or the file is of another run.
    """
    check_outputs(supernet.family, task)
    with restored_on_interrupt(supernet, resume is not None), _in_training_mode(supernet):
        run = Run(supernet, recipe, _identity(supernet, task, sampler, criterion, recipe) if resume else {}, resume)
        path_loss = criterion(partial(task.loss, label_smoothing=recipe.label_smoothing))
        network, device = replicated(supernet), device_of(supernet)
        bar = tqdm(desc="training", total=recipe.n_steps, initial=run.step, disable=not progress, mininterval=2.0)
        with explain_resume(run.stop), bar:
            while run.step < recipe.n_steps:
                batch = share(task.batch(run.step, recipe.batch_size, recipe.seed)).to(device)
                check_inputs(supernet.family, task, batch.inputs)
                with _randomness(recipe.seed, run.step):
                    loss = _accumulate_gradients(
                        network, supernet.family, batch, sampler.draw(run.step), path_loss, recipe.precision
                    )
                run.update(loss)
                bar.update()
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        run.finish()
    return run.losses.numpy()


@contextmanager
def _in_training_mode(supernet: Supernet) -> Iterator[None]:
    supernet.train()
    try:
        yield
    finally:
        supernet.eval()


def _accumulate_gradients(
    network: nn.Module,
    family: Family,
    batch: Split,
    paths: list[tuple[np.ndarray, float]],
    path_loss: PathLoss,
    precision: str,
) -> float:
    """Backpropagate every path of a step, each at its own input size; the loss of the first one."""
    teacher, first_loss = None, 0.0
    for genotype, weight in paths:
        images = batch.at(family.input_shape(genotype))
        with torch.autocast(batch.targets.device.type, PRECISIONS[precision], enabled=precision != "float32"):
            outputs = network(images.inputs, genotype)
            loss = path_loss(outputs, images.targets, teacher)
        (weight * loss).backward()
        if teacher is None:
            teacher, first_loss = outputs.detach(), loss.item()
    return first_loss


def _randomness(seed: int, step: int) -> drawn_from:
    """Dropout that depends on the step and the process alone."""
    return drawn_from(int(np.random.SeedSequence([seed, step, rank()]).generate_state(1)[0]))


def _identity(supernet: Supernet, task: Task, sampler: PathSampler, criterion: Criterion, recipe: Recipe) -> dict[str, Any]:
    """What must be the same for a run to go on; the weights it starts from stand for seed and stages before."""
    names = {**supernet.identity, "task": task.name, "sampler": type(sampler).__name__}
    paths = str([genotype.tolist() for genotype, _ in sampler.draw(0)])
    names["criterion"] = getattr(criterion, "__name__", type(criterion).__name__)
    return {**names, "first paths": paths, **asdict(recipe)}
