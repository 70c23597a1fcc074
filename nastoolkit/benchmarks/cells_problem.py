"""Cells of NAS-Bench-201, to be ranked by the accuracies that they inherit from a supernet, and their true accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks.named_task import NamedTask
from nastoolkit.families.cells import OF_NAS_BENCH_201, OPERATIONS, CellsFamily
from nastoolkit.measurements import ground_truth
from nastoolkit.published import nas_bench_201, nas_bench_201_short
from nastoolkit.published.nas_bench_201 import rows_of_cells
from nastoolkit.statistics import partial_correlation, rank_correlation
from nastoolkit.tasks.fitting import cells_for
from nastoolkit.training import Recipe

TRUTHS = ("alone", "12 epochs", "200 epochs")
MOSTLY = 4  # of six edges without weights
MACS = "log MACs"


@dataclass(frozen=True, kw_only=True)
class CellsProblem(NamedTask):
    """Cells of NAS-Bench-201 in a skeleton of any size, and their true accuracies.

    Attributes:
        truth: ``alone``, or ``12 epochs`` or ``200 epochs``, as published for CIFAR-10.
        image_size: Height and width of the networks' inputs.
        channels: Channels of the first stage.
        n_cells: Number of cells in a stage.
        n_judged: Number of cells that are ranked, always the same ones.
        operations: Operations that edges choose from, by their names.
        n_stages: Number of stages in the skeleton.

    Raises:
        ValueError: There is no such truth, or no such operation.
    """

    truth: str
    image_size: int
    channels: int
    n_cells: int
    n_judged: int
    operations: Sequence[str] = OF_NAS_BENCH_201
    n_stages: int = 3

    def __post_init__(self) -> None:
        if self.truth not in TRUTHS:
            raise ValueError(f"unknown truth {self.truth!r}; known: {', '.join(TRUTHS)}")
        if unknown := [name for name in self.operations if name not in OPERATIONS]:
            raise ValueError(f"unknown operation {unknown[0]!r}; known: {', '.join(OPERATIONS)}")

    @cached_property
    def family(self) -> CellsFamily:
        """The networks, for images of the task."""
        sizes = {"image_size": self.image_size, "channels": self.channels, "n_cells": self.n_cells, "n_stages": self.n_stages}
        return cells_for(self.task, **sizes, operations=tuple(self.operations))

    @property
    def cells(self) -> np.ndarray:
        """The genotypes ``(n, 6)`` that are ranked."""
        return self.family.space.sample(self.n_judged, np.random.default_rng(0))

    @property
    def mostly_free(self) -> np.ndarray:
        """Which cells have no weights on at least four of six edges, bools ``(n,)``."""
        is_free = np.array([OPERATIONS[name](1, 1).params == 0 for name in self.family.table.by_cost])
        return is_free[self.cells].sum(axis=1) >= MOSTLY

    def _find_data(self) -> None:
        super()._find_data()
        self._published()

    def true_accuracies(self, recipe: Recipe, n_seeds: int, folder: str | Path, n_workers: int) -> np.ndarray:
        """Accuracies of the cells ``(n, k)`` in %, each measured k times: published, or from training each cell alone."""
        if (published := self._published()) is not None:
            return published
        seeds = range(n_seeds)
        return ground_truth(self.family, self.task, recipe, self.cells, seeds, folder, "test", n_workers)

    def _published(self) -> np.ndarray | None:
        """Accuracies after training with half of the training images and with all of them."""
        if self.truth == "alone":
            return None
        if self.truth == "12 epochs":
            table: Any = nas_bench_201_short()
            measured = [table.measured[f"cifar10_{split}_12ep"] for split in ("val", "test")]
        else:
            table = nas_bench_201()
            measured = [table.accuracy_validation, table.accuracy_test]
        return np.stack(measured, axis=1)[rows_of_cells(table.genotypes, self.family.space, self.cells)]


def rank_correlations(
    found: pd.DataFrame, problems: Sequence[CellsProblem], truths: Mapping[str, np.ndarray], judge: str = "accuracy"
) -> pd.DataFrame:
    """Kendall's tau between inherited and true accuracies.

    Args:
        found: Rows for each cell of each task, arm and seed, with the columns ``cell``, ``task``, ``arm``, ``seed``, and
            ``accuracy``, with inherited weights. Rows without a cell are left out.
        problems: The problems.
        truths: True accuracy of each cell ``(n,)``, by tasks.
        judge: Column used instead of ``accuracy``; a greater value means a better cell.

    Returns:
        A row for each task, arm and seed, including the arm ``MACS``, which ranks without a supernet: tau over ``all`` cells,
        over those that are ``mostly free`` (at least four of six edges have no weights), and over the ``others``;
        ``beyond MACs``, over all cells with MACs partialled out; and ``chosen``, the true accuracy in % of the cell that is
        ranked highest, or the mean if there are several.
    """
    rows, cells = [], found.dropna(subset="cell")
    for problem in problems:
        truth, free = truths[problem.task_name], problem.mostly_free
        own = cells[cells.task == problem.task_name].groupby(["arm", "seed"], sort=False)[judge]
        said = {key: group.to_numpy() for key, group in own}
        by_macs = problem.family.macs(problem.cells)
        said |= {(MACS, seed): by_macs for seed in dict.fromkeys(seed for _, seed in said)}
        for (arm, seed), values in said.items():
            kinds = {"all": free | ~free, "mostly free": free, "others": ~free}
            parts = {kind: tau(values[chosen], truth[chosen]) for kind, chosen in kinds.items()}
            parts["beyond MACs"] = partial_correlation(parts["all"], tau(values, by_macs), tau(truth, by_macs))
            parts["chosen"] = truth[values == values.max()].mean()
            rows.append({"task": problem.task_name, "arm": arm, "seed": seed, **parts})
    return pd.DataFrame(rows)


def tau(one: np.ndarray, other: np.ndarray) -> float:
    """Kendall's tau-b of two vectors ``(n,)``; 0 if one of them ranks nothing, or if n is below three."""
    return rank_correlation(one, other).value if len(one) > 2 and np.ptp(one) and np.ptp(other) else 0.0
