"""LINAS against WeakNAS: what WeakNAS reaches with a number of evaluations, and how many the others need for it.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Figure 11 and Table 2: one run each, ConcurrentNAS (LINAS) with 100 and WeakNAS with 800 and 1,000
evaluations.
[Wu2021] J. Wu et al., "Stronger NAS with Weaker Predictors", NeurIPS 2021, arXiv 2102.10490: WeakNAS looks for the most
accurate network between two numbers of MACs.

Differs from the paper in: there are several seeds, which are paired; WeakNAS also searches by two objectives, and the
hypervolume of its front is a level to reach.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import Benchmark
from nastoolkit.benchmarks.digits_mbv3_table import DigitsTable
from nastoolkit.objectives import Objective
from nastoolkit.studies import jobs, optimize
from nastoolkit.studies.results import Row
from nastoolkit.systems.hardware_aware_nas.races import SEARCH, benchmark_named, evaluations_to, of_same_seed, rows_of

FRONT, NETWORK = "WeakNAS", "WeakNAS, one"  # its searches by two objectives, and for one network


def search_benchmark(
    problem: str,
    data_folder: str,
    search: str,
    algorithm: str,
    budget: int,
    seed: int,
    within: dict[str, float],
    settings: dict[str, Any],
) -> pd.DataFrame:
    """One search by accuracy and MMACs; a job.

    Args:
        problem: Key of ``BENCHMARKS``.
        data_folder: Folder of the published files; empty means the usual places.
        search: Name of the search, for its errors.
        algorithm: Key of ``ALGORITHMS``, or ``default``.
        budget: Number of evaluations.
        seed: Random seed.
        within: Bounds ``at_least`` and ``at_most`` of the MMACs, if the search is for one network.
        settings: Settings of the algorithm.

    Returns:
        Columns ``evaluations`` so far, their ``hypervolume`` without bounds (% MMACs), ``accuracy_top1`` (%), ``mmacs``,
        ``genotype``, and ``accuracy_test`` (%) if the benchmark has it.

    Raises:
        ValueError: The algorithm does not take a setting, or the benchmark has no networks within the bounds.
    """
    benchmark, how = benchmark_named(problem, data_folder), {"progress": False, **settings}
    try:
        goals = _goals(benchmark, within)
        found = optimize(benchmark.space, benchmark.evaluate, goals, algorithm, budget, seed, **how).genotypes
    except (TypeError, ValueError) as error:
        raise ValueError(f"{search}, which is {algorithm} with settings {settings}, on {problem}: {error}") from error
    history = benchmark.history(found)
    rows = rows_of(history, benchmark.reference_point)[["evaluations", "hypervolume"]]
    accuracy, mmacs = history.values.T
    rows = rows.assign(accuracy_top1=accuracy, mmacs=mmacs, genotype=found.tolist())
    if isinstance(benchmark, DigitsTable):
        return rows.assign(accuracy_test=benchmark.look_up("accuracy_test", found))
    return rows


def _goals(benchmark: Benchmark, within: dict[str, float]) -> list[Objective]:
    """The objectives; MMACs have bounds if there are any.

    Raises:
        ValueError: The objectives are others, or there are no networks within the bounds.
    """
    goals = list(benchmark.objectives)
    if [goal.name for goal in goals] != ["accuracy_top1", "mmacs"]:
        raise ValueError(f"accuracy_top1 and mmacs are needed, and it has {', '.join(goal.name for goal in goals)}")
    if not within:
        return goals
    goals[1] = replace(goals[1], at_least=within["at_least"], at_most=within["at_most"])
    ends = benchmark.history(np.array([benchmark.space.smallest, benchmark.space.largest])).values[:, 1]
    if within["at_least"] > ends[1] or within["at_most"] < ends[0]:
        wanted = f"{within['at_least']} and {within['at_most']}"
        raise ValueError(f"networks have {ends[0]:.4g} to {ends[1]:.4g} MMACs, none between {wanted}")
    return goals


def searches(
    problems: Iterable[str],
    search: str,
    algorithm: str,
    budgets: Mapping[str, int],
    settings: Mapping[str, Any],
    windows: Mapping[str, Sequence[float]] | None = None,
    *,
    n_seeds: int,
    data_folder: str,
) -> list[Row]:
    """Jobs for :func:`search_benchmark`: one search on every problem, with every seed.

    Args:
        problems: Keys of ``BENCHMARKS``.
        search: See :func:`search_benchmark`.
        algorithm: See :func:`search_benchmark`.
        budgets: Number of evaluations on each problem.
        settings: Settings of the algorithm.
        windows: Least and most MMACs on each problem, if the search is for one network.
        n_seeds: Number of seeds.
        data_folder: See :func:`search_benchmark`.
    """
    how = {"search": search, "algorithm": algorithm, "settings": dict(settings), "data_folder": data_folder}
    found = list[Row]()
    for name in problems:
        within = dict(zip(("at_least", "at_most"), windows[name], strict=True)) if windows else {}
        found += jobs(problem=name, within=within, budget=budgets[name], seed=range(n_seeds), **how)
    return found


def try_out(searches: Sequence[dict[str, Any]]) -> None:
    """Let each kind of search measure one network, so that a wrong setting is reported before any search begins.

    Args:
        searches: Jobs for :func:`search_benchmark`.

    Raises:
        ValueError: See :func:`search_benchmark`.
    """
    with warnings.catch_warnings(action="ignore"):  # that this one network is outside the bounds
        for job in searches:
            if job["seed"] == searches[0]["seed"]:
                search_benchmark(**{**job, "budget": 1})


def best_networks(rows: pd.DataFrame, most_mmacs: pd.Series) -> pd.DataFrame:
    """The most accurate network of each search by problem, search and seed; among equals, the one with the fewest MACs.

    Args:
        rows: Evaluations of searches.
        most_mmacs: Upper bound on MMACs for each row, by its index.
    """
    allowed = rows[rows.mmacs <= most_mmacs.loc[rows.index]].sort_values(
        ["accuracy_top1", "mmacs"], ascending=[False, True], kind="stable"
    )
    best = allowed.drop_duplicates(SEARCH).set_index(SEARCH)
    return best.reindex(pd.MultiIndex.from_frame(rows[SEARCH].drop_duplicates()))


def evaluations_needed(rows: pd.DataFrame, most_mmacs: pd.Series, level: int) -> pd.DataFrame:
    """Evaluations after which each search has the result of WeakNAS with the same seed after ``level``.

    Args:
        rows: Evaluations of all searches, those of :data:`FRONT` and :data:`NETWORK` among them.
        most_mmacs: Upper bound on MMACs of WeakNAS's one network for each row, by its index.
        level: Number of evaluations of WeakNAS.

    Returns:
        The columns of :func:`.races.evaluations_to`, ``level``, and ``question``: ``front`` for a hypervolume, or ``network``
        for one network that is as accurate with no more MACs.

    Raises:
        ValueError: WeakNAS has no result after this number of evaluations.
    """
    if level > (last := rows[rows.search == FRONT].evaluations.max()):
        raise ValueError(f"WeakNAS has {last} evaluations, so that it has no level after {level}")
    early = rows[rows.evaluations <= level]
    volume = early[early.search == FRONT].groupby(SEARCH).hypervolume.max().droplevel("search")
    goal = best_networks(early[early.search == NETWORK], most_mmacs).droplevel("search")
    is_as_accurate = rows.accuracy_top1 >= of_same_seed(rows, goal.accuracy_top1)
    is_there = {
        "front": rows.hypervolume >= of_same_seed(rows, volume),
        "network": is_as_accurate & (rows.mmacs <= of_same_seed(rows, goal.mmacs)),
    }
    found = [evaluations_to(rows, there).assign(question=question) for question, there in is_there.items()]
    needed = pd.concat(found, ignore_index=True).assign(level=level)
    looks_for_one = needed.search.str.endswith(", one")
    return needed[~(looks_for_one & (needed.question == "front"))]
