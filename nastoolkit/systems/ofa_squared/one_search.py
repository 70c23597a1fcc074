"""One multi-objective search finds the best networks for all latency limits.

[Ito2023] R. C. Ito and F. J. Von Zuben, "OFA^2: A Multi-Objective Perspective for the Once-for-All Neural Architecture
Search", IJCNN 2023, arXiv 2303.13683.

The toolkit's own searches are compared with the authors', which are :mod:`.authors` and :mod:`.evolution_finder`.

Differs from the paper in: the searches within a limit together have as many evaluations as the one search, instead of 500
generations each; the toolkit's own searches measure no sub-network twice.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nastoolkit import pareto
from nastoolkit.benchmarks import BENCHMARKS, Benchmark
from nastoolkit.objectives import Objective
from nastoolkit.studies import optimize
from nastoolkit.systems.ofa_squared.authors import POPULATION, AuthorsProblem, AuthorsSearch
from nastoolkit.systems.ofa_squared.evolution_finder import EvolutionFinder


def front_search(
    benchmark: str,
    data_folder: str,
    algorithm: str,
    budget: int,
    seed: int,
    settings: dict[str, Any],
    limit: float | None = None,
) -> pd.DataFrame:
    """One search of a benchmark for its front, or for the best within a limit of its cost; a job of a grid.

    Args:
        benchmark: Key of ``BENCHMARKS``, a problem with a top-1 accuracy or error and a cost.
        data_folder: Folder of published files; empty means where :func:`nastoolkit.published.find` looks.
        algorithm: Key of ``ALGORITHMS``.
        budget: Number of evaluations.
        seed: Seed of the search.
        settings: Settings of :func:`nastoolkit.optimize`.
        limit: Largest allowed cost; None for the whole front.

    Returns:
        A row for each sub-network that raised the hypervolume or is on the final front, and for the last one:
        ``evaluations`` so far, their ``hypervolume``, ``error`` in %, ``cost``, and ``on_front`` for the final front.
    """
    problem = load_benchmark(benchmark, data_folder)
    quality, cost = quality_and_cost(problem)
    wanted = problem.objectives if limit is None else (quality, replace(cost, at_most=limit))
    how = {"budget": budget, "seed": seed, "progress": False, **settings}
    history = problem.history(optimize(problem.space, problem.evaluate, wanted, algorithm, **how).genotypes)
    curve, end = history.hypervolume_curve(problem.reference_point), np.arange(len(history)) == len(history) - 1
    kept = (np.diff(curve, prepend=0.0) > 0) | history.on_front | end
    qualities, costs = (history.values[:, problem.objectives.index(one)] for one in (quality, cost))
    error = qualities if quality.direction == "min" else 100 - qualities
    columns = {"hypervolume": curve, "error": error, "cost": costs, "on_front": history.on_front}
    return pd.DataFrame({"evaluations": np.arange(1, len(curve) + 1), **columns})[kept]


def authors_search(
    benchmark: str, data_folder: str, algorithm: str, budget: int, seed: int, limit: float | None = None
) -> pd.DataFrame:
    """One search of ``ofa-mbv3-note10`` as the authors ran it: for the front, or for the best within a limit; a job of a grid.

    Args:
        benchmark: ``ofa-mbv3-note10``.
        data_folder: Folder of published files; empty means where :func:`nastoolkit.published.find` looks.
        algorithm: Name in :data:`.authors_selection.SELECTIONS`; within a limit, :class:`.EvolutionFinder` is used instead.
        budget: Number of evaluations, including repeated networks.
        seed: Seed of the search; the paper's are 1, 2 and 3.
        limit: Largest allowed latency in ms; None for the whole front.

    Returns:
        The same as :func:`front_search`, but for the last population only, with the hypervolumes of all populations.
    """
    problem, generations = AuthorsProblem(load_benchmark(benchmark, data_folder)), budget // POPULATION
    if limit is not None:
        latency, error = EvolutionFinder(problem, limit, seed).run(generations)
        return pd.DataFrame([{"evaluations": budget, "error": error, "cost": latency, "on_front": True}])
    populations = [parents.costs for parents in islice(AuthorsSearch(problem, algorithm, seed), generations)]
    curve = pd.DataFrame({"hypervolume": [problem.hypervolume(costs) for costs in populations], "on_front": False})
    curve.insert(0, "evaluations", POPULATION * np.arange(1, generations + 1))
    last = pd.DataFrame(populations[-1], columns=["cost", "error"]).assign(on_front=pareto.ranks(populations[-1]) == 0)
    return pd.concat([curve, last.assign(**curve.iloc[-1][["evaluations", "hypervolume"]])], ignore_index=True)


def load_benchmark(name: str, data_folder: str = "") -> Benchmark:
    """A benchmark with its published files from a folder, or from the usual places."""
    return BENCHMARKS[name](**{"folder": data_folder} if data_folder else {})


def quality_and_cost(problem: Benchmark) -> tuple[Objective, Objective]:
    """The two objectives of a benchmark: its accuracy or error, and its cost."""
    quality, cost = sorted(problem.objectives, key=lambda objective: not objective.name.endswith("top1"))
    return quality, cost


def final_hypervolumes(found: pd.DataFrame) -> pd.DataFrame:
    """Final hypervolumes of searches for the whole front: a row for each seed, a column for each algorithm."""
    whole = found[found.limit.isna()]
    return whole.groupby(["algorithm", "seed"], sort=False).hypervolume.last().unstack("algorithm")


def curves(found: pd.DataFrame, n: int = 14) -> pd.DataFrame:
    """Hypervolumes of searches for the whole front after numbers of evaluations that grow by the same factor.

    Args:
        found: Rows of :func:`front_search`.
        n: Count of these numbers, from 10 to all evaluations of a search.

    Returns:
        Columns ``search``, ``evaluations``, ``seed`` and ``hypervolume``.
    """
    parts = []
    for (search, seed), run in found[found.limit.isna()].groupby(["algorithm", "seed"], sort=False):
        at = np.unique(np.geomspace(10, run.evaluations.max(), n).astype(int))
        reached = hypervolume_after(run, at)
        parts.append(pd.DataFrame({"search": search, "evaluations": at, "seed": seed, "hypervolume": reached}))
    return pd.concat(parts, ignore_index=True)


def hypervolume_after(run: pd.DataFrame, evaluations: ArrayLike) -> np.ndarray:
    """Hypervolumes ``(n,)`` of one search after numbers of evaluations ``(n,)``."""
    return np.append(0.0, run.hypervolume)[np.searchsorted(run.evaluations, evaluations, side="right")]


def evaluations_to(found: pd.DataFrame, algorithm: str, goals: pd.Series) -> pd.Series:
    """Evaluations after which the search of each seed has reached that seed's hypervolume; infinity if it never does.

    Args:
        found: Rows of :func:`front_search`.
        algorithm: Algorithm of the searches for the whole front.
        goals: A hypervolume for each seed.
    """
    runs = found[found.limit.isna() & (found.algorithm == algorithm)]
    reached = runs[runs.hypervolume >= runs.seed.map(goals)]
    return reached.groupby("seed").evaluations.min().astype(float).reindex(goals.index, fill_value=np.inf)


def gains(found: pd.DataFrame) -> pd.DataFrame:
    """How much lower the error of the one search's front is within each limit than that of the search for this limit.

    Args:
        found: Rows of :func:`front_search`, with every limit and for the whole front.

    Returns:
        Columns ``seed``, ``limit``, ``search``, and ``points``, the reduction of the error in %.
    """
    rows, whole = [], found[found.limit.isna()]
    for (seed, limit), alone in found.dropna(subset="limit").groupby(["seed", "limit"]):
        for search, run in whole[whole.seed == seed].groupby("algorithm", sort=False):
            rows.append((seed, limit, search, least_error(alone, limit) - least_error(run, limit)))
    return pd.DataFrame(rows, columns=["seed", "limit", "search", "points"])


def least_error(run: pd.DataFrame, limit: float) -> float:
    """The least error that a search found within a limit of the cost; infinity if it found nothing there."""
    return float(run.error[run.cost <= limit].min()) if (run.cost <= limit).any() else np.inf
