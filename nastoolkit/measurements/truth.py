"""Ground truth for studies of weight sharing: sub-networks trained alone with several seeds, each run once and then kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nastoolkit.families import Family
from nastoolkit.measurements.accuracy import StandAloneAccuracy
from nastoolkit.support.files import atomically
from nastoolkit.tasks import Task
from nastoolkit.training import Recipe


def ground_truth(
    family: Family, task: Task, recipe: Recipe, genotypes: np.ndarray, seeds: Sequence[int], folder: str | Path
) -> np.ndarray:
    """The task's metric on validation data of sub-networks trained alone, ``(n, n_seeds)``.

    How far their ranking can be trusted, :func:`nastoolkit.statistics.tau_ceiling` tells from split halves.

    Args:
        family: Gives the networks; they start from slices of its fresh weights.
        task: Gives data, loss and metric.
        recipe: How each network is trained; its seed is replaced.
        genotypes: ``(n, d)``.
        seeds: Seeds of weights and data.
        folder: Where every run's value is kept, for all who ask for it: a run depends on the family, the network, the recipe,
            the task and the seed. Several processes may share it.
    """
    measures = [StandAloneAccuracy(family, task, replace(recipe, seed=seed), progress=False) for seed in seeds]
    rows = family.space.canonical(np.atleast_2d(genotypes))
    return np.array([[_kept(measure, genotype, Path(folder)) for measure in measures] for genotype in rows])


def _kept(measure: StandAloneAccuracy, genotype: np.ndarray, folder: Path) -> float:
    """The value of a run, from its file if there is one."""
    identity = {**measure.settings, "plan": repr(measure.family.plan(genotype))}
    text = json.dumps(identity, sort_keys=True)
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"
    if not file.exists():
        value = float(measure(genotype).item())
        with atomically(file) as new:
            new.write_text(json.dumps({"value": value, **identity}))
    return float(json.loads(file.read_text())["value"])
