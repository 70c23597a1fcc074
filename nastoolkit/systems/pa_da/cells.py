"""Cells of NAS-Bench-201 to be ranked, and their true accuracies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.families.cells import OPERATIONS, CellsFamily
from nastoolkit.measurements import ground_truth
from nastoolkit.published import nas_bench_201, nas_bench_201_short
from nastoolkit.published.nas_bench_201 import rows_of_cells
from nastoolkit.tasks import Task, load_task
from nastoolkit.tasks.fitting import cells_for
from nastoolkit.training import Recipe

TRUTHS = ("alone", "12 epochs", "200 epochs")
MOSTLY = 4  # of six edges without weights


@dataclass(frozen=True, kw_only=True)
class CellsProblem:
    """Cells of NAS-Bench-201 in a skeleton of any size, and how good they truly are.

    Attributes:
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        truth: ``alone``, or ``12 epochs`` or ``200 epochs``, as published for CIFAR-10.
        image_size: Height and width of what networks see.
        channels: Channels of the first stage.
        n_cells: Cells of a stage.
        n_judged: Number of cells that are ranked, always the same ones.

    Raises:
        ValueError: There is no such truth.
    """

    task_name: str
    truth: str
    image_size: int
    channels: int
    n_cells: int
    n_judged: int

    def __post_init__(self) -> None:
        if self.truth not in TRUTHS:
            raise ValueError(f"unknown truth {self.truth!r}; known: {', '.join(TRUTHS)}")

    @cached_property
    def task(self) -> Task:
        """The task."""
        return load_task(self.task_name)

    @cached_property
    def family(self) -> CellsFamily:
        """The networks, for images of the task."""
        return cells_for(self.task, image_size=self.image_size, channels=self.channels, n_cells=self.n_cells)

    @property
    def cells(self) -> np.ndarray:
        """The genotypes ``(n, 6)`` that are ranked."""
        return self.family.space.sample(self.n_judged, np.random.default_rng(0))

    @property
    def mostly_free(self) -> np.ndarray:
        """Which of them have no weights on at least four of six edges, bools ``(n,)``."""
        is_free = np.array([OPERATIONS[name](1, 1).params == 0 for name in self.family.table.by_cost])
        return is_free[self.cells].sum(axis=1) >= MOSTLY

    @property
    def lacks(self) -> str:
        """What is not there of its data; empty if all is."""
        try:
            self.task.split("test")
            self._published()
        except OSError as error:
            return str(error).split("\n")[0]
        return ""

    def as_argument(self) -> dict[str, Any]:
        """Its values, for a job."""
        return asdict(self)

    def true_accuracies(self, recipe: Recipe, n_seeds: int, folder: str | Path, n_workers: int) -> np.ndarray:
        """Accuracies of the cells ``(n, k)`` in %, each measured k times: published, or from trainings of each alone."""
        if (published := self._published()) is not None:
            return published
        seeds = range(n_seeds)
        return ground_truth(self.family, self.task, recipe, self.cells, seeds, folder, "test", n_workers)

    def _published(self) -> np.ndarray | None:
        """Accuracies with half of the training images and with all."""
        if self.truth == "alone":
            return None
        if self.truth == "12 epochs":
            table: Any = nas_bench_201_short()
            measured = [table.measured[f"cifar10_{split}_12ep"] for split in ("val", "test")]
        else:
            table = nas_bench_201()
            measured = [table.accuracy_validation, table.accuracy_test]
        return np.stack(measured, axis=1)[rows_of_cells(table.genotypes, self.family.space, self.cells)]
