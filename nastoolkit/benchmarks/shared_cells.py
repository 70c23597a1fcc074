"""One set-up for every way to share weights: cells ranked by supernets that are trained differently, in as many passes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np

from nastoolkit.benchmarks.cells_problem import CellsProblem
from nastoolkit.families import Family
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import Supernet, Supernets
from nastoolkit.tasks import Task
from nastoolkit.training import Fair, PathSampler, Recipe, Sandwich, Uniform, fit, targets_only

Training = Callable[[Any, Task, Recipe], int]  # of a supernet in place; returns the number of passes


@dataclass(frozen=True)
class Sampled:
    """A training along the paths of a sampler, in fewer steps where a step has several paths.

    Attributes:
        make: Function of a module that makes the sampler, from the family, the task, and the recipe with its steps.
    """

    make: Callable[[Family, Task, Recipe], PathSampler]

    def __call__(self, supernet: Supernet, task: Task, recipe: Recipe) -> int:
        """Train in place; the number of passes.

        Raises:
            ValueError: There are fewer passes than a step has paths.
        """
        family = supernet.family
        n_paths = len(self.make(family, task, recipe).draw(0))
        own = replace(recipe, n_steps=recipe.n_steps // n_paths)
        if not own.n_steps:
            raise ValueError(f"{recipe.n_steps} passes are not enough for a step with {n_paths} paths")
        fit(supernet, task, self.make(family, task, own), targets_only, own, progress=False)
        return own.n_steps * n_paths


def single_path(family: Family, task: Task, recipe: Recipe) -> PathSampler:
    """One random path a step."""
    return Uniform(family.space, seed=recipe.seed)


def sandwich(family: Family, task: Task, recipe: Recipe) -> PathSampler:
    """The largest, the smallest and two random paths a step."""
    return Sandwich(family.space, seed=recipe.seed)


def fair(family: Family, task: Task, recipe: Recipe) -> PathSampler:
    """As many paths a step as edges have operations, each operation once on every edge."""
    return Fair(family.space, seed=recipe.seed)


SAMPLED: dict[str, Training] = {"single path": Sampled(single_path), "sandwich": Sampled(sandwich), "FairNAS": Sampled(fair)}


def rank_shared_cells(
    problem: dict[str, Any],
    method: str,
    seed: int,
    n_passes: int,
    batch_size: int,
    learning_rate: float,
    n_calibration: int,
    device: str,
    training: Training,
) -> list[dict[str, Any]]:
    """Train a supernet by some method, and rank cells by what they inherit; a job of a grid, which is given the training.

    Args:
        problem: Values of a :class:`CellsProblem`.
        method: Name of the training.
        seed: Seed of weights, data and paths.
        n_passes: Number of passes forward and backward of a path.
        batch_size: Examples a pass.
        learning_rate: Learning rate of SGD in the beginning of a cosine.
        n_calibration: Training images for batch normalisation.
        device: Where to train.
        training: The method; it gets a plain supernet if it is :class:`Sampled`, else one whose copies can be split.

    Returns:
        A row for each cell: its number ``cell``, and what it inherits, on validation images: its ``accuracy`` in %, and
        ``likelihood``, the mean log-likelihood of the right classes in nats. The same for the cheapest and the most expensive
        cell, by their name ``end``. A row with ``passes``, ``copies`` of the weights in the end, and ``seconds`` of processor
        time of the training.
    """
    given, start = CellsProblem(**problem), process_time()
    supernet = (Supernet if isinstance(training, Sampled) else Supernets)(given.family, seed=seed).to(device)
    how: dict[str, Any] = {"weight_decay": 2.5e-4, "clip_norm": 5.0, "optimizer": "sgd", "warm_up": 0.0}
    passes = training(supernet, given.task, Recipe(n_passes, batch_size, learning_rate, seed=seed, **how))
    spent = {"passes": passes, "copies": len(supernet.copies), "seconds": process_time() - start}
    measure, space = Accuracy(supernet, given.task, n_calibration=n_calibration, progress=False), given.family.space
    cells = [{"cell": number} | inherited(measure, cell) for number, cell in enumerate(given.cells)]
    ends = {"smallest": space.smallest, "largest": space.largest}
    return [*cells, *({"end": name} | inherited(measure, cell) for name, cell in ends.items()), spent]


def inherited(measure: Accuracy, genotype: np.ndarray) -> dict[str, float]:
    """The ``accuracy`` in % of a sub-network, and ``likelihood``, the mean log-likelihood of the right classes in nats."""
    (logits,), classes = measure.predictions(genotype)
    return {"accuracy": measure.task.score(logits, classes), "likelihood": -float(measure.task.loss(logits, classes))}
