"""Jobs of GenNAS's notebook: rating cells of NAS-Bench-201 by regression tasks and proxies, and searching them.

[Li2021] Y. Li et al., "Generic Neural Architecture Search via Regression", NeurIPS 2021, arXiv 2108.01899, Sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np

from nastoolkit.history import History
from nastoolkit.measurements import PROXIES
from nastoolkit.objectives import Objective
from nastoolkit.space import SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.systems.gennas.cells import CellsToRate
from nastoolkit.systems.gennas.rankings import spearman
from nastoolkit.systems.gennas.regression import GenNAS
from nastoolkit.systems.gennas.signals import Signals
from nastoolkit.systems.gennas.tasks import SPACE, TASKS, signals_of

SEARCHED, FIRST = "searched task", "best of the first tasks"
EVOLVED = "evolution"


def rate_cells(cells: dict[str, Any], arm: str, seed: int, n_judged: int, n_steps: int) -> list[dict[str, Any]]:
    """Rate random cells by a proxy or by a regression task; a job of a grid.

    Args:
        cells: Values of a :class:`CellsToRate`.
        arm: Key of ``PROXIES`` or ``TASKS``.
        seed: Seed of the cells, of their initial weights and of the signals.
        n_judged: Number of cells.
        n_steps: Number of training steps of a regression.

    Returns:
        A row for each cell: its number ``cell``, its ``score``, where more is better, and the ``seconds`` of processor time
        for a score, averaged over all cells.

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
    """A function that gives the negative error, so that more is better."""
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
    """Search for a regression task that ranks a few labelled cells well, and rate others by it; a job of a grid.

    Labels are accuracies on validation images of the first data set. No labelled cell is among the rated ones.

    Args:
        cells: Values of a :class:`CellsToRate`.
        seed: Seed of the cells, the weights, the signals and the search.
        n_judged: Number of cells to rate, the same ones as in :func:`rate_cells`.
        n_steps: Number of training steps of a regression when rating cells.
        n_labels: Number of labelled cells.
        n_tasks: Number of tasks that regularised evolution tries.
        population: Number of tasks in the population; the first ones are random.
        search_steps: Number of training steps of a regression when trying tasks.

    Returns:
        The rows of :func:`rate_cells` for two arms: ``SEARCHED``, and ``FIRST``, the best of the first population; both with
        their ``task`` and its ``fitness``, Spearman's correlation on the labelled cells.

    Raises:
        ValueError: There are fewer than three labels.
    """
    if n_labels < 3:
        raise ValueError(f"a task is searched by its ranking of at least 3 labelled cells, got {n_labels}")
    given = CellsToRate(**cells)
    drawn = given.drawn(n_judged, seed)
    fitness = _fitness(given, given.others(n_labels, seed, drawn), search_steps, seed)
    history = _evolved(SPACE, fitness, n_tasks, population, seed)
    values, tasks = history.values[:, 0], history.genotypes
    best = {SEARCHED: values.argmax(), FIRST: values[:population].argmax()}
    signals = {place: signals_of(tasks[place]) for place in set(best.values())}
    rated = {place: _rated(_regression(given, task, n_steps, seed), drawn) for place, task in signals.items()}
    about = {arm: {"arm": arm, "fitness": float(values[at]), "task": str(signals[at])} for arm, at in best.items()}
    return [about[arm] | row for arm, at in best.items() for row in rated[at]]


def _fitness(given: CellsToRate, labelled: np.ndarray, n_steps: int, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    """How well tasks ``(n, d)`` rank labelled cells: Spearman's correlations ``(n, 1)``."""
    (labels, *_) = given.truths(labelled, "val").values()

    def fitness(task: np.ndarray) -> float:
        return spearman(_regression(given, signals_of(task), n_steps, seed)(labelled)[:, 0], labels)

    return lambda tasks: np.array([[fitness(task)] for task in tasks])


def _evolved(
    space: SearchSpace, score: Callable[[np.ndarray], np.ndarray], budget: int, population: int, seed: int
) -> History:
    """Regularised evolution for the highest score; half of the population is in a tournament."""
    how: dict[str, Any] = {"population": population, "tournament": (population + 1) // 2, "progress": False}
    return optimize(space, score, [Objective("score", "max")], "regularised_evolution", budget, seed, **how)


def evolve_cells(
    cells: dict[str, Any], arm: str, seed: int, budget: int, population: int, n_steps: int
) -> list[dict[str, Any]]:
    """Search for cells by regularised evolution on a regression task's score; a job of a grid.

    Args:
        cells: Values of a :class:`CellsToRate`.
        arm: Key of ``TASKS``.
        seed: Seed of the search, the weights and the signals.
        budget: Number of cells to rate.
        population: Number of cells in the population; the first ones are random.
        n_steps: Number of training steps of a regression.

    Returns:
        A row for each data set, ``data set``: the true ``accuracy`` in % of the cell with the best score, whose ``pick`` is
        ``EVOLVED``.
    """
    given = CellsToRate(**cells)
    history = _evolved(given.family.space, _regression(given, TASKS[arm], n_steps, seed), budget, population, seed)
    found = given.truths(history.genotypes[[history.values[:, 0].argmax()]], "test")
    return [{"data set": name, "pick": EVOLVED, "accuracy": float(truth)} for name, (truth,) in found.items()]
