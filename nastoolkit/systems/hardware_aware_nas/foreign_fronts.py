"""Fronts that were found for one hardware setting, judged on another one.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 4.3, Figures 5 and 6.
[Wang2020] H. Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", ACL 2020: latencies of
2,000 random Transformers on each of several devices, which are others on each device.

Differs from the paper in: each setting is measured twice, once to search with and once to judge with, so that a search takes
no advantage of the errors of what it is judged by; and the loss has a number, the share of hypervolume.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import Problem, SupernetProblem
from nastoolkit.benchmarks.race import replayed_history
from nastoolkit.benchmarks.supernet_problem import MACS
from nastoolkit.families import FAMILIES
from nastoolkit.history import History
from nastoolkit.latency import read_setting
from nastoolkit.objectives import Objective, complete
from nastoolkit.predictors import PREDICTORS, kendall_tau
from nastoolkit.published import DEVICES, hat_features, hat_latency
from nastoolkit.space import SearchSpace
from nastoolkit.statistics import estimate
from nastoolkit.studies.results import Row

RANDOM = "random search"
HAT = "hat-wmt"
Latency = Callable[[np.ndarray], np.ndarray]


def name_of(setting: str) -> str:
    """What figures call a setting of this machine, such as ``torch 16 1``; see :func:`nastoolkit.latency.read_setting`.

    Raises:
        ValueError: No such setting, or a table's file.
    """
    conditions = read_setting(setting)
    if not conditions:
        raise ValueError(
            f"settings: {setting!r} is a table's file; name two of them in other_machines, to search and to judge"
        )
    return f"{conditions['backend']}, batch {conditions['batch_size']}, threads {conditions['threads']}"


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Settings of a supernet, each with two latency tables.

    Attributes:
        problem: Values of a :class:`SupernetProblem`, with the tables to search with.
        judge: The same in another folder, with the tables to judge with.
        tables: By the name of each setting, what to search with and what to judge with: settings of this machine, or files.
        reference_quality: Accuracy that hypervolumes begin at, in %.
    """

    problem: Mapping[str, Any]
    judge: Mapping[str, Any]
    tables: Mapping[str, Sequence[str]]
    reference_quality: float

    @classmethod
    def measured(cls, problem: SupernetProblem, tables: Mapping[str, Sequence[str]], reference_quality: float) -> Tables:
        """Settings whose tables are measured now if they are missing, those to judge with in the folder ``judge``.

        Raises:
            ValueError: A setting with other than two tables.
        """
        if wrong := [name for name, two in tables.items() if len(two) != 2]:
            raise ValueError(f"other_machines: {wrong[0]!r} needs two tables, to search and to judge; got {tables[wrong[0]]}")
        judge = replace(problem, folder=str(Path(problem.folder) / "judge"))
        Path(judge.folder).mkdir(exist_ok=True)
        search, again = zip(*tables.values(), strict=True)
        found = {"problem": problem.as_argument(*search), "judge": judge.as_argument(*again)}
        return cls(**found, tables=tables, reference_quality=reference_quality)

    @cached_property
    def made(self) -> SupernetProblem:
        """The problem."""
        return SupernetProblem(**self.problem)

    @property
    def space(self) -> SearchSpace:
        """Where to search."""
        return self.made.space

    @property
    def quality(self) -> Objective:
        """What sub-networks are judged by, besides their latency."""
        return self.made.quality

    def latency(self, name: str, use: str, genotypes: np.ndarray) -> np.ndarray:
        """Latencies ``(n,)`` on a setting, in ms, or MMACs.

        Args:
            name: Name of the setting, or ``MACs``.
            use: ``search`` or ``judge``.
            genotypes: Sub-networks ``(n, d)``.
        """
        problem, number = (self.made, 0) if use == "search" else (SupernetProblem(**self.judge), 1)
        cost = problem.cost(MACS if name == MACS else self.tables[name][number])
        return complete([cost], genotypes, np.empty((len(genotypes), 0)))[:, 0]

    def search(self, name: str, algorithm: str, budget: int, population: int, seed: int) -> History:
        """A search by validation accuracy and a latency, or MMACs."""
        cost = MACS if name == MACS else self.tables[name][0]
        return self.made.search(cost, algorithm, budget, seed, population=population)

    def tested(self, front: History) -> np.ndarray:
        """Test accuracies ``(n,)`` of a front, in %."""
        (judged,) = self.made.judged([front])
        return judged.values[:, 0]


@lru_cache(maxsize=1)
def _learned(task: str, predictor: str, data_folder: str) -> dict[str, dict[str, Latency]]:
    """Predictors of latency, by device and use, each fitted to a half of its rows."""
    rng, space = np.random.default_rng(0), FAMILIES[HAT]().space
    found: dict[str, dict[str, Latency]] = {}
    for device in (name for name in DEVICES if name.startswith(task)):
        rows = hat_latency(device, data_folder or None)
        halves = np.array_split(rng.permutation(len(rows.latency_ms)), 2)
        fitted = [PREDICTORS[predictor]().fit(rows.features[half], rows.latency_ms[half]) for half in halves]
        latencies = [lambda genotypes, by=by: by.predict(hat_features(space, genotypes)) for by in fitted]
        found[device.rsplit("_", 1)[1]] = dict(zip(("search", "judge"), latencies, strict=True))
    return found


@dataclass(frozen=True, kw_only=True)
class HatDevices:
    """Devices on which HAT's authors measured Transformers of one task; their number of parameters stands for their quality.

    Attributes:
        folder: Folder that finished searches are kept in.
        task: Beginning of the names of the devices' data, such as ``wmt14enfr``.
        predictor: Key of ``PREDICTORS`` for the latencies; one is fitted to a half of the rows, to search with, and one to
            the other half, to judge with.
        data_folder: Folder of the published files; empty means the usual places.
    """

    folder: str
    task: str
    predictor: str
    data_folder: str = ""

    def __post_init__(self) -> None:
        n_devices = {task: sum(d.startswith(f"{task}_") for d in DEVICES) for task in (d.split("_")[0] for d in DEVICES)}
        if n_devices.get(self.task, 0) < 2:
            known = ", ".join(sorted(task for task, n in n_devices.items() if n > 1))
            raise ValueError(f"public_task: there is no {self.task!r} with several devices; known: {known}")

    @property
    def tables(self) -> list[str]:
        """Names of the devices.

        Raises:
            FileNotFoundError: The published files are not on this machine.
        """
        return list(_learned(self.task, self.predictor, self.data_folder))

    @property
    def space(self) -> SearchSpace:
        """Where to search."""
        return FAMILIES[HAT]().space

    @property
    def quality(self) -> Objective:
        """What sub-networks are judged by, besides their latency."""
        family = FAMILIES[HAT]()
        return Objective("params", "max", "million", exact=lambda genotypes: family.params(genotypes) / 1e6)

    @property
    def reference_quality(self) -> float:
        """Parameters of the smallest sub-network, in millions."""
        return float(FAMILIES[HAT]().params(self.space.smallest[None])[0] / 1e6)

    def latency(self, name: str, use: str, genotypes: np.ndarray) -> np.ndarray:
        """See :meth:`Tables.latency`."""
        if name == MACS:
            return FAMILIES[HAT]().mmacs(genotypes)
        return _learned(self.task, self.predictor, self.data_folder)[name][use](genotypes)

    def search(self, name: str, algorithm: str, budget: int, population: int, seed: int) -> History:
        """A search by parameters and a latency, or MMACs, read if it was made before."""
        cost = Objective("cost", "min", exact=partial(self.latency, name, "search"))
        problem = Problem(self.space, None, [self.quality, cost])
        return replayed_history(Path(self.folder) / "searches", problem, algorithm, budget, seed, population=population)

    def tested(self, front: History) -> np.ndarray:
        """Parameters ``(n,)`` of a front, in millions."""
        return front.values[:, 0]


def settings_from(argument: Mapping[str, Any]) -> Tables | HatDevices:
    """The settings that the values of either class make."""
    return Tables(**argument) if "problem" in argument else HatDevices(**argument)


def agreement(settings: Tables | HatDevices) -> pd.DataFrame:
    """Kendall tau over random sub-networks between latencies to search with, and MACs (rows), and those to judge with."""
    networks = settings.space.sample(1000, np.random.default_rng(0))
    judges = {name: settings.latency(name, "judge", networks) for name in settings.tables}
    costs = {name: settings.latency(name, "search", networks) for name in (*settings.tables, MACS)}
    taus = {name: {other: kendall_tau(cost, judge) for other, judge in judges.items()} for name, cost in costs.items()}
    return pd.DataFrame.from_dict(taus, orient="index")


@dataclass(frozen=True, kw_only=True)
class Study:
    """Searches for each setting, for MACs and at random, whose fronts are judged on all settings.

    Attributes:
        settings: Values of :class:`Tables` or of :class:`HatDevices`.
        names: Names of the settings.
        algorithm: Key of ``ALGORITHMS``.
        budget: Number of evaluations of each search.
        population: Number of sub-networks in a generation.
    """

    settings: Mapping[str, Any]
    names: Sequence[str]
    algorithm: str
    budget: int
    population: int

    @cached_property
    def made(self) -> Tables | HatDevices:
        """The settings."""
        return settings_from(self.settings)

    def fronts(self, found_for: str, seed: int) -> dict[str, History]:
        """For each setting the front that is judged there, by test values and the other latency.

        Args:
            found_for: Name of a setting, ``MACs``, or ``random search``, which searches each setting for itself.
            seed: Seed of all randomness.
        """
        if found_for == RANDOM:
            return {name: self._judged(self._front(name, "random", seed), name) for name in self.names}
        front = self._front(found_for, self.algorithm, seed)
        return {name: self._judged(front, name) for name in self.names}

    def _front(self, cost: str, algorithm: str, seed: int) -> History:
        return self.made.search(cost, algorithm, self.budget, self.population, seed).front()

    def _judged(self, front: History, name: str) -> History:
        """A front by its quality on test data, and by its share of the largest sub-network's latency on a setting."""
        space, genotypes = self.made.space, np.concatenate([front.genotypes, self.made.space.largest[None]])
        *latencies, largest = self.made.latency(name, "judge", genotypes)
        shares = np.array(latencies) / largest
        objectives = (self.made.quality, Objective("latency", "min", "share of the largest"))
        return History(space, objectives, front.genotypes, np.stack([self.made.tested(front), shares], axis=1))


def hypervolumes(study: Mapping[str, Any], found_for: str, seed: int) -> list[Row]:
    """What one search's front is worth on each setting; a job.

    Args:
        study: Values of a :class:`Study`.
        found_for: See :meth:`Study.fronts`.
        seed: Seed of all randomness.

    Returns:
        A row for each setting: ``judged_on``, and the ``hypervolume`` beyond the reference quality and a share of 1.
    """
    given = Study(**study)
    reference_point = (given.made.reference_quality, 1.0)
    fronts = given.fronts(found_for, seed)
    return [{"judged_on": name, "hypervolume": front.hypervolume(reference_point)} for name, front in fronts.items()]


def losses(volumes: pd.DataFrame) -> pd.DataFrame:
    """The same rows with ``lost_percent``, held against the front that was found for the setting itself with the same seed.

    Args:
        volumes: Rows of :func:`hypervolumes` with ``found_for`` and ``seed``.
    """
    own = volumes[volumes.found_for == volumes.judged_on].set_index(["judged_on", "seed"]).hypervolume
    rows = pd.MultiIndex.from_frame(volumes[["judged_on", "seed"]])
    return volumes.assign(lost_percent=100 * (1 - volumes.hypervolume / own.reindex(rows).to_numpy()))


def between_seeds(volumes: pd.DataFrame) -> pd.Series:
    """Mean difference between two seeds of one setting, by setting, in %."""
    own = volumes[volumes.found_for == volumes.judged_on]
    pairs = own.merge(own, on="judged_on", suffixes=("", "_other")).query("seed != seed_other")
    differences = 100 * (pairs.hypervolume / pairs.hypervolume_other - 1).abs()
    return differences.groupby(pairs.judged_on).mean().rename("difference between two seeds, in %")


def over_seeds(lost: pd.DataFrame) -> pd.DataFrame:
    """Mean of each loss and half the width of its 95 % t interval: ``found_for``, ``judged_on``, ``mean``, ``half_width``."""
    rows = []
    for pair, percent in lost.groupby(["found_for", "judged_on"], sort=False).lost_percent:
        found = estimate(percent, "t")
        rows.append((*pair, found.value, found.high - found.value))
    return pd.DataFrame(rows, columns=["found_for", "judged_on", "mean", "half_width"])


def mean_loss(lost: pd.DataFrame) -> pd.Series:
    """Mean loss of each seed over all ordered pairs of different settings, in %."""
    foreign = lost[lost.found_for.isin(lost.judged_on) & (lost.found_for != lost.judged_on)]
    return foreign.groupby("seed").lost_percent.mean()
