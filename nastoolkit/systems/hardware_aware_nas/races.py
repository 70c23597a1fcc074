"""Searches side by side: the result of each after every evaluation, and how many evaluations it needed for another's result.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Figures 7 and 11, Table 2; its sister paper, arXiv 2205.10358, Table 3.

The functions take data frames with a row for each evaluation; ``problem``, ``search`` and ``seed`` identify its search, and
``evaluations`` is the number of evaluations so far.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import BENCHMARKS, Benchmark, SupernetProblem
from nastoolkit.claims import MINIATURE, OWN_PROBLEM, PUBLIC_DATA
from nastoolkit.history import History
from nastoolkit.objectives import signs
from nastoolkit.systems.hardware_aware_nas.problems import PHONE, PublishedTables, problem_from

SEARCH = ["problem", "search", "seed"]
N_SHOWN = 14
PUBLISHED = (PHONE, "ofa-mbv3-note10", "ofa-mbv3-w12-macs", "nas-bench-macro")  # with published data


def evidence_of(problem: str) -> str:
    """How close a test on a supernet or a problem is to the paper, one of :data:`nastoolkit.claims.EVIDENCE`."""
    if problem in PUBLISHED:
        return PUBLIC_DATA
    return MINIATURE if problem.startswith(("digits", "number-words")) else OWN_PROBLEM


@lru_cache(maxsize=2)
def benchmark_named(name: str, data_folder: str) -> Benchmark:
    """A benchmark, made once for each process; a table's accuracies are traded against MMACs.

    Args:
        name: Key of ``BENCHMARKS``.
        data_folder: Folder of the published files; empty means the usual places.

    Raises:
        FileNotFoundError: The benchmark's data are not on this machine.
    """
    wanted = {"cost": "mmacs", "folder": data_folder or None}
    known = inspect.signature(BENCHMARKS[name]).parameters
    return BENCHMARKS[name](**{key: value for key, value in wanted.items() if key in known})


def rows_of(history: History, reference_point: Sequence[float]) -> pd.DataFrame:
    """A search, evaluation by evaluation.

    Args:
        history: Its evaluations, in order.
        reference_point: Reference point ``(m,)`` of the hypervolume, in raw units.

    Returns:
        Columns ``evaluations`` so far, their ``hypervolume``, and lists of m numbers of which less is better: ``costs``, and
        ``reference_costs`` for the reference point.
    """
    reference_costs = (signs(history.objectives) * np.asarray(reference_point)).tolist()
    columns = {"evaluations": range(1, len(history) + 1), "hypervolume": history.hypervolume_curve(reference_point)}
    return pd.DataFrame(columns | {"costs": history.costs.tolist(), "reference_costs": [reference_costs] * len(history)})


def reference_of(problem: SupernetProblem | PublishedTables, cost: str, quality: float) -> list[float]:
    """A reference point: a quality, and the cost of the largest sub-network."""
    exact = problem.cost(cost).exact
    assert exact is not None
    return [quality, float(exact(problem.space.largest[None])[0])]


def search_problem(
    problem: str,
    source: dict[str, Any],
    cost: str,
    reference: list[float],
    search: str,
    budget: int,
    seed: int,
    settings: dict[str, Any],
) -> pd.DataFrame:
    """One search of a problem; a job.

    Args:
        problem: Name of the problem.
        source: Values that make the problem; see :func:`.problems.problem_from`.
        cost: Name of its cost.
        reference: Quality and cost of the reference point.
        search: Key of ``ALGORITHMS``.
        budget: Number of evaluations.
        seed: Random seed.
        settings: Settings of the algorithm.

    Returns:
        The columns of :func:`rows_of`, by validation data, and ``test_hypervolume``: that of the final front by test data.
    """
    made = problem_from(source)
    history = made.search(cost, search, budget, seed, **settings)
    (tested,) = made.judged([history.front()])
    return rows_of(history, reference).assign(test_hypervolume=tested.hypervolume(reference))


def of_same_seed(rows: pd.DataFrame, values: pd.Series) -> np.ndarray:
    """For each row, the value of its problem and seed, ``(n,)``.

    Args:
        rows: Evaluations of searches.
        values: Values by ``problem`` and ``seed``.
    """
    return values.reindex(pd.MultiIndex.from_frame(rows[["problem", "seed"]])).to_numpy()


def evaluations_to(rows: pd.DataFrame, is_there: pd.Series) -> pd.DataFrame:
    """Number of evaluations that each search needed.

    Args:
        rows: All evaluations of the searches.
        is_there: Whether a row reaches the target.

    Returns:
        Columns ``problem``, ``search``, ``seed``, ``evaluations``, infinite if a search never reached it, and ``budget``.
    """
    counts = rows.assign(needed=rows.evaluations.where(is_there, np.inf))
    needed = counts.groupby(SEARCH, sort=False).agg(evaluations=("needed", "min"), budget=("evaluations", "max"))
    return needed.reset_index()


def some_evaluations(rows: pd.DataFrame, first: int, n: int = N_SHOWN) -> pd.DataFrame:
    """Rows of a few evaluations, evenly spaced on a logarithmic scale, for figures.

    Args:
        rows: All evaluations of the searches.
        first: Number of the first evaluation shown.
        n: Number of evaluations shown for each search.
    """

    def chosen(search: pd.DataFrame) -> pd.DataFrame:
        last = search.evaluations.max()
        return search[search.evaluations.isin(np.geomspace(min(first, last), last, n).astype(int))]

    return pd.concat([chosen(search) for _, search in rows.groupby(SEARCH, sort=False)], ignore_index=True)
