"""Sub-networks of a supernet, searched by measured accuracy and a cost: any process can make it from plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nastoolkit.answers import Answers
from nastoolkit.benchmarks.named_task import NamedTask
from nastoolkit.families import Family
from nastoolkit.history import History
from nastoolkit.latency import hardware_table
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective, complete
from nastoolkit.space import SearchSpace
from nastoolkit.studies import optimize, reevaluate
from nastoolkit.studies.replay import N_PROBES
from nastoolkit.supernets import Supernet, load_supernet
from nastoolkit.tasks import Classification

MACS, SIZE = "MACs", "size"


@lru_cache(maxsize=4)
def _loaded(family_name: str, checkpoint: str, device: str) -> Supernet:
    return load_supernet(family_name, checkpoint or None).to(device)


@dataclass(frozen=True, kw_only=True)
class SupernetProblem(NamedTask):
    """A supernet, a task, and a folder for measurements, which several processes may use.

    Attributes:
        family_name: Key of ``FAMILIES``.
        folder: Folder with the stores of accuracies and with latency tables.
        checkpoint: File of the supernet; empty means the one that ships or was fetched.
        n_calibration: Number of training images for batch normalisation.
        device: Device that measures accuracy.
        n_contexts: See :meth:`nastoolkit.latency.LookupTable.measure`, for tables that are not in the folder yet.
        table_seconds: See there.
        made_of: Hash of weights and tables, which distinguishes jobs; :meth:`as_argument` sets it.
    """

    family_name: str
    folder: str
    checkpoint: str = ""
    n_calibration: int = 2000
    device: str = "cpu"
    n_contexts: int = 8
    table_seconds: float = 45.0
    made_of: str = ""

    @property
    def supernet(self) -> Supernet:
        """The supernet, loaded once per process."""
        return _loaded(self.family_name, self.checkpoint, self.device)

    @property
    def family(self) -> Family:
        """The supernet's family."""
        return self.supernet.family

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        return self.family.space

    @property
    def n_classes(self) -> int:
        """Number of the task's classes.

        Raises:
            ValueError: The task has no classes.
        """
        if not isinstance(self.task, Classification):
            raise ValueError(f"task {self.task_name!r} has no classes to tell apart")
        return self.task.n_classes

    @property
    def quality(self) -> Objective:
        """The task's metric, to be maximised."""
        return Objective(self.task.metric, "max", self.task.unit)

    def accuracy(self, split: str = "validation") -> Accuracy:
        """The task's metric as a measurement."""
        return Accuracy(self.supernet, self.task, split, self.n_calibration, progress=False)

    def cost(self, name: str) -> Objective:
        """The exact cost of sub-networks: MACs, size, or a latency, whose table is measured if it is missing.

        Args:
            name: Name of the cost: ``MACs``, ``size``, or hardware; see :func:`nastoolkit.latency.read_hardware`.
        """
        if name == MACS:
            return Objective("mmacs", "min", "M", exact=self.family.mmacs)
        if name == SIZE:
            return Objective("size_mb", "min", "MB", exact=self.family.size_mb)
        table = hardware_table(name, self.family, self.folder, self.n_contexts, self.table_seconds)
        return Objective("latency_ms", "min", "ms", exact=table.latency_ms)

    def search(
        self, cost: str, algorithm: str, budget: int, seed: int, space: SearchSpace | None = None, **settings: Any
    ) -> History:
        """A search by validation accuracy and a cost.

        Args:
            cost: See :meth:`cost`.
            algorithm: See :func:`nastoolkit.optimize`, also for the next arguments.
            budget: Number of evaluations.
            seed: Random seed.
            space: Part of the family's space; by default all of it.
            **settings: Further keyword arguments.
        """
        store, objectives = Path(self.folder) / "validation.sqlite", [self.quality, self.cost(cost)]
        how = {"progress": False, **settings}
        return optimize(space or self.space, self.accuracy(), objectives, algorithm, budget, seed, store, **how)

    def judged(self, histories: Sequence[History]) -> list[History]:
        """The same searches by test accuracy; see :func:`nastoolkit.studies.reevaluate`."""
        return reevaluate(histories, self.accuracy("test"), Path(self.folder) / "test.sqlite", progress=False)

    def answers(self, genotypes: np.ndarray, cost: str, split: str = "validation") -> Answers:
        """Class probabilities that networks ``(k, d)`` give for a split's examples, and the costs of their runs.

        Args:
            genotypes: Networks to run.
            cost: See :meth:`cost`.
            split: Examples to answer.
        """
        logits, targets = self.accuracy(split).predictions(genotypes)
        costs = complete([self.cost(cost)], genotypes, np.empty((len(genotypes), 0)))[:, 0]
        return Answers(torch.softmax(logits, dim=2).numpy(), targets.numpy(), costs)

    def as_argument(self, *costs: str) -> dict[str, Any]:
        """Plain values from which another process rebuilds this problem: an argument of a job.

        Args:
            *costs: Names of the costs that the job uses; their tables are measured now if they are missing.
        """
        probes = self.space.sample(N_PROBES, np.random.default_rng(0))
        digest = hashlib.sha256(self.supernet.fingerprint.encode())
        for exact in (self.cost(name).exact for name in costs):
            digest.update(b"" if exact is None else np.ascontiguousarray(exact(probes)).tobytes())
        return super().as_argument() | {"made_of": digest.hexdigest()[:16]}
