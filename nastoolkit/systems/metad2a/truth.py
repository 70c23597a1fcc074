"""The tasks and cells of the comparison, and how accurate each cell is on each task: 3,240 trainings in a table that ships."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.families.cells import CellsFamily
from nastoolkit.measurements.accuracy_table import FamilyFor, load_accuracies, made_of, other_parts, save_accuracies
from nastoolkit.measurements.side_by_side import accuracies_side_by_side
from nastoolkit.support.files import beside
from nastoolkit.tasks import LabelledTask
from nastoolkit.tasks.cue_tasks import cue_tasks
from nastoolkit.tasks.fitting import cells_for
from nastoolkit.tasks.images import folders_of_images
from nastoolkit.training import Recipe

TABLE = Path(__file__).with_name("cue_cells.npz")  # of the notebook at its default values, with trains_all


def tasks_of(folder: str, n_tasks: int, n_unseen: int) -> Sequence[LabelledTask]:
    """Tasks, known and unseen ones together: those with cues, or the first data sets in a folder.

    Raises:
        ValueError: There are fewer, or fewer than two would be known or unseen.
    """
    tasks = folders_of_images(folder, n_tasks) if folder else cue_tasks()
    if len(tasks) < n_tasks:
        raise ValueError(f"there are {len(tasks)} tasks with cues, got n_tasks = {n_tasks}")
    if not 2 <= n_unseen <= n_tasks - 2:
        raise ValueError(f"2 to {n_tasks - 2} of {n_tasks} tasks can be unseen, got {n_unseen}")
    return tasks[:n_tasks]


def cells_of(task: LabelledTask, sizes: dict[str, Any]) -> CellsFamily:
    """Cells for a task; ``sizes`` are those of :func:`nastoolkit.tasks.fitting.cells_for`."""
    return cells_for(task, **{name: tuple(value) if isinstance(value, list) else value for name, value in sizes.items()})


def true_accuracies(
    tasks: Sequence[LabelledTask],
    family_for: FamilyFor,
    genotypes: np.ndarray,
    recipe: Recipe,
    n_repeats: int,
    folder: Path,
    n_workers: int = 1,
    is_new: bool = False,
) -> np.ndarray:
    """Test accuracies ``(n_tasks, n, n_repeats)`` of cells, each trained for each task, from the table that ships if it fits.

    Args:
        tasks: The tasks.
        family_for: Gives the family of cells for a task.
        genotypes: Cells ``(n, d)``.
        recipe: How each is trained, except for the seed.
        n_repeats: Trainings of each.
        folder: Where trainings are kept, so that a killed table goes on; the table is the file beside it.
        n_workers: Number of worker processes; 0 trains in this process.
        is_new: Whether to train all cells even if the table that ships fits.
    """
    parts = made_of(tasks, family_for, genotypes, recipe, n_repeats)
    if not is_new and not other_parts(TABLE, parts):
        return load_accuracies(TABLE, parts)
    measured = accuracies_side_by_side(tasks, family_for, genotypes, recipe, range(n_repeats), folder, n_workers)
    save_accuracies(beside(folder, ".npz"), measured, parts)
    return measured
