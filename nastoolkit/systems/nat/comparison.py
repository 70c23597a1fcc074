"""A comparison of ways to spend the same number of training images on a new task: adapt a supernet during the search, or not.

[Lu2021] Z. Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, arXiv 2005.05859.

All ways start from the same pre-trained supernet, whose new head has been trained for some steps along random paths.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit import pareto
from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.history import History
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.space import SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.studies.results import as_text
from nastoolkit.supernets import HEAD, Supernet, with_new_head
from nastoolkit.systems.nat.transfer import Sampler, first_subnetworks, transfer
from nastoolkit.tasks import Task
from nastoolkit.training import ArchiveFrequencies, Fixed, PathSampler, Recipe, Uniform, fit, in_place_distillation

WARM_UP = 1_000_000  # between the seeds of a warm-up's images and of those after it


@dataclass(frozen=True, kw_only=True)
class Start:
    """Starting point and budget of a way.

    Attributes:
        supernet: Supernet after the warm-up; the way may train it.
        task: New task.
        recipe: Recipe of one iteration's training; it also sets the random seed.
        search: Settings of a transfer: ``n_iterations``, ``n_first``, ``n_archive``, ``population`` and ``generations``.
        images: Numbers of images: ``n_calibration`` for batch normalisation, ``n_images`` for choosing networks.
        folder: Folder of the way's files.
    """

    supernet: Supernet
    task: Task
    recipe: Recipe
    search: Mapping[str, Any]
    images: Mapping[str, Any]
    folder: Path

    @property
    def objectives(self) -> tuple[Objective, Objective]:
        """The task's metric, and MMACs."""
        mmacs = self.supernet.family.mmacs
        return Objective(self.task.metric, "max", self.task.unit), Objective("mmacs", "min", "MMACs", exact=mmacs)

    @property
    def accuracy(self) -> Accuracy:
        """The accuracy of the supernet in its current state, on the validation images for choosing networks."""
        return Accuracy(self.supernet, self.task, progress=False, **self.images)

    def train(self, sampler: PathSampler, n_steps: int | None = None) -> None:
        """Train the supernet, by default for as many steps as a transfer."""
        recipe = replace(self.recipe, n_steps=n_steps or (self.search["n_iterations"] + 1) * self.recipe.n_steps)
        fit(
            self.supernet,
            self.task,
            sampler,
            in_place_distillation,
            recipe,
            progress=False,
            resume=self.folder / "training.pt",
        )

    def find(self, algorithm: str, n: int, first: np.ndarray, **how: Any) -> History:
        """A search with the current weights, for n evaluations that begin with the ``first`` sub-networks."""
        store, space = self.folder / "search.sqlite", self.supernet.family.space
        how |= {"store": store, "progress": False, "warm_start": first}
        return optimize(space, self.accuracy, self.objectives, algorithm, n, self.recipe.seed, **how)


def adapted(start: Start, sampler: Sampler) -> History:
    """The last archive of a transfer."""
    how: dict[str, Any] = {"sampler": sampler, "seed": start.recipe.seed, "folder": start.folder, "progress": False}
    how |= start.search
    return transfer(start.supernet, start.task, start.accuracy, start.objectives, start.recipe, **how).history


def tuned_then_searched(start: Start, only_head: bool = False) -> History:
    """Training along random paths, then a search for as many sub-networks as a transfer measures."""
    space, seed, numbers = start.supernet.family.space, start.recipe.seed, start.search
    if only_head:
        _train_only(start.supernet, HEAD)
    start.train(Uniform(space, seed=seed))
    n = numbers["n_first"] + numbers["n_iterations"] * numbers["population"]
    how = {name: numbers[name] for name in ("population", "generations")}
    return start.find("nat", n, first_subnetworks(space, numbers["n_first"], seed), **how)


def tuned_alone(start: Start, genotype: np.ndarray) -> History:
    """One sub-network, trained alone: conventional fine-tuning."""
    start.train(Fixed(genotype))
    return start.find("random", 1, genotype)


def uniform(space: SearchSpace, kept: np.ndarray, seed: int) -> Uniform:
    """A control for the transfer: paths that do not depend on the kept sub-networks."""
    return Uniform(space, seed=seed)


NAT, ALONE = "transfer", "transfer's pick, fine-tuned alone"
WAYS: dict[str, Callable[[Start], History]] = {
    NAT: partial(adapted, sampler=ArchiveFrequencies),
    "transfer, uniform paths": partial(adapted, sampler=uniform),
    "fine-tuned, then searched": tuned_then_searched,
    "only head tuned, then searched": partial(tuned_then_searched, only_head=True),
}


def compare(
    problem: dict[str, Any],
    seed: int,
    warm_up_steps: int,
    training: dict[str, Any],
    search: dict[str, int],
    n_validation: int,
) -> pd.DataFrame:
    """The front of every way, chosen on validation images; a job of a grid.

    Args:
        problem: Values of a :class:`nastoolkit.benchmarks.SupernetProblem`: the pre-trained supernet and the new task. Until
            there is a result, its folder keeps trainings and measurements, so that a killed comparison can continue.
        seed: Random seed.
        warm_up_steps: Training steps of the new head alone.
        training: Training in one iteration: ``n_steps``, ``batch_size`` and ``learning_rate`` of a recipe. All ways train for
            as many steps as a transfer, which has an additional iteration for its first sub-networks.
        search: See :class:`Start`.
        n_validation: Number of images for choosing networks; fronts are judged on all test images.

    Returns:
        A row for each network: ``task``, ``n_classes``, ``way``, ``genotype``, ``mmacs``, ``most_mmacs`` of the largest
        network, and the accuracies ``validation`` and ``test`` in %. In addition to ``WAYS`` there is ``ALONE``: the
        transfer's most accurate network on validation images is trained alone, from the same start.
    """
    given, recipe = SupernetProblem(**problem), Recipe(**training, seed=seed)
    identity = hashlib.sha256(as_text([problem, warm_up_steps, training, search, n_validation]).encode()).hexdigest()[:12]
    files = Path(given.folder) / f"{given.task.name}-{seed}-{identity}"
    images = {"n_calibration": given.n_calibration, "n_images": n_validation}
    begin = partial(_warmed_up, given, warm_up_steps, files, recipe=recipe, search=search, images=images)
    fronts = {}
    for number, (way, spend) in enumerate(WAYS.items()):
        start = begin(folder=files / str(number))
        fronts[way] = _on_test(start, spend(start).front())
    start = begin(folder=files / "alone")
    fronts[ALONE] = _on_test(start, tuned_alone(start, np.array(_best(fronts[NAT]).genotype)))
    found = pd.concat(fronts, names=["way"]).reset_index("way").assign(task=given.task_name, n_classes=given.n_classes)
    shutil.rmtree(files)
    return found


def _warmed_up(problem: SupernetProblem, n_steps: int, files: Path, **start: Any) -> Start:
    """A supernet with a head trained for the task, made once and then read from a file."""
    recipe, task = start["recipe"], problem.task
    supernet = with_new_head(problem.supernet, problem.n_classes, recipe.seed)
    _train_only(supernet, HEAD)
    begun = Start(supernet=supernet, task=task, **start)
    other_images = replace(begun, recipe=replace(recipe, seed=recipe.seed + WARM_UP), folder=files)
    other_images.train(Uniform(supernet.family.space, seed=recipe.seed), n_steps)
    _train_only(supernet, "")
    return begun


def _on_test(start: Start, front: History) -> pd.DataFrame:
    test = replace(start.accuracy, split="test", n_images=None)(front.genotypes)[:, 0]
    family = start.supernet.family
    columns = {"mmacs": front.values[:, 1], "validation": front.values[:, 0], "test": test}
    most = float(family.mmacs(family.space.largest[None])[0])
    return pd.DataFrame(columns | {"genotype": front.genotypes.tolist(), "most_mmacs": most})


def _best(front: pd.DataFrame) -> pd.Series:
    """The most accurate network of a front, by validation images."""
    return front.sort_values(["validation", "mmacs"]).iloc[-1]


def _train_only(supernet: Supernet, prefix: str) -> None:
    for name, parameter in supernet.shared.named_parameters():
        parameter.requires_grad_(name.startswith(prefix))


def judged(found: pd.DataFrame) -> pd.DataFrame:
    """Results of the fronts on test images.

    Args:
        found: Rows of :func:`compare`, of several tasks and seeds.

    Returns:
        A row for each task and seed: the hypervolume of each way's front between chance and the MACs of the largest network,
        in % of that box; the accuracy in % of NAT's network that is most accurate on validation images, ``best``, and of the
        same network fine-tuned ``alone``; and its ``share of MACs`` of the largest one.
    """
    rows = {key: _judged(networks) for key, networks in found.groupby(["task", "seed"], sort=False)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["task", "seed"])


def _judged(networks: pd.DataFrame) -> dict[str, float]:
    fronts = dict(list(networks.groupby("way", sort=False)))
    best, alone = _best(fronts[NAT]), fronts[ALONE].iloc[0]
    volumes = {way: _share(fronts[way], 100 / best.n_classes, best.most_mmacs) for way in WAYS}
    return volumes | {"best": best.test, "alone": alone.test, "share of MACs": best.mmacs / best.most_mmacs}


def _share(front: pd.DataFrame, chance: float, most_mmacs: float) -> float:
    """Hypervolume of a front between chance and the most MACs, in % of that box."""
    costs = np.stack([-front.test, front.mmacs], axis=1)
    return pareto.dominated_share(costs, ideal=(-100, 0), reference_point=(-chance, most_mmacs))
