"""Jobs of EfficientTDNN's notebook: its searches, other searches, and the best networks.

[Wang2021] R. Wang et al., "EfficientTDNN: Efficient Architecture Search for Speaker Recognition", arXiv 2103.13581.

Costs are the objectives' values, where less is better: first an error, then a value with limits, such as a latency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit import pareto
from nastoolkit.benchmarks import BENCHMARKS, Benchmark
from nastoolkit.benchmarks.members import members
from nastoolkit.history import History
from nastoolkit.statistics import Censored, counted
from nastoolkit.studies import optimize
from nastoolkit.systems.efficient_tdnn.model_predictive import evolve

AUTHORS, N_ROWS = "the authors'", 10_000  # networks at a time


@lru_cache(maxsize=1)
def problem_of(benchmark: str, data_folder: str = "") -> Benchmark:
    """A benchmark of ``BENCHMARKS``, made once for each process, with files from a folder or the usual places."""
    return BENCHMARKS[benchmark](**{"folder": data_folder} if data_folder else {})


def searches_within_limits(
    benchmark: str, seed: int, limits: list[float], population: int, generations: int, data_folder: str = ""
) -> pd.DataFrame:
    """The paper's search, once for each limit; a job of a grid.

    Evaluations are counted as if all searches took turns, generation by generation, and as if repeated evaluations were free,
    also across searches.

    Args:
        benchmark: Key of ``BENCHMARKS``.
        seed: Seed of all searches.
        limits: Limits of the second cost.
        population: Number of networks in a generation.
        generations: Number of generations of each search.
        data_folder: Folder of published files; empty means the usual places.

    Returns:
        The rows of :func:`rows_of`, and in ``with_repeats`` the number of evaluations including repeated ones.
    """
    problem = problem_of(benchmark, data_folder)
    found = [
        evolve(problem.space, costs_of(problem), limit, np.random.default_rng([seed, place]), population, generations)
        for place, limit in enumerate(limits)
    ]
    in_turns = np.stack([one.reshape(generations, population, -1) for one in found], axis=1).reshape(-1, problem.space.n_genes)
    first = np.sort(np.unique(in_turns, axis=0, return_index=True)[1])
    return rows_of(problem, problem.history(in_turns[first]), limits).assign(with_repeats=len(in_turns))


def costs_of(problem: Benchmark) -> Any:
    """A function from genotypes ``(n, d)`` to costs ``(n, 2)``."""
    return lambda genotypes: problem.history(genotypes).costs


def front_search(
    benchmark: str,
    algorithm: str,
    budget: int,
    seed: int,
    limits: list[float],
    settings: dict[str, Any],
    data_folder: str = "",
) -> pd.DataFrame:
    """One search for the whole front; a job of a grid.

    Args:
        benchmark: Key of ``BENCHMARKS``.
        algorithm: Key of ``ALGORITHMS``.
        budget: Number of evaluations.
        seed: Seed of the search.
        limits: Limits of the second cost, for each of which the best network is reported.
        settings: Settings of :func:`nastoolkit.optimize`.
        data_folder: Folder of published files; empty means the usual places.

    Returns:
        The rows of :func:`rows_of`.
    """
    problem, how = problem_of(benchmark, data_folder), {"budget": budget, "seed": seed, "progress": False, **settings}
    history = optimize(problem.space, problem.evaluate, problem.objectives, algorithm, **how)
    return rows_of(problem, history, limits)


def rows_of(problem: Benchmark, history: History, limits: Sequence[float]) -> pd.DataFrame:
    """Results of a search.

    Returns:
        A row for each evaluation that raised the hypervolume and for the last one: ``evaluations`` so far, ``hypervolume``.
        Then a row for each ``limit`` with ``error``, the least one below it, infinite if there is none.
    """
    curve = history.hypervolume_curve(problem.reference_point)
    kept = (np.diff(curve, prepend=0.0) > 0) | (np.arange(len(curve)) == len(curve) - 1)
    rose = pd.DataFrame({"evaluations": np.arange(1, len(curve) + 1), "hypervolume": curve})[kept]
    best = [{"limit": limit, "error": least_error(history.costs, limit)} for limit in limits]
    return pd.concat([rose, pd.DataFrame(best)], ignore_index=True)


def least_error(costs: np.ndarray, limit: float) -> float:
    """The least error of networks with costs ``(n, 2)`` below a limit; infinity if there is none."""
    return float(costs[costs[:, 1] < limit, 0].min(initial=np.inf))


def front_of_part(benchmark: str, options: dict[str, Any], data_folder: str = "") -> pd.DataFrame:
    """The front of all networks with given options; a job of a grid.

    Args:
        benchmark: Key of ``BENCHMARKS``.
        options: Fixed options of some choices.
        data_folder: Folder of published files; empty means the usual places.

    Returns:
        Columns ``error`` and ``cost`` of its networks, and ``n_networks``, the number of all networks.
    """
    problem = problem_of(benchmark, data_folder)
    whole = members(problem.space.restrict({name: [option] for name, option in options.items()}))
    front = problem.history(whole[:1])
    for start in range(0, len(whole), N_ROWS):
        front = problem.history(np.concatenate([front.genotypes, whole[start : start + N_ROWS]])).front()
    return pd.DataFrame(front.costs, columns=["error", "cost"]).assign(n_networks=len(whole))


def whole_front(parts: pd.DataFrame) -> pd.DataFrame:
    """The front of all parts together, by cost; rows of :func:`front_of_part`."""
    points = parts[["error", "cost"]]
    return points[pareto.non_dominated(points.to_numpy())].sort_values("cost", ignore_index=True)


def evaluations_to(found: pd.DataFrame, search: str, goals: pd.Series) -> Censored:
    """Evaluations after which a search reached its seed's goal, a hypervolume; more than all it made if it never did.

    Args:
        found: Rows of searches, with ``search`` and ``seed``.
        search: Name of one search.
        goals: Hypervolumes by seed.
    """
    rows = found[(found.search == search) & found.evaluations.notna()]
    reached = rows[rows.hypervolume >= rows.seed.map(goals)].groupby("seed").evaluations.min()
    budgets = rows.groupby("seed").evaluations.max().reindex(goals.index)
    return counted(reached.astype(float).reindex(goals.index, fill_value=np.inf), budgets)


def needed(found: pd.DataFrame, goals: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Results of :func:`evaluations_to` as texts: a row for each search, a column for each goal."""
    searches = found.search.unique()
    columns = {goal: [str(evaluations_to(found, one, volumes)) for one in searches] for goal, volumes in goals.items()}
    return pd.DataFrame(columns, index=searches)


def final_hypervolumes(found: pd.DataFrame, search: str) -> pd.Series:
    """The final hypervolume of each seed of a search."""
    return found[(found.search == search) & found.evaluations.notna()].groupby("seed").hypervolume.max()


def gains(found: pd.DataFrame, search: str, other: str) -> pd.Series:
    """How much lower the errors of a search's best networks are than another search's: by seed, the mean over limits.

    For each seed, limits below which one of the two found no network are left out.
    """
    errors = found[found.limit.notna()].pivot(index=["seed", "limit"], columns="search", values="error")
    return errors.replace(np.inf, np.nan).pipe(lambda best: best[other] - best[search]).groupby("seed").mean()


def missing(found: pd.DataFrame, best: float, n: int = 16) -> pd.DataFrame:
    """Share of a hypervolume that searches still lack after numbers of evaluations that grow by the same factor.

    Args:
        found: Rows of searches, with ``search`` and ``seed``.
        best: Hypervolume to compare with.
        n: Count of these numbers, from 10 to all evaluations of a search.

    Returns:
        Columns ``search``, ``seed``, ``evaluations`` and ``missing``, in %.
    """
    parts = []
    for (search, seed), run in found[found.evaluations.notna()].groupby(["search", "seed"], sort=False):
        at = np.unique(np.geomspace(10, found[found.search == search].evaluations.max(), n).astype(int))
        reached = run.hypervolume.to_numpy()[np.searchsorted(run.evaluations, at, side="right") - 1]
        lacks = 100 * (1 - reached / best)
        parts.append(pd.DataFrame({"search": search, "seed": seed, "evaluations": at, "missing": lacks}))
    return pd.concat(parts, ignore_index=True)
