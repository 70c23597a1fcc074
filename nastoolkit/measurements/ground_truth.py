"""Ground truth: sub-networks trained alone from several seeds; each training is kept once, for everyone who needs it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from nastoolkit.families import Family
from nastoolkit.latency.table_file import block_text
from nastoolkit.measurements.accuracy import StandAloneAccuracy
from nastoolkit.studies import run_grid
from nastoolkit.studies.results import Row
from nastoolkit.tasks import Task
from nastoolkit.training import Recipe


def ground_truth(
    family: Family,
    task: Task,
    recipe: Recipe,
    genotypes: np.ndarray,
    seeds: Iterable[int],
    folder: str | Path = "runs/ground_truth",
    split: str = "validation",
    n_workers: int = 1,
    progress: bool = True,
    device: str = "cpu",
) -> np.ndarray:
    """The task's metric for sub-networks that are trained alone, with which a supernet's ranking can be compared.

    ``nastoolkit.statistics.tau_ceiling`` of the values says how reliable it is, by comparing halves of the seeds.

    Args:
        family: Gives the networks; worker processes get it as it is.
        task: Gives data, loss and metric; files identify it by its name.
        recipe: How each network is trained, except for the seed.
        genotypes: Sub-networks ``(n, d)``.
        seeds: Random seeds; every sub-network is trained once with each.
        folder: Folder of all trainings, of any family and task; those with the same plan, recipe, task and seed are one.
        split: Split that networks are scored on.
        n_workers: Number of worker processes, of one thread each; 0 trains in this process.
        progress: Whether to show a progress bar.
        device: Device for training and scoring.

    Returns:
        The metric ``(n, n_seeds)``, in its unit.

    Raises:
        ValueError: The task's inputs or classes do not fit the family's networks.
        nastoolkit.studies.JobsError: A training failed. All others are finished first.
    """
    genotypes, seeds = np.atleast_2d(genotypes), list(seeds)
    measures = {
        seed: StandAloneAccuracy(family, task, replace(recipe, seed=seed), split, progress=False, device=device)
        for seed in seeds
    }
    asked = [(network_text(family, genotype), seed) for genotype in genotypes for seed in seeds]
    paths = [genotype for genotype in genotypes for _ in seeds]
    calls = {(network, seed): (measures[seed], path) for (network, seed), path in zip(asked, paths, strict=True)}
    jobs = [_job(network, measure) for (network, _), (measure, _) in calls.items()]
    given = [{"measure": measure, "genotype": path} for measure, path in calls.values()]
    rows = run_grid(train_alone, jobs, folder, version=1, n_workers=n_workers, progress=progress, given=given)
    found = dict(zip(calls, rows["alone"] if jobs else [], strict=True))
    return np.array([found[one] for one in asked], dtype=float).reshape(len(genotypes), len(seeds))


def train_alone(measure: StandAloneAccuracy, genotype: np.ndarray) -> list[dict[str, float]]:
    """One row with the metric of one sub-network trained alone, in column ``alone``."""
    return [{"alone": float(measure(genotype).item())}]


def network_text(family: Family, genotype: np.ndarray) -> str:
    """Hash of a network's plan and of what joins its blocks; equal hashes mean the same network, from any family."""
    blocks = [(name, block_text(spec)) for name, spec in family.plan(genotype)]
    return hashlib.sha256(repr((type(family).assemble.__qualname__, blocks)).encode()).hexdigest()[:16]


def _job(network: str, measure: StandAloneAccuracy) -> Row:
    """Everything that a training's result depends on."""
    recipe = {f"recipe.{name}": value for name, value in measure.recipe.settings.items()}
    where = {"task": measure.task.name, "split": measure.split, "torch": torch.__version__}
    return {"network": network, **where, **recipe}
