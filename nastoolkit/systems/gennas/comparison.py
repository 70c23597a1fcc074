"""Jobs of GenNAS's notebook: cells of NAS-Bench-201, rated by regression tasks and by proxies, and held against the truth.

[Li2021] Y. Li et al., "Generic Neural Architecture Search via Regression", NeurIPS 2021, arXiv 2108.01899, Sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata, spearmanr

from nastoolkit.families.cells import CellsFamily
from nastoolkit.measurements import PROXIES, StandAloneAccuracy
from nastoolkit.objectives import Objective
from nastoolkit.published import nas_bench_201_short
from nastoolkit.published.nas_bench_201 import rows_of_cells
from nastoolkit.space import genotype_keys
from nastoolkit.statistics import partial_correlation
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet
from nastoolkit.systems.gennas.regression import GenNAS
from nastoolkit.systems.gennas.signals import Signals
from nastoolkit.systems.gennas.tasks import SPACE, TASKS, signals_of
from nastoolkit.tasks import Examples, Task, load_task
from nastoolkit.tasks.fitting import cells_for
from nastoolkit.training import Recipe

DATA_SETS = {"CIFAR-10": "cifar10", "CIFAR-100": "cifar100", "ImageNet16-120": "imagenet16"}
LONGER = "ImageNet16-120, 200 epochs"
SEARCHED, FIRST = "searched task", "best of the first tasks"
EVOLVED, RANDOM, LARGEST = "evolution", "random", "most parameters"


@dataclass(frozen=True, kw_only=True)
class CellsToRate:
    """Cells of NAS-Bench-201 in a skeleton of any size, and how good they truly are.

    Attributes:
        task_name: Name of the task that gives the images.
        image_size: Height and width of what networks see.
        channels: Channels of the first stage.
        n_cells: Cells of a stage.
        truth_steps: Number of steps that each cell is trained alone for its truth; 0 takes the published accuracies.
        device: Where to train.
    """

    task_name: str
    image_size: int
    channels: int
    n_cells: int
    truth_steps: int = 0
    device: str = "cpu"

    @cached_property
    def task(self) -> Task:
        """The task."""
        return load_task(self.task_name)

    @cached_property
    def family(self) -> CellsFamily:
        """The networks, for images of the task."""
        return cells_for(self.task, self.image_size, self.channels, self.n_cells)

    def supernet(self, seed: int) -> Supernet:
        """Initial weights of all cells."""
        return Supernet(self.family, seed=seed).to(self.device)

    def drawn(self, n: int, seed: int) -> np.ndarray:
        """Random cells ``(n, 6)``."""
        return self.family.space.sample(n, np.random.default_rng(seed))

    def others(self, n: int, seed: int, without: np.ndarray) -> np.ndarray:
        """Random cells ``(n, 6)``, none of which is among given ones."""
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

    def as_argument(self) -> dict[str, Any]:
        """Its values, for a job."""
        return asdict(self)


def images_of(task_name: str) -> Examples:
    """The training images of a task.

    Raises:
        nastoolkit.tasks.data_sets.MissingDataError: They are not on this machine.
    """
    return load_task(task_name).split("train")


def rate_cells(cells: dict[str, Any], arm: str, seed: int, n_judged: int, n_steps: int) -> list[dict[str, Any]]:
    """Rate random cells by a proxy or by a regression task; a job of a grid.

    Args:
        cells: Values of a :class:`CellsToRate`.
        arm: Key of ``PROXIES`` or of ``TASKS``.
        seed: Seed of the cells, of their initial weights and of the signals.
        n_judged: Number of cells.
        n_steps: Number of training steps of a regression.

    Returns:
        A row for each cell: its number ``cell``, its ``score``, of which more is better, and the ``seconds`` of processor time
        that the score took, the mean of all cells.

    Raises:
        ValueError: There is no such arm.
    """
    if arm not in (*PROXIES, *TASKS):
        raise ValueError(f"unknown arm {arm!r}; known: {', '.join([*PROXIES, *TASKS])}")
    given = CellsToRate(**cells)
    if arm in TASKS:
        return _rated(_regression(given, TASKS[arm], n_steps, seed), given.drawn(n_judged, seed))
    return _rated(PROXIES[arm](given.supernet(seed), given.task), given.drawn(n_judged, seed))


def _regression(given: CellsToRate, signals: Signals, n_steps: int, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """Minus the error, so that more is better."""
    error = GenNAS(given.supernet(seed), given.task, signals, n_steps, seed=seed)
    return lambda genotypes: -error(genotypes)


def _rated(score: Callable[[np.ndarray], np.ndarray], drawn: np.ndarray) -> list[dict[str, Any]]:
    begun = process_time()
    scores = score(drawn)[:, 0]
    seconds = (process_time() - begun) / len(drawn)
    return [{"cell": number, "score": float(value), "seconds": seconds} for number, value in enumerate(scores)]


def search_task(
    cells: dict[str, Any],
    seed: int,
    n_judged: int,
    n_steps: int,
    n_labels: int,
    n_tasks: int,
    population: int,
    search_steps: int,
) -> list[dict[str, Any]]:
    """Search a regression task by its ranking of a few labelled cells, and rate others by it; a job of a grid.

    Labels are accuracies on validation images of the first data set. No labelled cell is among those that are rated.

    Args:
        cells: Values of a :class:`CellsToRate`.
        seed: Seed of the cells, the weights, the signals and the search.
        n_judged: Number of cells that are rated, the same ones as those of :func:`rate_cells`.
        n_steps: Number of training steps of a regression when cells are rated.
        n_labels: Number of labelled cells.
        n_tasks: Number of tasks that regularised evolution tries.
        population: Number of tasks that are alive; the first ones are random.
        search_steps: Number of training steps of a regression while tasks are tried.

    Returns:
        The rows of :func:`rate_cells` for two arms: ``SEARCHED``, and ``FIRST``, the best of the first population; both with
        the ``fitness`` of their task, Spearman's correlation on the labelled cells, and the task as ``task``.

    Raises:
        ValueError: There are fewer than three labels.
    """
    if n_labels < 3:
        raise ValueError(f"a task is searched by its ranking of three labelled cells at least, got {n_labels}")
    given = CellsToRate(**cells)
    drawn = given.drawn(n_judged, seed)
    labelled = given.others(n_labels, seed, drawn)
    (labels, *_) = given.truths(labelled, "val").values()

    def fitness(tasks: np.ndarray) -> np.ndarray:
        raters = (_regression(given, signals_of(task), search_steps, seed) for task in tasks)
        return np.array([[spearman(rate(labelled)[:, 0], labels)] for rate in raters])

    how: dict[str, Any] = {"population": population, "tournament": (population + 1) // 2, "progress": False}
    history = optimize(SPACE, fitness, [Objective("spearman", "max")], "regularised_evolution", n_tasks, seed, **how)
    values, rows = history.values[:, 0], list[dict[str, Any]]()
    for arm, best in ((SEARCHED, values.argmax()), (FIRST, values[:population].argmax())):
        rated = _rated(_regression(given, signals_of(history.genotypes[best]), n_steps, seed), drawn)
        about = {"arm": arm, "fitness": float(values[best]), "task": str(signals_of(history.genotypes[best]))}
        rows += [{**about, **row} for row in rated]
    return rows


def evolve_cells(
    cells: dict[str, Any], arm: str, seed: int, budget: int, population: int, n_steps: int
) -> list[dict[str, Any]]:
    """Search cells by regularised evolution of a regression task's score; a job of a grid.

    Args:
        cells: Values of a :class:`CellsToRate`.
        arm: Key of ``TASKS``.
        seed: Seed of the search, the weights and the signals.
        budget: Number of cells that are rated.
        population: Number of cells that are alive; the first ones are random.
        n_steps: Number of training steps of a regression.

    Returns:
        A row for each data set (``data set``) and for each pick (``pick``): the cell of the best score that ``EVOLVED`` found,
        or that is among as many ``RANDOM`` cells, the first of which are those of :func:`rate_cells`, and the cell with the
        ``LARGEST`` number of parameters of all; with its true ``accuracy`` in %.
    """
    given = CellsToRate(**cells)
    rate, space = _regression(given, TASKS[arm], n_steps, seed), given.family.space
    how: dict[str, Any] = {"population": population, "tournament": (population + 1) // 2, "progress": False}
    history = optimize(space, rate, [Objective("score", "max")], "regularised_evolution", budget, seed, **how)
    drawn = given.drawn(budget, seed)
    picks = {EVOLVED: history.genotypes[history.values[:, 0].argmax()], RANDOM: drawn[rate(drawn)[:, 0].argmax()]}
    picks[LARGEST] = given.family.largest
    found = given.truths(np.stack(list(picks.values())), "test")
    return [
        {"data set": name, "pick": pick, "accuracy": float(accuracy)}
        for name, accuracies in found.items()
        for pick, accuracy in zip(picks, accuracies, strict=True)
    ]


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two vectors ``(n,)``; 0 where one of them ranks nothing."""
    if (one == one[0]).all() or (other == other[0]).all():
        return 0.0
    return float(spearmanr(rankdata(one), rankdata(other)).statistic)


def correlations(found: pd.DataFrame, given: CellsToRate) -> pd.DataFrame:
    """How well arms rank cells by their true accuracy.

    Args:
        found: Rows of :func:`rate_cells` and :func:`search_task`, with ``arm`` and ``seed``.
        given: The cells.

    Returns:
        A row for each seed, data set and arm: Spearman's ``rho``, and what is left of it ``beyond MACs``.
    """
    rows = []
    for seed, of_seed in found.groupby("seed"):
        cells = given.drawn(of_seed.cell.nunique(), seed)
        truths, macs = given.truths(cells, "test"), given.family.macs(cells)
        for arm, rated in of_seed.groupby("arm", sort=False):
            scores = rated.sort_values("cell").score.to_numpy()
            for name, truth in truths.items():
                rho = spearman(scores, truth)
                beyond = partial_correlation(rho, spearman(scores, macs), spearman(truth, macs))
                rows.append({"seed": seed, "data set": name, "arm": arm, "rho": rho, "beyond MACs": beyond})
    return pd.DataFrame(rows)


def lead_on_two(table: pd.DataFrame, arm: str) -> pd.Series:
    """By how much an arm's correlation is above the best proxy's on two of three data sets at least, seed by seed.

    The best proxy of a data set is that of the largest mean over all seeds; parameters and MACs are among them.

    Args:
        table: Rows of :func:`correlations`, of the three data sets.
        arm: Arm that is under test.
    """
    means = table[table.arm.isin(PROXIES)].groupby(["data set", "arm"]).rho.mean().reset_index()
    best = means.loc[means.groupby("data set").rho.idxmax(), ["data set", "arm"]]
    theirs = table.merge(best).set_index(["seed", "data set"]).rho
    ours = table[table.arm == arm].set_index(["seed", "data set"]).rho
    return (ours - theirs).groupby("seed").agg(lambda leads: np.sort(leads)[-2:][0])
