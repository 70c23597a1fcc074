"""Cells of NAS-Bench-201 to rate, and their true accuracies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nastoolkit.benchmarks.named_task import NamedTask
from nastoolkit.families.cells import CellsFamily
from nastoolkit.measurements import StandAloneAccuracy
from nastoolkit.published import nas_bench_201_short
from nastoolkit.published.nas_bench_201 import rows_of_cells
from nastoolkit.space import genotype_keys
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Examples, load_task
from nastoolkit.tasks.fitting import cells_for
from nastoolkit.training import Recipe

DATA_SETS = {"CIFAR-10": "cifar10", "CIFAR-100": "cifar100", "ImageNet16-120": "imagenet16"}
LONGER = "ImageNet16-120, 200 epochs"


@dataclass(frozen=True, kw_only=True)
class CellsToRate(NamedTask):
    """Cells of NAS-Bench-201 in a skeleton of any size, and their true accuracies.

    Attributes:
        image_size: Height and width of the networks' inputs.
        channels: Number of channels in the first stage.
        n_cells: Number of cells in a stage.
        truth_steps: Number of steps to train each cell alone for its true accuracy; 0 takes the published ones.
        device: Device for training.
    """

    image_size: int
    channels: int
    n_cells: int
    truth_steps: int = 0
    device: str = "cpu"

    @cached_property
    def family(self) -> CellsFamily:
        """The networks, for images of the task."""
        return cells_for(self.task, image_size=self.image_size, channels=self.channels, n_cells=self.n_cells)

    def supernet(self, seed: int) -> Supernet:
        """Initial weights of all cells."""
        return Supernet(self.family, seed=seed).to(self.device)

    def drawn(self, n: int, seed: int) -> np.ndarray:
        """Random cells ``(n, 6)``."""
        return self.family.space.sample(n, np.random.default_rng(seed))

    def others(self, n: int, seed: int, without: np.ndarray) -> np.ndarray:
        """Random cells ``(n, 6)``, different from given ones."""
        known = set(genotype_keys(without))
        drawn = self.family.space.sample(n + len(without), np.random.default_rng([seed, 1]))
        return drawn[[key not in known for key in genotype_keys(drawn)]][:n]

    def truths(self, cells: np.ndarray, split: str) -> dict[str, np.ndarray]:
        """Accuracies ``(n,)`` of cells in % on the ``val`` or ``test`` images of each data set, after twelve epochs."""
        if self.truth_steps:
            name = {"val": "validation"}.get(split, split)
            alone = StandAloneAccuracy(self.family, self.task, Recipe(self.truth_steps), name, False, self.device)
            return {self.task_name: alone(cells)[:, 0]}
        known = nas_bench_201_short()
        rows = rows_of_cells(known.genotypes, self.family.space, cells)
        found = {name: known.measured[f"{key}_{split}_12ep"][rows] for name, key in DATA_SETS.items()}
        return found | ({LONGER: known.measured["imagenet16_test_200ep"][rows]} if split == "test" else {})


def images_of(task_name: str) -> Examples:
    """The training images of a task.

    Raises:
        nastoolkit.tasks.data_sets.MissingDataError: They are not on this machine.
    """
    return load_task(task_name).split("train")
