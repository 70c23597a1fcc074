"""Fronts found for one hardware setting and judged on another one.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 4.3, Figures 5 and 6.

Differs from the paper in: each hardware setting is measured twice if possible, once for searching and once for judging,
so that a search cannot exploit measurement errors; and the loss is a number, the share of hypervolume.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks.supernet_problem import MACS
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.predictors import kendall_tau
from nastoolkit.statistics import estimate
from nastoolkit.studies.results import Row
from nastoolkit.systems.hardware_aware_nas.hardware import Hardware, hardware_from
from nastoolkit.systems.hardware_aware_nas.problems import percent_of

RANDOM = "random search"


def agreement(hardware: Hardware) -> pd.DataFrame:
    """Kendall tau over random sub-networks between search latencies or MACs (rows) and judging latencies."""
    networks = hardware.space.sample(1000, np.random.default_rng(0))
    judges = {name: hardware.latency(name, "judge", networks) for name in hardware.tables}
    costs = {name: hardware.latency(name, "search", networks) for name in (*hardware.tables, MACS)}
    taus = {name: {other: kendall_tau(cost, judge) for other, judge in judges.items()} for name, cost in costs.items()}
    return pd.DataFrame.from_dict(taus, orient="index")


@dataclass(frozen=True, kw_only=True)
class Study:
    """Searches for each hardware setting, for MACs and at random; their fronts are judged on all of them.

    Attributes:
        hardware: Values of one of the classes of :data:`.hardware.Hardware`.
        names: Names of the hardware settings.
        algorithm: Key of ``ALGORITHMS``.
        budget: Number of evaluations of each search.
        population: Number of sub-networks in a generation.
    """

    hardware: Mapping[str, Any]
    names: Sequence[str]
    algorithm: str
    budget: int
    population: int

    @cached_property
    def made(self) -> Hardware:
        """The hardware."""
        return hardware_from(self.hardware)

    def fronts(self, found_for: str, seed: int) -> dict[str, History]:
        """For each hardware setting, the front that is judged there, by test values and the judging latency.

        Args:
            found_for: Name of a hardware setting, ``MACs``, or ``random search``, which searches each one separately.
            seed: Random seed.
        """
        if found_for == RANDOM:
            return {name: self._judged(self._front(name, "random", seed), name) for name in self.names}
        front = self._front(found_for, self.algorithm, seed)
        return {name: self._judged(front, name) for name in self.names}

    def _front(self, cost: str, algorithm: str, seed: int) -> History:
        return self.made.search(cost, algorithm, self.budget, self.population, seed).front()

    def _judged(self, front: History, name: str) -> History:
        """A front by its quality on test data and its latency there as a share of the largest sub-network's."""
        space, genotypes = self.made.space, np.concatenate([front.genotypes, self.made.space.largest[None]])
        *latencies, largest = self.made.latency(name, "judge", genotypes)
        shares = np.array(latencies) / largest
        objectives = (self.made.quality, Objective("latency", "min", "share of the largest"))
        return History(space, objectives, front.genotypes, np.stack([self.made.tested(front), shares], axis=1))


def hypervolumes(study: Mapping[str, Any], found_for: str, seed: int) -> list[Row]:
    """Hypervolume of one search's front on each hardware setting; a job.

    Args:
        study: Values of a :class:`Study`.
        found_for: See :meth:`Study.fronts`.
        seed: Random seed.

    Returns:
        A row for each hardware setting: ``judged_on``, and the ``hypervolume`` at the reference quality and a share of 1.
    """
    given = Study(**study)
    reference_point = (given.made.reference_quality, 1.0)
    fronts = given.fronts(found_for, seed)
    return [{"judged_on": name, "hypervolume": front.hypervolume(reference_point)} for name, front in fronts.items()]


def losses(volumes: pd.DataFrame) -> pd.DataFrame:
    """The same rows with ``lost_percent``, compared with the front found for the hardware setting itself with the same seed.

    Args:
        volumes: Rows of :func:`hypervolumes` with ``found_for`` and ``seed``.
    """
    own = volumes[volumes.found_for == volumes.judged_on].set_index(["judged_on", "seed"]).hypervolume
    wholes = own.reindex(pd.MultiIndex.from_frame(volumes[["judged_on", "seed"]])).to_numpy()
    return volumes.assign(lost_percent=percent_of(wholes - volumes.hypervolume.to_numpy(), wholes))


def between_seeds(volumes: pd.DataFrame) -> pd.Series:
    """Mean difference between two seeds of one hardware setting, by its name, in %."""
    own = volumes[volumes.found_for == volumes.judged_on]
    pairs = own.merge(own, on="judged_on", suffixes=("", "_other")).query("seed != seed_other")
    apart = (pairs.hypervolume - pairs.hypervolume_other).abs().to_numpy()
    differences = pairs.assign(percent=percent_of(apart, pairs.hypervolume_other.to_numpy()))
    return differences.groupby("judged_on").percent.mean().rename("difference between two seeds, in %")


def over_seeds(lost: pd.DataFrame) -> pd.DataFrame:
    """Mean of each loss and half the width of its 95 % t interval: ``found_for``, ``judged_on``, ``mean``, ``half_width``."""
    rows = []
    for pair, percent in lost.groupby(["found_for", "judged_on"], sort=False).lost_percent:
        found = estimate(percent, "t")
        rows.append((*pair, found.value, found.high - found.value))
    return pd.DataFrame(rows, columns=["found_for", "judged_on", "mean", "half_width"])


def loss_between(lost: pd.DataFrame, found_for: str, judged_on: str) -> pd.Series:
    """Loss of fronts found for one hardware setting and judged on another one, for each seed, in %."""
    of_pair = lost[(lost.found_for == found_for) & (lost.judged_on == judged_on)]
    return of_pair.set_index("seed").lost_percent


def mean_loss(lost: pd.DataFrame) -> pd.Series:
    """Mean loss of each seed over all ordered pairs of different hardware settings, in %."""
    foreign = lost[lost.found_for.isin(lost.judged_on) & (lost.found_for != lost.judged_on)]
    return foreign.groupby("seed").lost_percent.mean()
