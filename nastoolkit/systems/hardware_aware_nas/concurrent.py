"""Uses of a few hundred measurements: search on them alone, from a warm start, or learn from them during the search.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 4.5, Figures 9 and 10: the concurrent search, later named LINAS, against full searches.

Differs from the paper in: there are controls of the same cost, including random search; and warm starts come from searches of
several lengths, as the paper does not say how long the search behind its warm start was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from nastoolkit import pareto
from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.benchmarks.race import Curves
from nastoolkit.history import History
from nastoolkit.statistics import Censored
from nastoolkit.studies.results import Row
from nastoolkit.systems.hardware_aware_nas.problems import PublishedTables, front_of_all, judged_curves, problem_from

WARM, RANDOM = "full, warm start", "random"


@dataclass(frozen=True, kw_only=True)
class Tactics:
    """Searches for one hardware setting with different tactics.

    Attributes:
        problem: Values of a problem; see :func:`.problems.problem_from`.
        source: Name of the cost that the warm start comes from.
        target: Name of the cost of all other searches.
        full_search: Key of ``ALGORITHMS`` for the search on measurements alone.
        concurrent_search: Key of ``ALGORITHMS`` for the search that learns.
        controls: Keys of ``ALGORITHMS``, or ``default``, including random search.
        budget: Number of evaluations of each search.
        source_budgets: Numbers of evaluations of the searches that warm starts come from.
        population: Number of sub-networks between two fits, in a generation and in the warm start.
        reference_point: Reference point ``(2,)`` of hypervolumes: quality and cost.
    """

    problem: Mapping[str, Any]
    source: str
    target: str
    full_search: str
    concurrent_search: str
    controls: Sequence[str]
    budget: int
    source_budgets: Sequence[int]
    population: int
    reference_point: Sequence[float]

    def __post_init__(self) -> None:
        if RANDOM not in self.controls:
            raise ValueError(f"controls: {RANDOM} must be among them, as the rule asks for it; got {', '.join(self.controls)}")

    @cached_property
    def made(self) -> SupernetProblem | PublishedTables:
        """The problem."""
        return problem_from(self.problem)

    @property
    def full(self) -> str:
        """Name of the search on measurements alone."""
        return f"full ({self.full_search})"

    @property
    def concurrent(self) -> str:
        """Name of the search that learns."""
        return f"concurrent ({self.concurrent_search})"

    @property
    def algorithms(self) -> dict[str, str]:
        """The algorithm of each search, by its name."""
        warm = {name: self.full_search for name in self.warm}
        ours = {self.full: self.full_search, **warm, self.concurrent: self.concurrent_search}
        return ours | {name: name for name in self.controls}

    @property
    def warm(self) -> dict[str, int]:
        """Names of the searches from a warm start, and the number of evaluations of the search that it comes from."""
        return {f"{WARM} of {n:,}": n for n in self.source_budgets}

    def search(self, name: str, seed: int) -> History:
        """One search for the target."""
        how: dict[str, Any] = {"population": self.population}
        if name in self.warm:
            finished = self.made.search(self.source, self.full_search, max(self.source_budgets), seed, **how)
            how["warm_start"] = finished[: self.warm[name]].best(self.population).genotypes
        return self.made.search(self.target, self.algorithms[name], self.budget, seed, **how)

    def best_known(self, n_seeds: int, budget: int = 0) -> History:
        """The front of a long full search for the target, with a seed that no other search has.

        Args:
            n_seeds: Number of seeds used for searches.
            budget: Number of its evaluations; with 0, the front of all other searches is taken instead.
        """
        if budget:
            return self.made.search(self.target, self.full_search, budget, n_seeds, population=self.population).front()
        return front_of_all([self.search(name, seed) for name in self.algorithms for seed in range(n_seeds)])

    def unevenness(self, name: str, seed: int, best: History) -> float:
        """The spread indicator of a search's front between the ends of the best front known; less is more even."""
        return pareto.spread_indicator(self.search(name, seed).front().costs, best.costs[best.costs.argmin(axis=0)])


def hypervolumes(study: Mapping[str, Any], search: str, seed: int) -> list[Row]:
    """One search, judged; a job.

    Args:
        study: Values of :class:`Tactics`.
        search: Name of the search.
        seed: Random seed of the search.

    Returns:
        See :func:`.problems.judged_curves`.
    """
    given = Tactics(**study)
    return judged_curves(given.made, {search: given.search(search, seed)}, given.reference_point)


def pairs(runs: Mapping[str, Curves]) -> pd.DataFrame:
    """How many times fewer evaluations rows need than columns, for the column's final hypervolume.

    Args:
        runs: Hypervolumes of each search.

    Returns:
        Texts: mean and standard deviation of the final ``hypervolume``, then medians with their intervals.
    """
    table = {name: {"hypervolume": f"{run.final.mean():.4g} ± {run.final.std(ddof=1):.2g}"} for name, run in runs.items()}
    for name, run in runs.items():
        for other in runs:
            table[name][other] = "" if other == name else _with_interval(run, runs[other])
    return pd.DataFrame.from_dict(table, orient="index")


def break_even(runs: Mapping[str, Curves], tactics: Tactics) -> dict[tuple[str, int], Censored]:
    """How many times fewer evaluations than each search from a warm start other searches need, for figures.

    Args:
        runs: Hypervolumes of each search.
        tactics: Searches that were run.

    Returns:
        Ratios by the other search's name and the number of evaluations that the warm start comes from.
    """
    others = (tactics.concurrent, tactics.full)
    return {(name, n): runs[name].times_fewer(runs[warm]) for name in others for warm, n in tactics.warm.items()}


def _with_interval(run: Curves, other: Curves) -> str:
    ratios = run.times_fewer(other)
    low, high = ratios.interval()
    return f"{ratios.median_text} [{max(low, 0):.2g}, {high:.2g}]"
