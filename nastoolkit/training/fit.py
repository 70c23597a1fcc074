"""The one fit loop: supernets along sampled paths, and sub-networks alone (a supernet along one fixed path)."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi

import numpy as np
import torch
from tqdm.auto import trange

from nastoolkit.supernet import Supernet
from nastoolkit.tasks import Split, Task
from nastoolkit.training.losses import Criterion
from nastoolkit.training.samplers import PathSampler


@dataclass(frozen=True)
class Recipe:
    """Optimisation settings: AdamW with a linear warm-up over a tenth of the steps, then a cosine to zero.

    Attributes:
        n_steps: Optimiser steps; each runs every path that the sampler draws, on the same batch.
        batch_size: Inputs a step.
        learning_rate: At its peak.
        clip_norm: Bound on the norm of all gradients together.
        seed: For the data.
    """

    n_steps: int
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    clip_norm: float = 2.0
    seed: int = 0

    def learning_rate_at(self, step: int) -> float:
        """Share of the peak learning rate in 0..1."""
        warm_up = self.n_steps // 10
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + cos(pi * (step - warm_up) / max(1, self.n_steps - warm_up)))


def fit(
    supernet: Supernet,
    task: Task,
    sampler: PathSampler,
    criterion: Criterion,
    recipe: Recipe,
    progress: bool = True,
) -> np.ndarray:
    """Train the shared weights in place.

    Args:
        supernet: Left in evaluation mode; its statistics are as they were.
        task: Gives the training data of every step.
        sampler: Draws the paths of each step.
        criterion: Loss of ``(outputs, targets, outputs of the step's first path or None)``.
        recipe: Steps, batch size, learning rate.
        progress: Show a bar with the loss of the first path.

    Returns:
        Loss of the first path at every step, ``(n_steps,)``.
    """
    optimizer = torch.optim.AdamW(supernet.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, recipe.learning_rate_at)
    losses = np.zeros(recipe.n_steps)
    supernet.train()
    for step in (bar := trange(recipe.n_steps, desc="training", disable=not progress, mininterval=2.0)):
        batch = task.batch(step, recipe.batch_size, recipe.seed)
        losses[step] = _accumulate_gradients(supernet, batch, sampler.draw(step), criterion)
        torch.nn.utils.clip_grad_norm_(supernet.parameters(), recipe.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        bar.set_postfix(loss=f"{losses[step]:.3f}", refresh=False)
    supernet.eval()
    return losses


def _accumulate_gradients(
    supernet: Supernet, batch: Split, paths: list[tuple[np.ndarray, float]], criterion: Criterion
) -> float:
    """Backpropagate every path of a step; the loss of the first one."""
    teacher, first_loss = None, 0.0
    for genotype, weight in paths:
        outputs = supernet(batch.inputs, genotype)
        loss = criterion(outputs, batch.targets, teacher)
        (weight * loss).backward()
        if teacher is None:
            teacher, first_loss = outputs.detach(), loss.item()
    return first_loss
