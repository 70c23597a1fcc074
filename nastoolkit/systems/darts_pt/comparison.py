"""Jobs of DARTS-PT's notebook: several picks from the same supernets, held against the true accuracies of all cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nastoolkit.benchmarks.members import members
from nastoolkit.families.cells import CellsFamily
from nastoolkit.space import SearchSpace
from nastoolkit.supernets import Supernet
from nastoolkit.systems.darts_pt.search import Darts
from nastoolkit.systems.darts_pt.selection import by_magnitude, by_perturbation, pick, pick_step_by_step, strengths
from nastoolkit.tasks import Task, load_task
from nastoolkit.tasks.fitting import cells_for
from nastoolkit.training import Recipe

MAGNITUDE, PT, PT_MAG, PT_FIXED = "magnitude", "PT", "PT-Mag", "PT, fixed alpha"

PICKS = (MAGNITUDE, PT, PT_MAG, PT_FIXED)


def search_and_pick(
    task_name: str,
    sizes: dict[str, Any],
    seed: int,
    n_steps: int,
    batch_size: int,
    learning_rate: float,
    alpha_rate: float,
    n_tuning: int,
    n_strength: int,
    n_held: int,
    n_looks: int,
    device: str,
) -> list[dict[str, Any]]:
    """Search with and without alphas, and pick cells from both supernets in several ways; a job of a grid.

    Args:
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        sizes: The cells and their skeleton, see :func:`family_of`.
        seed: Seed of weights, halves of the data, batches and the order of edges.
        n_steps: Number of steps of a search, of the weights and of the alphas.
        batch_size: Examples a step.
        learning_rate: Learning rate of the weights in the beginning.
        alpha_rate: Learning rate of the alphas.
        n_tuning: Number of tuning steps after an edge is decided.
        n_strength: Number of tuning steps after one edge is decided, to see how good an operation is.
        n_held: Number of examples that accuracies are measured on.
        n_looks: Number of times that alphas and accuracy are noted on the way.
        device: Where to train.

    Returns:
        A row for each of ``PICKS``: its ``arm`` and ``cell``, the options' places as digits. The rows of :func:`strengths`.
        And ``n_looks`` rows with the ``step``, the supernet's ``accuracy`` in %, and the ``gap``, by how much the share of the
        first option, the one without weights, is above that of the last one, the mean of the edges.
    """
    task = load_task(task_name)
    family = family_of(task, sizes)
    how: dict[str, Any] = {"weight_decay": 3e-4, "clip_norm": 5.0, "optimizer": "sgd", "warm_up": 0.0, "seed": seed}
    recipe = Recipe(n_steps, batch_size, learning_rate, **how)
    learnt, fixed = (Darts(Supernet(family, seed=seed).to(device), task, recipe, rate, n_held) for rate in (alpha_rate, 0.0))
    rows = _looks(learnt, n_steps, n_looks)
    fixed.train(n_steps)
    picked = {MAGNITUDE: pick(learnt), PT: pick_step_by_step(learnt, by_perturbation, n_tuning)}
    picked[PT_MAG] = pick_step_by_step(learnt, by_magnitude, n_tuning)
    picked[PT_FIXED] = pick_step_by_step(fixed, by_perturbation, n_tuning)
    rows += [{"arm": arm, "cell": code(cell)} for arm, cell in picked.items()]
    return rows + strengths(learnt, n_strength)


def _looks(search: Darts, n_steps: int, n_looks: int) -> list[dict[str, Any]]:
    """Train, and tell now and then how large alphas and accuracy are."""
    rows = list[dict[str, Any]]()
    for part in np.array_split(np.arange(n_steps), n_looks):
        search.train(len(part))
        shares = {edge: share.detach() for edge, share in search.shares().items()}
        gap = float(np.mean([float(share[0] - share[-1]) for share in shares.values()]))
        rows.append({"step": search.n_taken, "gap": gap, "accuracy": search.judged(shares)[0]})
    return rows


def family_of(task: Task, sizes: Mapping[str, Any]) -> CellsFamily:
    """Cells for a task.

    Args:
        task: Classification of images.
        sizes: Fields of :class:`nastoolkit.families.cells.Table` that differ from NAS-Bench-201's; ``operations`` are in the
            order of their costs, and the last one is a convolution.
    """
    return cells_for(task, **{**sizes, "operations": tuple(sizes["operations"])})


def code(cell: np.ndarray) -> str:
    """The options' places as digits, such as ``010011``."""
    return "".join(map(str, cell))


def all_cells(space: SearchSpace) -> dict[str, np.ndarray]:
    """Every cell of a space, by its code."""
    return {code(cell): cell for cell in members(space)}
