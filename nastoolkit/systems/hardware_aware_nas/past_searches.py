"""A past search on platform A shrinks the space for a search on platform B.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 5.3, Figures 4 and 12; see :mod:`.popdb`.

Differs from the paper in: there are several past searches, and controls: as many options dropped at random, and a warm start
from the same past search in the whole space. Clusters are formed by both objectives, as drawn in Figure 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import Problem, SupernetProblem
from nastoolkit.benchmarks.race import Curves, replayed_history
from nastoolkit.history import History
from nastoolkit.predictors import PREDICTORS
from nastoolkit.space import SearchSpace
from nastoolkit.statistics import estimate
from nastoolkit.studies.results import Row
from nastoolkit.systems.hardware_aware_nas.popdb import clusters, common_options, count_losers
from nastoolkit.systems.hardware_aware_nas.problems import PublishedTables, judged_curves, percent_of, problem_from

WHOLE, POPDB, LOT, WARM = "whole space", "PopDB", "dropped by lot", "warm start"
UNCLUSTERED = "without clusters"
LONG = ", long"  # added to the name of a search that continues until little is left to find
GENERATION = 50  # sub-networks in a generation of a past search, and of a long one
NAMES = {"expand": "width"}  # the paper's names for kinds of choices
KINDS = {"kernel": (20, 16), "width": (20, 5), "depth": (5, 0)}  # Section 5.3: choices of each kind, and how many lose options
Options = dict[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class PastSearch:
    """A long search on platform A, and short ones on platform B.

    Attributes:
        problem: Values of a problem; see :func:`.problems.problem_from`.
        platforms: Names of the costs on A and on B.
        past_algorithm: Key of ``ALGORITHMS`` for the long search.
        past_budget: Number of its evaluations.
        predictor: Key of ``PREDICTORS``.
        algorithm: Key of ``ALGORITHMS`` for the searches on B.
        budget: Number of evaluations of each search on B.
        population: Number of sub-networks between two fits of the search on B, and in a warm start.
        threshold: Least share of clustered sub-networks that keeps an option.
        min_cluster_size: See :func:`.popdb.constrain`.
        min_samples: See :func:`.popdb.constrain`.
        reference_point: Reference point ``(2,)`` of hypervolumes: quality and cost.
        n_past: Number of random sub-networks measured for a predictor that guides the long search; with 0, the problem's own
            values guide it.
        long_budget: Number of evaluations of two long searches on B, in the whole space and in the smaller one; 0 for none.
    """

    problem: Mapping[str, Any]
    platforms: Sequence[str]
    past_algorithm: str
    past_budget: int
    predictor: str
    algorithm: str
    budget: int
    population: int
    threshold: float
    min_cluster_size: int
    min_samples: int
    reference_point: Sequence[float]
    n_past: int = 0
    long_budget: int = 0

    def __post_init__(self) -> None:
        if len(self.platforms) != 2:
            raise ValueError(f"platforms: two are needed, A and B; got {list(self.platforms)}")
        if self.past_budget < self.min_cluster_size:
            raise ValueError(f"clusters of {self.min_cluster_size} need as many past evaluations, got {self.past_budget}")

    @cached_property
    def made(self) -> SupernetProblem | PublishedTables:
        """The problem."""
        return problem_from(self.problem)

    def past(self, seed: int) -> History:
        """The long search on A."""
        cost, how = self.platforms[0], {"population": GENERATION}
        if not self.n_past:
            return self.made.search(cost, self.past_algorithm, self.past_budget, seed, None, **how)
        space, measured = self.made.space, self.made.search(cost, "random", self.n_past, 0, None, population=self.n_past)
        fitted = PREDICTORS[self.predictor]().fit(space.one_hot(measured.genotypes), measured.values[:, 0])
        problem = Problem(space, lambda g: fitted.predict(space.one_hot(g)), [self.made.quality, self.made.cost(cost)])
        folder = Path(self.made.folder) / "searches"
        return replayed_history(folder, problem, self.past_algorithm, self.past_budget, seed, None, None, **how)

    def crowd(self, past: History, labels: Sequence[int]) -> History:
        """The clustered sub-networks of a past search, or all of them if only noise was found."""
        is_clustered = np.array(labels) >= 0
        return past[is_clustered] if is_clustered.any() else past

    def searches(self, options: Options, past_seed: int, seed: int) -> dict[str, History]:
        """The searches on B by name, the long ones last.

        Args:
            options: Options of each choice that the smaller space keeps.
            past_seed: Seed of the past search that they come from.
            seed: Random seed of the search on B.
        """
        whole, smaller = self.made.space, self.made.space.restrict(options)
        spaces = {WHOLE: whole, POPDB: smaller, LOT: by_lot(whole, smaller, seed)}
        found = {name: self._search(space, seed) for name, space in spaces.items()}
        found[WARM] = self._search(whole, seed, warm_start=self.past(past_seed).best(self.population).genotypes)
        for name in (WHOLE, POPDB) if self.long_budget else ():
            how = (self.platforms[1], self.past_algorithm, self.long_budget, seed, spaces[name])
            found[name + LONG] = self.made.search(*how, population=GENERATION)
        return found

    def _search(self, space: SearchSpace, seed: int, **how: Any) -> History:
        where = (self.platforms[1], self.algorithm, self.budget, seed, space)
        return self.made.search(*where, population=self.population, **how)


def by_lot(space: SearchSpace, smaller: SearchSpace, seed: int) -> SearchSpace:
    """A space with as many options of each choice as a smaller one has, drawn at random."""
    rng, options = np.random.default_rng(seed), Options()
    for choice, before, after in zip(space.choices, space.allowed, smaller.allowed, strict=True):
        options[choice.name] = [choice.options[index] for index in rng.permutation(before)[: len(after)]]
    return space.restrict(options)


def clustered(study: Mapping[str, Any], seed: int) -> list[Row]:
    """The clusters of one past search, and the options that remain; a job.

    Args:
        study: Values of a :class:`PastSearch`.
        seed: Seed of the past search.

    Returns:
        One row: ``labels``, the cluster of each evaluation, -1 for noise; and for each choice the ``options`` that the
        clusters use, and as ``unclustered`` those that all evaluations use.
    """
    given = PastSearch(**study)
    past = given.past(seed)
    labels = clusters(past, given.min_cluster_size, given.min_samples, by="objectives")
    crowd = given.crowd(past, labels.tolist())
    kept = {"options": common_options(crowd, given.threshold), "unclustered": common_options(past, given.threshold)}
    return [{"labels": labels.tolist(), **kept}]


def trials(study: Mapping[str, Any], pasts: pd.DataFrame, n: int) -> list[Row]:
    """Jobs for :func:`hypervolumes`: trials with their own seeds, which use the past searches in turn.

    Args:
        study: Values of a :class:`PastSearch`.
        pasts: Rows of :func:`clustered` with ``seed``.
        n: Number of trials.
    """
    turns = [pasts.iloc[seed % len(pasts)] for seed in range(n)]
    return [
        {"study": study, "options": past.options, "past_seed": int(past.seed), "seed": seed} for seed, past in enumerate(turns)
    ]


def hypervolumes(study: Mapping[str, Any], options: Options, past_seed: int, seed: int) -> list[Row]:
    """The searches on B of one trial, judged; a job.

    Args:
        study: Values of a :class:`PastSearch`.
        options: Options of each choice that the smaller space keeps.
        past_seed: Seed of the past search that they come from.
        seed: Seed of the trial.

    Returns:
        See :func:`.problems.judged_curves`.
    """
    given = PastSearch(**study)
    return judged_curves(given.made, given.searches(options, past_seed, seed), given.reference_point)


def reduction(space: SearchSpace, pasts: pd.DataFrame) -> pd.DataFrame:
    """How much smaller past searches make the space.

    Args:
        space: The whole space.
        pasts: Rows of :func:`clustered` with ``seed``.

    Returns:
        A row for each past search, with clusters and without: ``how``, ``seed``, for each kind such as ``kernel`` the number
        of choices that lose options, the ``orders`` of magnitude removed, and the number of sub-networks ``left``.
    """
    rows = []
    for how, column in {POPDB: "options", UNCLUSTERED: "unclustered"}.items():
        for seed, options in zip(pasts.seed, pasts[column], strict=True):
            smaller = space.restrict(options)
            losing = {NAMES.get(kind, kind): losers for kind, (losers, _) in count_losers(space, smaller).items()}
            sizes = {"orders": np.log10(space.size / smaller.size), "left": float(smaller.size)}
            rows.append({"how": how, "seed": seed} | losing | sizes)
    return pd.DataFrame(rows)


def against_paper(reduced: pd.DataFrame) -> dict[tuple[str, str], tuple[pd.Series, float]]:
    """The counts of Section 5.3 and Figure 4: by place and quantity, the values of past searches and the paper's.

    Args:
        reduced: Rows of :func:`reduction` of one kind.
    """
    found = {("Section 5.3", "the space shrinks (orders of magnitude)"): (reduced.orders, 4.0)}
    for kind, (n, losers) in KINDS.items():
        if losers:
            found["Fig 4", f"{kind} choices lose options (how many of {n})"] = (reduced[kind], float(losers))
        else:
            found["Fig 4", f"{kind} choices keep all options (how many of {n})"] = (n - reduced[kind], float(n))
    return found


def gains(runs: Mapping[str, Curves]) -> pd.DataFrame:
    """Gain of each search over that of the whole space, in % of the latter's final hypervolume, paired by seed.

    Args:
        runs: Hypervolumes of each search.

    Returns:
        Columns ``search``, ``seed``, and the gains: ``early``, the mean over the first half of the evaluations, and at the
        ``end``.
    """
    rows = []
    for name, run in runs.items():
        whole = runs[WHOLE + LONG if name.endswith(LONG) else WHOLE]
        if run is not whole:
            early, end = (percent_of(part(run) - part(whole), whole.final) for part in (_early, lambda curves: curves.final))
            rows.append(pd.DataFrame({"search": name, "seed": range(len(end)), "early": early, "end": end}))
    return pd.concat(rows, ignore_index=True)


def _early(run: Curves) -> np.ndarray:
    return run.curves[:, : run.curves.shape[1] // 2].mean(axis=1)


def over_seeds(gained: pd.DataFrame) -> pd.DataFrame:
    """Mean and 95 % t interval of the gains of each search: ``search``, ``when``, ``mean``, ``low`` and ``high``."""
    rows = []
    for name, of_search in gained.groupby("search"):
        for when in ("early", "end"):
            found = estimate(of_search[when], "t")
            rows.append((name, when, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=["search", "when", "mean", "low", "high"])
