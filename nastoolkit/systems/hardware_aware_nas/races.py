"""Searches side by side: what each had after every evaluation, and how many it needed to what another one had.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Figures 7 and 11, Table 2; its sister paper, arXiv 2205.10358, Table 3.

The functions take data frames with a row for each evaluation; ``problem``, ``search`` and ``seed`` say which search made it,
``evaluations`` is the number of those so far.
"""

from __future__ import annotations

import inspect
from functools import lru_cache

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import BENCHMARKS, Benchmark
from nastoolkit.history import History

SEARCH = ["problem", "search", "seed"]
N_SHOWN = 14


@lru_cache(maxsize=2)
def benchmark_named(name: str, data_folder: str) -> Benchmark:
    """A benchmark, made once in a process; a table's accuracies are weighed against MMACs.

    Args:
        name: Key of ``BENCHMARKS``.
        data_folder: Folder of the published files; empty means the usual places.

    Raises:
        FileNotFoundError: Its data are not on this machine.
    """
    wanted = {"cost": "mmacs", "folder": data_folder or None}
    known = inspect.signature(BENCHMARKS[name]).parameters
    return BENCHMARKS[name](**{key: value for key, value in wanted.items() if key in known})


def progress_of(history: History, reference_point: tuple[float, ...]) -> pd.DataFrame:
    """A search evaluation by evaluation.

    Args:
        history: What it measured, in order.
        reference_point: Reference point ``(m,)`` of the hypervolume, in raw units.

    Returns:
        Columns ``evaluations`` so far, one for each objective, and ``hypervolume`` of all so far.
    """
    frame = pd.DataFrame(history.values, columns=[objective.name for objective in history.objectives])
    frame.insert(0, "evaluations", range(1, len(history) + 1))
    return frame.assign(hypervolume=history.hypervolume_curve(reference_point))


def of_same_seed(rows: pd.DataFrame, values: pd.Series) -> np.ndarray:
    """For each row ``(n,)`` the value that its problem and seed have.

    Args:
        rows: Evaluations of searches.
        values: Values by ``problem`` and ``seed``.
    """
    return values.reindex(pd.MultiIndex.from_frame(rows[["problem", "seed"]])).to_numpy()


def evaluations_to(rows: pd.DataFrame, is_there: pd.Series) -> pd.DataFrame:
    """How many evaluations each search needed.

    Args:
        rows: All evaluations of the searches.
        is_there: Whether a row has what is to be reached.

    Returns:
        Columns ``problem``, ``search``, ``seed``, ``evaluations``, infinite where a search never got there, and ``budget``.
    """
    counts = rows.assign(needed=rows.evaluations.where(is_there, np.inf))
    needed = counts.groupby(SEARCH, sort=False).agg(evaluations=("needed", "min"), budget=("evaluations", "max"))
    return needed.reset_index()


def some_evaluations(rows: pd.DataFrame, first: int, n: int = N_SHOWN) -> pd.DataFrame:
    """Rows of few evaluations, as far apart on a logarithmic scale, for figures.

    Args:
        rows: All evaluations of the searches.
        first: Number of the first evaluation that is shown.
        n: Number of evaluations that are shown of each search.
    """

    def chosen(search: pd.DataFrame) -> pd.DataFrame:
        last = search.evaluations.max()
        return search[search.evaluations.isin(np.geomspace(min(first, last), last, n).astype(int))]

    return pd.concat([chosen(search) for _, search in rows.groupby(SEARCH, sort=False)], ignore_index=True)
