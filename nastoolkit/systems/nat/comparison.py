"""Ways to spend the same number of training images on a new task, compared: to adapt a supernet while it is searched, or not.

[Lu2021] Z. Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, arXiv 2005.05859.

All ways begin with the same pre-trained supernet, whose new head has learnt the task for some steps along random paths.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from nastoolkit.history import History
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.space import SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.supernets import HEAD, Supernet, load_supernet, with_new_head
from nastoolkit.support.files import atomically
from nastoolkit.systems.nat.transfer import Sampler, first_subnetworks, transfer
from nastoolkit.tasks import Task
from nastoolkit.training import ArchiveFrequencies, Fixed, PathSampler, Recipe, Uniform, fit, in_place_distillation

COLUMNS = {"task": str, "seed": int, "way": str, "mmacs": float, "validation": float, "test": float}
WARM_UP = 1_000_000  # between the seeds of a warm-up's images and of those after it


class ClassTask(Task, Protocol):
    """A task with classes."""

    @property
    def n_classes(self) -> int:
        """How many."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """What every way may spend.

    Attributes:
        family_name: A key of ``FAMILIES``, of the pre-trained supernet.
        checkpoint: Its file; None is the one that ships or was fetched.
        warm_up_steps: Training steps of the new head alone.
        n_iterations: Number of iterations of a transfer; all ways train for ``n_iterations`` times ``n_steps`` steps.
        n_steps: Training steps of an iteration.
        batch_size: Images a step.
        learning_rate: At its peak.
        n_first: Sub-networks that are measured first.
        n_archive: How many a transfer keeps.
        population: Candidates that an iteration measures.
        generations: Number of generations of the search on predictions for them.
        n_calibration: Training images for batch normalisation.
        n_validation: Images that accuracies are measured on; fronts are judged on all test images.
        device: That trains and measures.
    """

    family_name: str
    checkpoint: str | None = None
    warm_up_steps: int
    n_iterations: int
    n_steps: int
    batch_size: int
    learning_rate: float
    n_first: int
    n_archive: int
    population: int
    generations: int
    n_calibration: int
    n_validation: int
    device: str = "cpu"

    def recipe(self, n_steps: int, seed: int) -> Recipe:
        """The recipe for so many steps."""
        return Recipe(n_steps=n_steps, batch_size=self.batch_size, learning_rate=self.learning_rate, seed=seed)

    @property
    def total_steps(self) -> int:
        """Training steps after the warm-up."""
        return self.n_iterations * self.n_steps


@dataclass(frozen=True)
class Start:
    """What a way begins with.

    Attributes:
        supernet: Warmed up; the way may train it.
        task: The new one.
        effort: What may be spent.
        seed: Seed of all randomness.
        folder: Folder of the way's own files.
    """

    supernet: Supernet
    task: ClassTask
    effort: Effort
    seed: int
    folder: Path

    @property
    def objectives(self) -> tuple[Objective, Objective]:
        """The task's metric, and MMACs."""
        mmacs = self.supernet.family.mmacs
        return Objective(self.task.metric, "max", self.task.unit), Objective("mmacs", "min", "MMACs", exact=mmacs)

    def accuracy(self, split: str = "validation") -> Accuracy:
        """The accuracy of the supernet as it is."""
        n_images = self.effort.n_validation if split == "validation" else None
        return Accuracy(self.supernet, self.task, split, self.effort.n_calibration, progress=False, n_images=n_images)

    def train(self, sampler: PathSampler, n_steps: int) -> None:
        """Train the supernet."""
        recipe, file = self.effort.recipe(n_steps, self.seed), self.folder / "training.pt"
        fit(self.supernet, self.task, sampler, in_place_distillation, recipe, progress=False, resume=file)

    def search(self, algorithm: str, n: int, first: np.ndarray, **how: Any) -> History:
        """A search under the weights as they are, for n evaluations that begin with the first ones."""
        store, space = self.folder / "search.sqlite", self.supernet.family.space
        how |= {"store": store, "progress": False, "warm_start": first}
        return optimize(space, self.accuracy(), self.objectives, algorithm, n, self.seed, **how)


def adapted(start: Start, sampler: Sampler) -> History:
    """The last archive of a transfer."""
    effort, recipe = start.effort, start.effort.recipe(start.effort.n_steps, start.seed)
    return transfer(
        start.supernet,
        start.task,
        start.accuracy(),
        start.objectives,
        recipe,
        sampler,
        effort.n_iterations,
        effort.n_first,
        effort.n_archive,
        effort.population,
        start.seed,
        start.folder,
        progress=False,
        generations=effort.generations,
    ).history


def tuned_then_searched(start: Start, only_head: bool = False) -> History:
    """Training along random paths, then the search for as many sub-networks as a transfer meets."""
    effort, space = start.effort, start.supernet.family.space
    if only_head:
        _train_only(start.supernet, HEAD)
    start.train(Uniform(space, seed=start.seed), effort.total_steps)
    first, n = first_subnetworks(space, effort.n_first, start.seed), effort.n_first + effort.n_iterations * effort.population
    return start.search("nat", n, first, population=effort.population, generations=effort.generations)


def largest_tuned(start: Start) -> History:
    """The largest sub-network, trained alone: conventional fine-tuning."""
    largest = start.supernet.family.space.largest
    start.train(Fixed(largest), start.effort.total_steps)
    return start.search("random", 1, largest)


def uniform(space: SearchSpace, kept: np.ndarray, seed: int) -> Uniform:
    """A transfer's control: paths that do not depend on what was kept."""
    return Uniform(space, seed=seed)


WAYS: dict[str, Callable[[Start], History]] = {
    "transfer": partial(adapted, sampler=ArchiveFrequencies),
    "transfer, uniform paths": partial(adapted, sampler=uniform),
    "fine-tuned, then searched": tuned_then_searched,
    "only head tuned, then searched": partial(tuned_then_searched, only_head=True),
    "largest, fine-tuned": largest_tuned,
}


def compare(effort: Effort, task: ClassTask, seed: int, folder: str | Path) -> pd.DataFrame:
    """The front of every way, chosen on validation images.

    Args:
        effort: What each may spend.
        task: The new one.
        seed: Seed of all randomness.
        folder: Keeps the result, and until it is there what was trained and measured, so that a killed comparison goes on.

    Returns:
        A row for each network: ``task``, ``seed``, ``way``, ``mmacs``, ``validation`` and ``test``, in the metric's unit.

    Raises:
        ValueError: The result that the folder has is damaged.
    """
    identity = hashlib.sha256(repr(effort).encode()).hexdigest()[:12]
    files = Path(folder) / f"{task.name}-{seed}-{identity}"
    result = files.with_name(f"{files.name}.csv")
    if not result.exists():
        fronts = [_front(way, effort, task, seed, files) for way in WAYS]
        frame = pd.concat(fronts, ignore_index=True)
        frame.insert(0, "task", task.name)
        frame.insert(1, "seed", seed)
        with atomically(result) as new:
            frame.to_csv(new, index=False)
        shutil.rmtree(files)
    return read_comparison(result)


def read_comparison(file: str | Path) -> pd.DataFrame:
    """What :func:`compare` returned and kept.

    Raises:
        ValueError: Not such a file: a column is missing, or a value is of another type, an unknown way or not finite.
        OSError: The file cannot be read.
    """
    try:
        frame = pd.read_csv(file, dtype=COLUMNS)
        if list(frame) != list(COLUMNS) or frame.empty or not frame["way"].isin(list(WAYS)).all():
            raise ValueError(f"it has columns {list(frame)}, or ways other than {list(WAYS)}")
        if not np.isfinite(frame[["mmacs", "validation", "test"]].to_numpy()).all():
            raise ValueError("it has NaN or infinity")
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{file} is no comparison of this toolkit; without it, it is made anew: {error}") from error
    return frame


def _front(way: str, effort: Effort, task: ClassTask, seed: int, files: Path) -> pd.DataFrame:
    start = Start(_warmed_up(effort, task, seed, files), task, effort, seed, files / str(list(WAYS).index(way)))
    front = WAYS[way](start).front()
    columns = {"way": way, "mmacs": front.values[:, 1], "validation": front.values[:, 0]}
    return pd.DataFrame(columns | {"test": start.accuracy("test")(front.genotypes)[:, 0]})


def _warmed_up(effort: Effort, task: ClassTask, seed: int, files: Path) -> Supernet:
    """The supernet with a head that knows the task, made once and then read from a file."""
    pretrained = load_supernet(effort.family_name, effort.checkpoint).to(effort.device)
    supernet = with_new_head(pretrained, task.n_classes, seed)
    _train_only(supernet, HEAD)
    other_images = seed + WARM_UP
    Start(supernet, task, effort, other_images, files).train(Uniform(supernet.family.space, seed=seed), effort.warm_up_steps)
    _train_only(supernet, "")
    return supernet


def _train_only(supernet: Supernet, prefix: str) -> None:
    for name, parameter in supernet.shared.named_parameters():
        parameter.requires_grad_(name.startswith(prefix))
