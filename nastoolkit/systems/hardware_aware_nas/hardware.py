"""Hardware settings between which fronts may transfer: tables of this machine, and the devices of HAT's authors.

Each is measured twice, for searching and for judging; the devices of :class:`.ofa_devices.OfaDevices` have only one table.

[Wang2020] H. Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", ACL 2020: latencies of
2,000 random Transformers on each of several devices, which are others on each device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.benchmarks import Problem, SupernetProblem
from nastoolkit.benchmarks.race import replayed_history
from nastoolkit.benchmarks.supernet_problem import MACS
from nastoolkit.families import FAMILIES, Family
from nastoolkit.history import History
from nastoolkit.latency import read_hardware
from nastoolkit.objectives import Objective, complete
from nastoolkit.predictors import PREDICTORS
from nastoolkit.published import DEVICES, hat_features, hat_latency
from nastoolkit.space import SearchSpace
from nastoolkit.systems.hardware_aware_nas.ofa_devices import OfaDevices

HAT = "hat-wmt"
Latency = Callable[[np.ndarray], np.ndarray]


def name_of(text: str) -> str:
    """The name in figures of hardware, such as ``torch 16 1``; see :func:`nastoolkit.latency.read_hardware`.

    Raises:
        ValueError: There is no such hardware setting, or it is a table's file.
    """
    conditions = read_hardware(text)
    if not conditions:
        raise ValueError(f"hardware: {text!r} is a table's file; name two of them in other_machines, to search and to judge")
    return f"{conditions['backend']}, batch {conditions['batch_size']}, threads {conditions['threads']}"


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Settings of a supernet, each with two latency tables.

    Attributes:
        problem: Values of a :class:`SupernetProblem`, with the tables for searching.
        judge: The same in another folder, with the tables for judging.
        tables: Table for searching and table for judging, by the hardware's name: this machine's, or files.
        reference_quality: Accuracy of the reference point, in %.
    """

    problem: Mapping[str, Any]
    judge: Mapping[str, Any]
    tables: Mapping[str, Sequence[str]]
    reference_quality: float

    @classmethod
    def measured(cls, problem: SupernetProblem, tables: Mapping[str, Sequence[str]], reference_quality: float) -> Tables:
        """Settings whose tables are measured now if they are missing; those for judging are in the folder ``judge``.

        Raises:
            ValueError: A hardware setting does not have two tables.
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
        """The search space."""
        return self.made.space

    @property
    def quality(self) -> Objective:
        """The objective in addition to latency."""
        return self.made.quality

    def latency(self, name: str, use: str, genotypes: np.ndarray) -> np.ndarray:
        """Latencies ``(n,)`` on a hardware setting, in ms, or MMACs.

        Args:
            name: Name of the hardware setting, or ``MACs``.
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


@cache
def _hat() -> Family:
    return FAMILIES[HAT]()


@lru_cache(maxsize=1)
def _learned(task: str, predictor: str, data_folder: str) -> dict[str, dict[str, Latency]]:
    """Predictors of latency by device and use, each fitted to half of the device's rows."""
    rng, space = np.random.default_rng(0), _hat().space
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
        folder: Folder that keeps finished searches.
        task: Beginning of the names of the devices' data, such as ``wmt14enfr``.
        predictor: Key of ``PREDICTORS`` for the latencies; one is fitted to half of the rows, for searching, and one to the
            other half, for judging.
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
        """The search space."""
        return _hat().space

    @property
    def quality(self) -> Objective:
        """The objective in addition to latency."""
        return Objective("params", "max", "million", exact=lambda genotypes: _hat().params(genotypes) / 1e6)

    @property
    def reference_quality(self) -> float:
        """Parameters of the smallest sub-network, in millions."""
        return float(_hat().params(self.space.smallest[None])[0] / 1e6)

    def latency(self, name: str, use: str, genotypes: np.ndarray) -> np.ndarray:
        """See :meth:`Tables.latency`."""
        if name == MACS:
            return _hat().mmacs(genotypes)
        return _learned(self.task, self.predictor, self.data_folder)[name][use](genotypes)

    def search(self, name: str, algorithm: str, budget: int, population: int, seed: int) -> History:
        """A search by parameters and a latency, or MMACs, read from its file if it was made before."""
        cost = Objective("cost", "min", exact=partial(self.latency, name, "search"))
        problem = Problem(self.space, None, [self.quality, cost])
        return replayed_history(Path(self.folder) / "searches", problem, algorithm, budget, seed, population=population)

    def tested(self, front: History) -> np.ndarray:
        """Parameters ``(n,)`` of a front, in millions."""
        return front.values[:, 0]


Hardware = Tables | HatDevices | OfaDevices


def hardware_from(argument: Mapping[str, Any]) -> Hardware:
    """The hardware that the values of one of the classes make."""
    if "problem" in argument:
        return Tables(**argument)
    return HatDevices(**argument) if "task" in argument else OfaDevices(**argument)
