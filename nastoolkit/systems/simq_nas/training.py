"""A new supernet for the search if none ships with the package."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.families import FAMILIES
from nastoolkit.supernets import Supernet, save_supernet
from nastoolkit.tasks import load_task
from nastoolkit.training import Recipe, Sandwich, in_place_distillation
from nastoolkit.training.shrinking import Stage, fit_stages


def trained(family_name: str, task_name: str, n_steps: int, folder: str) -> list[dict[str, Any]]:
    """Train a new supernet: half of the steps along its largest network, then by the sandwich rule; a job of a grid.

    Returns:
        A row: the ``checkpoint``, and the MACs of all forward passes of its training, ``training_tmacs`` in 10^12.
    """
    task, supernet = load_task(task_name), Supernet(FAMILIES[family_name]())
    family, space = supernet.family, supernet.family.space
    largest = Stage("largest", space.restrict({name: [option] for name, option in space.decode(space.largest).items()}))
    recipe, samplers = Recipe(n_steps=n_steps // 2), partial(Sandwich, n_random=1)
    stages, file = [largest, Stage("all", space)], Path(folder) / f"{family_name}.safetensors"
    Path(folder).mkdir(parents=True, exist_ok=True)
    fit_stages(supernet, task, stages, samplers, in_place_distillation, [recipe] * 2, folder, False, one_optimizer=True)
    paths = np.concatenate([[genotype for genotype, _ in samplers(space).draw(step)] for step in range(recipe.n_steps)])
    macs = recipe.n_steps * float(family.macs(family.largest)) + float(family.macs(paths).sum())
    return [{"checkpoint": str(save_supernet(supernet, file)), "training_tmacs": recipe.batch_size * macs / 1e12}]
