"""Evaluations that LINAS saves for the same hypervolume, on measured supernets and on published problems.

[Cummings2022b] D. Cummings et al., "A Hardware-Aware Framework for Accelerating Neural Architecture Search Across Modalities",
arXiv 2205.10358, Table 3: the sister paper of arXiv 2202.12954.

Differs from the paper in: each seed has its own levels, so that searches are paired; the paper's levels come from mean curves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nastoolkit import pareto
from nastoolkit.benchmarks.digits_mbv3_table import DigitsTable
from nastoolkit.history import History
from nastoolkit.studies import optimize
from nastoolkit.systems.hardware_aware_nas.literal_linas import LiteralLINAS
from nastoolkit.systems.hardware_aware_nas.races import benchmark_named, evaluations_to, of_same_seed, rows_of

LEVELS = {"level 1, random's": "random", "level 2, NSGA-II's": "nsga2"}  # whose final hypervolume is the level
LITERAL = "linas, as printed"  # with exact costs predicted, too
PAPER = {  # Table 3: evaluations to level 1 of LINAS and NSGA-II, then to level 2
    "mbv3": (100, 260, 346, 2000),
    "resnet50": (57, 255, 155, 1000),
    "transformer": (111, 191, 465, 600),
}


def search_published(
    problem: str, data_folder: str, search: str, budget: int, seed: int, settings: dict[str, Any]
) -> pd.DataFrame:
    """One search of a benchmark; a job.

    Args:
        problem: Key of ``BENCHMARKS``.
        data_folder: Folder of the published files; empty means the usual places.
        search: Key of ``ALGORITHMS``, ``default`` or ``LITERAL``.
        budget: Number of evaluations.
        seed: Random seed.
        settings: Settings of the algorithm.

    Returns:
        The columns of :func:`.races.search_problem`; without test data, the search's own data judge its front.
    """
    benchmark = benchmark_named(problem, data_folder)
    where, reference = (benchmark.space, benchmark.evaluate, benchmark.objectives), benchmark.reference_point
    algorithm = LiteralLINAS if search == LITERAL else search
    history = optimize(*where, algorithm, budget, seed, progress=False, **settings)
    front = history.front()
    if isinstance(benchmark, DigitsTable):
        tested = np.column_stack([benchmark.look_up("accuracy_test", front.genotypes), front.values[:, 1:]])
        front = History(front.space, front.objectives, front.genotypes, tested)
    return rows_of(history, reference).assign(test_hypervolume=front.hypervolume(reference))


def evaluations_needed(rows: pd.DataFrame) -> pd.DataFrame:
    """Evaluations after which each search reached the levels of its seed.

    Args:
        rows: Evaluations of all searches, ``random`` and ``nsga2`` among them.

    Returns:
        The columns of :func:`.races.evaluations_to`, and ``level``, a key of ``LEVELS``.
    """
    found = []
    for level, search in LEVELS.items():
        reached = rows[rows.search == search].groupby(["problem", "seed"]).hypervolume.max()
        found.append(evaluations_to(rows, rows.hypervolume >= of_same_seed(rows, reached)).assign(level=level))
    return pd.concat(found, ignore_index=True)


def level_shares(rows: pd.DataFrame) -> pd.Series:
    """Each level as a share of the hypervolume of all evaluations on a problem: the median over seeds."""
    shares: dict[tuple[str, str], float] = {}
    for problem, measured in rows.groupby("problem", sort=False):
        whole = pareto.hypervolume(np.array(measured.costs.tolist()), measured.reference_costs.iloc[0])
        last = measured.groupby(["search", "seed"]).hypervolume.max()
        shares |= {(problem, level): np.median(last[search]) / whole for level, search in LEVELS.items()}
    return pd.Series(shares).rename_axis(["problem", "level"])


def paper_ratio(problem: str, level: str) -> float | None:
    """How many times fewer evaluations than NSGA-II LINAS needs in the paper, by the kind of supernet; None for others."""
    numbers = next((numbers for kind, numbers in PAPER.items() if kind in problem), None)
    if numbers is None:
        return None
    linas, nsga2 = numbers[:2] if level == next(iter(LEVELS)) else numbers[2:]
    return round(nsga2 / linas, 2)
