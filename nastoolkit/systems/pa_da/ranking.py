"""Supernets trained with several path samplers: how much their gradients vary, and how well they rank cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from nastoolkit.benchmarks.cells_problem import CellsProblem
from nastoolkit.families import Family
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import Supernet
from nastoolkit.systems.pa_da.importance import ImportanceSampler
from nastoolkit.tasks import Task
from nastoolkit.training import Fair, Optimizer, PathSampler, Recipe, Uniform, fit, targets_only
from nastoolkit.training.passes import Passes
from nastoolkit.training.probes import gradients, norm, variance

SPOS, PATHS, EXAMPLES, BOTH = "SPOS", "PA", "DA", "PA&DA"
FAIR, FAIR_STEPS = "FairNAS, equal passes", "FairNAS, equal steps"
ARMS = (SPOS, FAIR, FAIR_STEPS, PATHS, EXAMPLES, BOTH)
N_CHECKPOINTS = 4
UNSEEN = 10**6  # number of a step that no training reaches


def rank_cells(
    problem: dict[str, Any],
    arm: str,
    seed: int,
    n_steps: int,
    batch_size: int,
    learning_rate: float,
    n_gradients: int,
    n_calibration: int,
    device: str,
) -> list[dict[str, Any]]:
    """Train a supernet, measure its gradients in between, and rank cells by their inherited accuracy; a job of a grid.

    Args:
        problem: Values of a :class:`CellsProblem`.
        arm: One of ``ARMS``.
        seed: Seed of weights, data and paths.
        n_steps: Number of training steps; ``FAIR`` has fewer, for the same number of passes along paths.
        batch_size: Number of examples in a step.
        learning_rate: Initial learning rate of SGD.
        n_gradients: Number of steps, and of paths, for measuring variances.
        n_calibration: Number of training images that calibrate batch normalisation.
        device: Device for training.

    Returns:
        A row for each quarter of the training, see :func:`spread`, with the ``trained`` share in %; then one for each cell:
        its number ``cell``, and its inherited ``accuracy`` on validation images in %.

    Raises:
        ValueError: There is no such arm.
    """
    if arm not in ARMS:
        raise ValueError(f"unknown arm {arm!r}; known: {'; '.join(ARMS)}")
    given = CellsProblem(**problem)
    supernet = Supernet(given.family, seed=seed).to(device)
    how: dict[str, Any] = {"weight_decay": 2.5e-4, "clip_norm": 5.0, "optimizer": "sgd", "warm_up": 0.0}
    n_quarter = n_steps // N_CHECKPOINTS // (len(given.family.space.choices[0].options) if arm == FAIR else 1)
    recipe = Recipe(n_quarter * N_CHECKPOINTS, batch_size, learning_rate, seed=seed, **how)
    rows = list(_quarters(supernet, given.task, arm, recipe, n_gradients))
    found = Accuracy(supernet, given.task, n_calibration=n_calibration, progress=False)(given.cells)[:, 0]
    return rows + [{"cell": number, "accuracy": float(accuracy)} for number, accuracy in enumerate(found)]


def _quarters(supernet: Supernet, task: Task, arm: str, recipe: Recipe, n: int) -> Iterator[dict[str, Any]]:
    """Train a supernet in place, and report after each quarter how much gradients vary."""
    optimizer, samplers = Optimizer(supernet.parameters(), recipe), _samplers(supernet.family, task, arm, recipe)
    for number, sampler in enumerate(samplers, start=1):
        own = replace(recipe, n_steps=recipe.n_steps // N_CHECKPOINTS, seed=N_CHECKPOINTS * recipe.seed + number)
        fit(supernet, task, sampler, targets_only, own, progress=False, optimizer=optimizer)
        done = {"trained": 100 * number // N_CHECKPOINTS, "passes": number * own.n_steps * len(sampler.draw(0))}
        yield {**done, **spread(supernet, task, sampler, own, n)}


def _samplers(family: Family, task: Task, arm: str, recipe: Recipe) -> list[PathSampler]:
    """The sampler of each quarter; one that learns goes through all of them."""
    if arm in (PATHS, EXAMPLES, BOTH):
        return [by_importance(family, task, recipe, arm != EXAMPLES, arm != PATHS)] * N_CHECKPOINTS
    make = Uniform if arm == SPOS else Fair
    return [make(family.space, seed=N_CHECKPOINTS * recipe.seed + number) for number in range(N_CHECKPOINTS)]


def by_importance(family: Family, task: Task, recipe: Recipe, paths: bool = True, examples: bool = True) -> ImportanceSampler:
    """The sampler of a whole training, whose epochs are those of the task, or a half of a training that is shorter."""
    n_epoch = max(1, min(task.n_rows // recipe.batch_size, recipe.n_steps // 2))
    return ImportanceSampler(family, task.n_rows, recipe.n_steps, n_epoch, recipe.seed, paths, examples)


def spread(supernet: Supernet, task: Task, sampler: PathSampler, recipe: Recipe, n: int) -> dict[str, float]:
    """How much gradients vary at the current weights.

    Returns:
        ``variance`` of the gradients over n steps drawn by the sampler; ``noise``, its share in % of their mean square;
        ``mmacs``, the mean MACs of its paths, in millions; the result of :func:`path_variances` for n random paths on one
        batch; and the probability of each option, as ``p OPTION``, if the sampler has such probabilities.
    """
    supernet.train()
    passes, paths = Passes(supernet, task, sampler, targets_only, recipe), supernet.family.space.sample(n, _rng(recipe))
    samples = [_gradients(passes, UNSEEN + number) for number in range(n)]
    drawn = np.stack([path for number in range(n) for path, _ in sampler.draw(UNSEEN + number)])
    spent = {"mmacs": float(supernet.family.mmacs(drawn).mean()), "variance": variance(samples) * n / (n - 1)}
    spent["noise"] = float(100 * spent["variance"] / np.mean([norm(sample) ** 2 for sample in samples]))
    likely = sampler.probability(paths) if isinstance(sampler, ImportanceSampler) else None
    found = path_variances(supernet, task, recipe, paths, likely)
    supernet.eval()
    return spent | found | (sampler.told if isinstance(sampler, ImportanceSampler) else {})


def _rng(recipe: Recipe) -> np.random.Generator:
    return np.random.default_rng([recipe.seed, UNSEEN])


def _gradients(passes: Passes, number: int) -> dict[str, torch.Tensor]:
    """The gradients of a step, which leaves no traces."""
    passes.step(number)
    weights = dict(passes.supernet.named_parameters())
    found = {name: torch.zeros_like(one) if one.grad is None else one.grad for name, one in weights.items()}
    passes.supernet.zero_grad()
    return found


def path_variances(
    supernet: Supernet, task: Task, recipe: Recipe, paths: np.ndarray, probabilities: np.ndarray | None = None
) -> dict[str, float]:
    """Variance of the unbiased estimator of n paths' mean gradient on one batch, in closed form ([Lu2023]).

    Args:
        supernet: Supernet in training mode.
        task: Task with the batch and the loss.
        recipe: Recipe with the size and seed of the batch.
        paths: Paths ``(n, d)``, of which one is drawn.
        probabilities: Probability of each path ``(n,)``; by default all are equal.

    Returns:
        The variance if paths are drawn with these probabilities (``own``), uniformly (``uniform``), or in proportion to the
        norms of their gradients (``optimal``).
    """
    batch = task.batch(UNSEEN, recipe.batch_size, recipe.seed).at(supernet.family.input_shape(paths[0]))
    batch = batch.to(next(supernet.parameters()).device)
    samples = [gradients(task.loss(supernet(batch.inputs, path), batch.targets), supernet) for path in paths]
    norms = np.array([norm(sample) for sample in samples])
    drawn = {"own": probabilities, "uniform": None, "optimal": norms / norms.sum()}
    return {name: variance(samples, None if p is None else p.tolist()) for name, p in drawn.items()}


def lower_variances(found: pd.DataFrame) -> pd.DataFrame:
    """How much less gradients vary with PA&DA, at each quarter of the training; larger values mean a larger reduction.

    Returns:
        A row for each task, seed and quarter: ``practice``, the ``noise`` of SPOS minus that of PA&DA, in points. Then
        100 times the logarithms of ratios of variances, which are about percentages if small: ``raw``, SPOS over PA&DA;
        ``theory`` and ``at best``, for the unbiased estimator with uniform probabilities over PA&DA's and over the optimal
        ones, at PA&DA's weights.
    """
    at = found.dropna(subset="trained").set_index(["task", "seed", "trained"])
    ours, other = at[at.arm == BOTH], at[at.arm == SPOS]
    ratios = {"raw": other["variance"] / ours["variance"]}
    ratios |= {"theory": ours["uniform"] / ours["own"], "at best": ours["uniform"] / ours["optimal"]}
    lower = {name: 100 * np.log(ratio) for name, ratio in ratios.items()}
    return pd.DataFrame({"practice": other["noise"] - ours["noise"], **lower}).reset_index()
