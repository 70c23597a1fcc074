"""Sub-networks that are trained alone, a job of a grid each: the ground truth that a supernet's ranking is held against."""

from __future__ import annotations

from typing import Any

import numpy as np

from nastoolkit.families import FAMILIES
from nastoolkit.measurements.accuracy import StandAloneAccuracy
from nastoolkit.tasks import load_task
from nastoolkit.training import Recipe


def train_alone(family_name: str, task_name: str, genotype: list[int], recipe: dict[str, Any]) -> list[dict[str, float]]:
    """Train one sub-network alone, from fresh weights.

    Args:
        family_name: Key of ``FAMILIES``.
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        genotype: Sub-network.
        recipe: Values of a :class:`nastoolkit.training.Recipe`.

    Returns:
        One row, with the task's metric on validation data as ``alone``.
    """
    measure = StandAloneAccuracy(FAMILIES[family_name](), load_task(task_name), Recipe(**recipe), progress=False)
    return [{"alone": float(measure(np.array(genotype)).item())}]
