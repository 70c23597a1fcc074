"""Accuracies of networks on many tasks as one small file that others can use, and a check that trains some entries again.

Trainings differ in the last bits from machine to machine, and these can grow to whole points of a network that hardly learns,
so a table says what it was made of and with which PyTorch, and :func:`trained_again` says how far its entries are from here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from nastoolkit.families import Family
from nastoolkit.measurements.ground_truth import network_text
from nastoolkit.measurements.side_by_side import score_side_by_side
from nastoolkit.support.files import atomically
from nastoolkit.tasks import LabelledTask
from nastoolkit.training import Recipe

FamilyFor = Callable[[LabelledTask], Family]


def made_of(
    tasks: Sequence[LabelledTask], family_for: FamilyFor, genotypes: np.ndarray, recipe: Recipe, n_repeats: int
) -> dict[str, Any]:
    """What a table of accuracies ``(n_tasks, n, n_repeats)`` depends on, in JSON's types.

    Args:
        tasks: Its tasks.
        family_for: Gives the family of networks for a task.
        genotypes: Sub-networks ``(n, d)``.
        recipe: How each was trained, except for the seed.
        n_repeats: Number of trainings of each for each task.
    """
    families = {task.n_classes: family_for(task) for task in tasks}
    networks = {str(n): [network_text(family, genotype) for genotype in genotypes] for n, family in families.items()}
    settings = {name: value for name, value in recipe.settings.items() if name != "seed"}
    return {"tasks": [task.name for task in tasks], "networks": networks, "recipe": settings, "n_repeats": n_repeats}


def save_accuracies(path: str | Path, measured: np.ndarray, parts: dict[str, Any]) -> None:
    """Write accuracies ``(n_tasks, n, n_repeats)`` with what they are made of, see :func:`made_of`; whole or not at all."""
    about = {"made_of": parts, "torch": torch.__version__}
    with atomically(path) as new, open(new, "wb") as file:  # a file's name would get a suffix
        np.savez_compressed(file, measured=measured, about=json.dumps(about))


def other_parts(path: str | Path, parts: dict[str, Any]) -> list[str]:
    """What a file's accuracies are made of otherwise than of these parts; empty if it fits."""
    with np.load(path) as file:
        about = json.loads(str(file["about"]))["made_of"]
    return [name for name, value in json.loads(json.dumps(parts)).items() if about.get(name) != value]


def load_accuracies(path: str | Path, parts: dict[str, Any]) -> np.ndarray:
    """Accuracies ``(n_tasks, n, n_repeats)`` of a file.

    Args:
        path: File of :func:`save_accuracies`.
        parts: What they have to be made of, see :func:`made_of`.

    Raises:
        ValueError: They are made of something else, or are not one finite number for each task, network and repeat.
    """
    if other := other_parts(path, parts):
        raise ValueError(f"{Path(path).name} was made with other values of {', '.join(other)}")
    with np.load(path) as file:
        measured = file["measured"]
    shape = (len(parts["tasks"]), len(next(iter(parts["networks"].values()))), parts["n_repeats"])
    if measured.shape != shape or not np.isfinite(measured).all():
        raise ValueError(f"{Path(path).name} must have a finite accuracy for each task, network and repeat, {shape}")
    return measured


def trained_again(
    measured: np.ndarray,
    tasks: Sequence[LabelledTask],
    family_for: FamilyFor,
    genotypes: np.ndarray,
    recipe: Recipe,
    n_entries: int,
    seed: int = 0,
) -> pd.DataFrame:
    """Random entries of a table, each trained here once more, alone.

    Args:
        measured: Accuracies ``(n_tasks, n, n_repeats)``; a repeat's number is its seed.
        tasks: The table's tasks.
        family_for: Gives the family of networks for a task.
        genotypes: Its sub-networks ``(n, d)``.
        recipe: How each is trained, except for the seed.
        n_entries: Number of entries, without replacement.
        seed: Draws the entries.

    Returns:
        A row for each entry: ``task``, ``network`` (a row of ``genotypes``), ``repeat``, accuracies ``kept`` and ``again``.
    """
    drawn = np.random.default_rng(seed).choice(measured.size, n_entries, replace=False)
    rows = []
    for place, network, repeat in zip(*np.unravel_index(drawn, measured.shape), strict=True):
        task, own = tasks[place], replace(recipe, seed=int(repeat))
        (found,) = score_side_by_side(family_for(task), genotypes[network], [task], own)
        entry = {"task": task.name, "network": int(network), "repeat": int(repeat)}
        rows.append(entry | {"kept": measured[place, network, repeat], "again": found["score"]})
    return pd.DataFrame(rows)
