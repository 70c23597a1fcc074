"""A search that starts where another one ended.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 4.4 and Figure 8: the best sub-networks for one hardware setting are the first ones to be measured
for another one.

Differs from the paper in: there are controls. A warm start from a search for MACs knows no hardware. "No search at all"
measures nothing and ranks the finished search's sub-networks by the new latencies. Other algorithms search from scratch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.benchmarks.race import Curves
from nastoolkit.benchmarks.supernet_problem import MACS
from nastoolkit.history import History
from nastoolkit.objectives import Objective, complete
from nastoolkit.statistics import counted
from nastoolkit.studies.results import Row
from nastoolkit.systems.hardware_aware_nas.problems import (
    PublishedTables,
    front_of_all,
    judged_curves,
    percent_of,
    problem_from,
)

SCRATCH, WARM, WARM_MACS, NO_SEARCH = "from scratch", "warm start", "warm start, MACs", "no search"


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """Two hardware settings of one problem: the search for the source is finished, and one for the target follows.

    Attributes:
        problem: Values of a problem; see :func:`.problems.problem_from`.
        source: Name of the finished search's cost.
        target: Name of the new search's cost.
        algorithm: Key of ``ALGORITHMS`` for all searches, or ``default``.
        budget: Number of evaluations of each search, including finished ones.
        population: Number of sub-networks in the warm start and in a generation.
        reference_point: Reference point ``(2,)`` of hypervolumes: quality and cost.
        controls: Keys of ``ALGORITHMS`` for further searches from scratch.
    """

    problem: Mapping[str, Any]
    source: str
    target: str
    algorithm: str
    budget: int
    population: int
    reference_point: Sequence[float]
    controls: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.source == self.target:
            raise ValueError(f"source and target are both {self.source!r}: a warm start is from other hardware")

    @cached_property
    def made(self) -> SupernetProblem | PublishedTables:
        """The problem."""
        return problem_from(self.problem)

    def search(self, cost: str, seed: int, start: History | None = None, algorithm: str = "") -> History:
        """One search for a cost, from scratch or from the best sub-networks of another one, possibly by another algorithm."""
        how: dict[str, Any] = {} if start is None else {"warm_start": start.best(self.population).genotypes}
        return self.made.search(cost, algorithm or self.algorithm, self.budget, seed, population=self.population, **how)

    def searches(self, seed: int) -> dict[str, History]:
        """The searches for the target, by name."""
        finished = {cost: self.search(cost, seed) for cost in (self.source, MACS)}
        return {
            SCRATCH: self.search(self.target, seed),
            WARM: self.search(self.target, seed, finished[self.source]),
            WARM_MACS: self.search(self.target, seed, finished[MACS]),
            NO_SEARCH: with_cost(finished[self.source], self.made.cost(self.target)),
        } | {name: self.search(self.target, seed, algorithm=name) for name in self.controls}

    def best_known(self, n_seeds: int, budget: int = 0) -> History:
        """The front of a long search for the target, with a seed that no other search has.

        Args:
            n_seeds: Number of seeds used for searches.
            budget: Number of its evaluations; with 0, the front of all other searches is taken instead.
        """
        if budget:
            return self.made.search(self.target, self.algorithm, budget, n_seeds, population=self.population).front()
        return front_of_all([history for seed in range(n_seeds) for history in self.searches(seed).values()])


def with_cost(history: History, cost: Objective) -> History:
    """The same sub-networks by another exact cost, which is the second objective."""
    objectives = (history.objectives[0], cost)
    return History(
        history.space, objectives, history.genotypes, complete(objectives, history.genotypes, history.values[:, :1])
    )


def hypervolumes(study: Mapping[str, Any], seed: int) -> list[Row]:
    """The searches of one seed, judged; a job.

    Args:
        study: Values of a :class:`WarmStart`.
        seed: Seed of all searches.

    Returns:
        See :func:`.problems.judged_curves`.
    """
    given = WarmStart(**study)
    return judged_curves(given.made, given.searches(seed), given.reference_point)


def caught_up(runs: Mapping[str, Curves], name: str, early: int) -> np.ndarray:
    """Share of the warm start's early lead that a search has made up at its end, in % ``(n,)``; above 100 if it is ahead.

    Args:
        runs: Hypervolumes of each search.
        name: Name of the search.
        early: Number of evaluations after which the lead over the search from scratch is 100 %.
    """
    lead = runs[WARM].curves[:, early - 1] - runs[SCRATCH].curves[:, early - 1]
    return 100 - percent_of(runs[WARM].final - runs[name].final, lead)


def evaluations_saved(runs: Mapping[str, Curves], budget: int) -> pd.DataFrame:
    """Evaluations that each search needs for the final result of the one from scratch.

    Args:
        runs: Hypervolumes of each search.
        budget: Number of evaluations of each search, including the finished one.

    Returns:
        A row for each search: the median of its final ``hypervolume``, its ``evaluations``, how many ``times fewer`` these are
        than from scratch, and the same ``with the finished search``, as if that had been made only for this purpose.
    """
    volume = runs[SCRATCH].final[:, None]
    from_scratch, table = runs[SCRATCH].counts_to(volume), {}
    for name, run in runs.items():
        needed, extra = run.counts_to(volume), 0 if name == SCRATCH else budget
        both = counted(run.evaluations_to(volume) + extra, budget + extra)
        counts = {"evaluations": needed, "times fewer": from_scratch / needed, "with the finished search": from_scratch / both}
        table[name] = {"hypervolume": np.median(run.final)} | {key: str(value) for key, value in counts.items()}
    table[NO_SEARCH] |= {"evaluations": "none", "times fewer": "", "with the finished search": ""}
    return pd.DataFrame.from_dict(table, orient="index")
