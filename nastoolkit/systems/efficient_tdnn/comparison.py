"""Jobs of EfficientTDNN's notebook: its searches, others, and what the best networks are.

[Wang2021] R. Wang et al., "EfficientTDNN: Efficient Architecture Search for Speaker Recognition", arXiv 2103.13581.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit import pareto
from nastoolkit.benchmarks.efficient_tdnn_v100 import EfficientTDNNV100
from nastoolkit.benchmarks.members import members
from nastoolkit.history import History
from nastoolkit.statistics import Censored, counted
from nastoolkit.studies import optimize
from nastoolkit.systems.efficient_tdnn.model_predictive import evolve

AUTHORS, N_ROWS = "the authors'", 10_000  # networks at a time


@lru_cache(maxsize=1)
def problem_of(data_folder: str = "") -> EfficientTDNNV100:
    """The search problem, made once in a process, from a folder or from where published files are looked for."""
    return EfficientTDNNV100(data_folder or None)


def searches_within_limits(
    seed: int, limits: list[float], population: int, generations: int, data_folder: str = ""
) -> pd.DataFrame:
    """The paper's search once for each limit; a job of a grid.

    Evaluations are counted as if all searches took turns, generation by generation, and as if what was evaluated once cost
    nothing later, in any of them.

    Args:
        seed: Seed of all searches.
        limits: Latencies in ms.
        population: Networks in a generation.
        generations: Generations of each search.
        data_folder: Folder of published files; empty means the usual places.

    Returns:
        The rows of :func:`rows_of`, and in ``with_repeats`` how many evaluations there were with those that occur again.
    """
    problem, found = problem_of(data_folder), []
    for place, limit in enumerate(limits):
        rng = np.random.default_rng([seed, place])
        found.append(evolve(problem.space, problem.errors, problem.latency_ms, limit, rng, population, generations))
    in_turns = np.stack([one.reshape(generations, population, -1) for one in found], axis=1).reshape(-1, problem.space.n_genes)
    first = np.sort(np.unique(in_turns, axis=0, return_index=True)[1])
    return rows_of(problem, problem.history(in_turns[first]), limits).assign(with_repeats=len(in_turns))


def front_search(
    algorithm: str, budget: int, seed: int, limits: list[float], settings: dict[str, Any], data_folder: str = ""
) -> pd.DataFrame:
    """One search for the whole front; a job of a grid.

    Args:
        algorithm: Key of ``ALGORITHMS``.
        budget: Number of evaluations.
        seed: Seed of the search.
        limits: Latencies in ms below which the best network is told.
        settings: Settings of :func:`nastoolkit.optimize`.
        data_folder: Folder of published files; empty means the usual places.

    Returns:
        The rows of :func:`rows_of`.
    """
    problem, how = problem_of(data_folder), {"budget": budget, "seed": seed, "progress": False, **settings}
    history = optimize(problem.space, problem.evaluate, problem.objectives, algorithm, **how)
    return rows_of(problem, history, limits)


def rows_of(problem: EfficientTDNNV100, history: History, limits: Sequence[float]) -> pd.DataFrame:
    """What a search found.

    Returns:
        A row for each evaluation that raised the hypervolume and for the last one: ``evaluations`` so far, ``hypervolume``.
        Then a row for each limit: ``limit``, and ``eer``, the least one below it, infinite if there is none.
    """
    curve = history.hypervolume_curve(problem.reference_point)
    kept = (np.diff(curve, prepend=0.0) > 0) | (np.arange(len(curve)) == len(curve) - 1)
    rose = pd.DataFrame({"evaluations": np.arange(1, len(curve) + 1), "hypervolume": curve})[kept]
    best = [{"limit": limit, "eer": least_error(history.values, limit)} for limit in limits]
    return pd.concat([rose, pd.DataFrame(best)], ignore_index=True)


def least_error(values: np.ndarray, limit: float) -> float:
    """The least error of networks ``(n, 2)``, errors and latencies, that are faster than a limit; infinity without one."""
    return float(values[values[:, 1] < limit, 0].min(initial=np.inf))


def missing(found: pd.DataFrame, best: float, n: int = 16) -> pd.DataFrame:
    """Share of a hypervolume that searches lack after numbers of evaluations that grow by the same factor.

    Args:
        found: Rows of searches, with ``search`` and ``seed``.
        best: The hypervolume.
        n: How many numbers of evaluations, from 10 to all of a search's.

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


def front_of_part(depth: int, width: int, data_folder: str = "") -> pd.DataFrame:
    """The front of all networks of a depth whose first layer has this width; a job of a grid.

    Args:
        depth: Number of blocks.
        width: Channels of the first layer.
        data_folder: Folder of published files; empty means the usual places.

    Returns:
        Columns ``eer`` and ``latency_ms`` of its networks, and ``n_networks``, how many there were in all.
    """
    problem = problem_of(data_folder)
    whole = members(problem.space.restrict({"depth": [depth], "layer1.width": [width]}))
    front = problem.history(whole[:1])
    for start in range(0, len(whole), N_ROWS):
        front = problem.history(np.concatenate([front.genotypes, whole[start : start + N_ROWS]])).front()
    return pd.DataFrame(front.values, columns=["eer", "latency_ms"]).assign(n_networks=len(whole))


def whole_front(parts: pd.DataFrame) -> pd.DataFrame:
    """The front of all parts together, by latency; rows of :func:`front_of_part`."""
    points = parts[["eer", "latency_ms"]]
    return points[pareto.ranks(points.to_numpy()) == 0].drop_duplicates().sort_values("latency_ms", ignore_index=True)


def evaluations_to(found: pd.DataFrame, search: str, goals: pd.Series) -> Censored:
    """Evaluations after which a search had the hypervolume that its seed has for a goal, above all it made if it never had.

    Args:
        found: Rows of searches, with ``search`` and ``seed``.
        search: One of them.
        goals: Hypervolumes by seed.
    """
    rows = found[(found.search == search) & found.evaluations.notna()]
    reached = rows[rows.hypervolume >= rows.seed.map(goals)].groupby("seed").evaluations.min()
    budgets = rows.groupby("seed").evaluations.max().reindex(goals.index)
    return counted(reached.astype(float).reindex(goals.index, fill_value=np.inf), budgets)


def needed(found: pd.DataFrame, goals: Mapping[str, pd.Series]) -> pd.DataFrame:
    """What :func:`evaluations_to` says of every search, a row each, and every goal, in words."""
    searches = found.search.unique()
    columns = {goal: [str(evaluations_to(found, one, volumes)) for one in searches] for goal, volumes in goals.items()}
    return pd.DataFrame(columns, index=searches)


def final_hypervolumes(found: pd.DataFrame, search: str) -> pd.Series:
    """The hypervolume that each seed of a search ends with."""
    return found[(found.search == search) & found.evaluations.notna()].groupby("seed").hypervolume.max()
