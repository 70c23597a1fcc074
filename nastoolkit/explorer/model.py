"""The explorer's state, without widgets: the current sub-network, its costs, and all measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from traitlets import Any as AnyTrait
from traitlets import Float, HasTraits, Unicode, observe

from nastoolkit.explorer.stored import Stored
from nastoolkit.families import Family, Plan
from nastoolkit.history import History
from nastoolkit.latency import LookupTable
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective, complete
from nastoolkit.predictors import PREDICTORS
from nastoolkit.space import SearchSpace

LEAST_FITTED = 12  # measured sub-networks needed before accuracies are predicted
Genes = tuple[int, ...]


class Model(HasTraits):
    """A sub-network and a study, with observable traits.

    Args:
        family: Family of the sub-networks.
        tables: Lookup tables by name, possibly none; the space is the part that all of them cover.
        accuracy: Measurement of sub-networks' accuracy; None without weights or data.
        stored: Accuracies that were measured before; None if there are none.

    Attributes:
        genotype: The current sub-network ``(d,)``.
        pinned: Another sub-network ``(d,)``, to compare it with; None if there is none.
        tables: Lookup tables by name; replaced, never modified.
        hardware: Name of the table in use; empty without tables.
        quality: Name of the objective to maximise.
        cost: Name of the objective to minimise.
        budget: Largest cost that a network may have, in the unit of ``cost``.
        measured: Accuracies by genes, NaN for sub-networks that were viewed but not measured; replaced, never modified.
        run: History of the search being watched; None before.
        latencies: Measured latencies in ms, by hardware and genes; replaced, never modified.

    Raises:
        ValueError: A table belongs to another family.
    """

    genotype = AnyTrait()
    pinned = AnyTrait()
    tables = AnyTrait()
    hardware = Unicode()
    quality = Unicode()
    cost = Unicode()
    budget = Float()
    measured = AnyTrait()
    run = AnyTrait()
    latencies = AnyTrait()

    def __init__(
        self,
        family: Family,
        tables: Mapping[str, LookupTable] | None = None,
        accuracy: Accuracy | None = None,
        stored: Stored | None = None,
    ) -> None:
        self.family, self.stored = family, stored
        self.accuracy = accuracy and replace(accuracy, progress=False)  # a bar would appear below the page
        strangers = [name for name, table in (tables or {}).items() if table.family.name != family.name]
        if strangers:
            raise ValueError(f"the tables {strangers} are not of {family.name!r}")
        super().__init__(tables=dict(tables or {}), hardware=next(iter(tables or {}), ""), measured={}, latencies={})
        self.genotype = self.space.largest
        self.quality = next(iter(self.qualities))
        self.cost = next(iter(self.costs))

    @cached_property
    def space(self) -> SearchSpace:
        """The part of the family's space that every table covers."""
        space = self.family.space
        for table in self.tables.values():
            space = space.restrict(table.within)
        return space

    @property
    def table(self) -> LookupTable | None:
        """The lookup table in use."""
        return self.tables.get(self.hardware)

    @cached_property
    def qualities(self) -> dict[str, Objective]:
        """The objectives that can be maximised: the task's metric if it can be measured, and capacity."""
        exact = {"mmacs": ("MMACs", self.family.mmacs), "params": ("", self.family.params)}
        capacity = {name: Objective(name, "max", unit, exact=cost) for name, (unit, cost) in exact.items()}
        if self.accuracy is None:
            return capacity
        task = self.accuracy.task
        return {task.metric: Objective(task.metric, "max", task.unit), **capacity}

    @property
    def metric(self) -> str | None:
        """Name of the accuracy; None if it cannot be measured."""
        return None if self.accuracy is None else self.accuracy.task.metric

    @property
    def costs(self) -> dict[str, Objective]:
        """The objectives that can be minimised, except the maximised one."""
        return {name: cost for name, cost in self._costs().items() if name != self.quality}

    def _costs(self) -> dict[str, Objective]:
        latency = {"latency_ms": Objective("latency_ms", "min", "ms", exact=self.table.latency_ms)} if self.table else {}
        macs = Objective("mmacs", "min", "MMACs", exact=self.family.mmacs)
        return latency | {"mmacs": macs, "params": Objective("params", "min", exact=self.family.params)}

    @property
    def objectives(self) -> tuple[Objective, Objective]:
        """Quality and cost."""
        return self.qualities[self.quality], self.costs[self.cost]

    @property
    def cost_range(self) -> tuple[float, float]:
        """The cost of the smallest and of the largest sub-network."""
        low, high = sorted(self.cost_of(np.stack([self.space.smallest, self.space.largest])).tolist())
        return low, high

    def cost_of(self, genotypes: np.ndarray) -> np.ndarray:
        """The cost ``(n,)`` of sub-networks ``(n, d)``."""
        return complete([self.costs[self.cost]], genotypes, np.empty((len(genotypes), 0)))[:, 0]

    @observe("measured", "quality", "cost", "hardware")
    def _keep_up(self, change: Any) -> None:
        """Drop what followed from the old values; new objectives also end a watched search and reset the budget."""
        self.__dict__.pop("study", None)
        if change["name"] == "measured":
            self.__dict__.pop("_predictor", None)
        elif self.cost and self.cost not in self.costs:
            self.cost = next(iter(self.costs))
        elif self.cost:
            self.run = None
            self.budget = float(np.mean(self.cost_range))
            self._recall()

    def _recall(self) -> None:
        """Add the stored sub-networks that are worth drawing under the current objectives."""
        if self.stored is not None and self.quality == self.metric:
            genotypes = self.stored.genotypes_within(self.space)
            values = complete(self.objectives, genotypes, self.stored.evaluate(genotypes))
            self.add(self.stored.worth_drawing(History(self.space, self.objectives, genotypes, values)))

    def add_table(self, name: str, table: LookupTable) -> None:
        """Offer one more lookup table; the first one is used at once."""
        self.tables = {**self.tables, name: table}
        if not self.hardware:
            self.hardware = name

    def show(self, genotype: np.ndarray) -> None:
        """Make a genotype ``(d,)`` the current sub-network; genes outside the space move to the nearest option."""
        genotype = self.space.repair(np.asarray(genotype)[None])[0]
        if not np.array_equal(genotype, self.genotype):
            self.genotype = genotype

    def choose(self, gene: int, option: int) -> None:
        """Give one gene of the current sub-network another option index."""
        genotype = np.array(self.genotype)
        genotype[gene] = option
        self.show(genotype)

    def add(self, history: History) -> None:
        """Add sub-networks and, if it is among the objectives, their accuracy."""
        names = [objective.name for objective in history.objectives]
        column = names.index(self.metric) if self.metric in names else None
        merged = dict(self.measured)
        for genotype, values in zip(history.genotypes, history.values, strict=True):
            genes, value = genes_of(genotype), np.nan if column is None else float(values[column])
            if genes not in merged or not np.isnan(value):
                merged[genes] = value
        self.measured = merged

    def note_accuracy(self, genotype: np.ndarray, value: float) -> None:
        """Add the measured accuracy of one sub-network."""
        self.measured = {**self.measured, genes_of(genotype): value}

    def note_latency(self, genotype: np.ndarray, hardware: str, latency_ms: float) -> None:
        """Add the measured latency of one sub-network."""
        self.latencies = {**self.latencies, (hardware, genes_of(genotype)): latency_ms}

    @cached_property
    def study(self) -> History:
        """All sub-networks viewed so far, under the current objectives; unknown accuracies are NaN."""
        genotypes = np.array(list(self.measured), dtype=np.int64).reshape(-1, self.space.n_genes)
        values = np.array(list(self.measured.values()), dtype=float)[:, None]
        return History(self.space, self.objectives, genotypes, complete(self.objectives, genotypes, values))

    def within_budget(self) -> History:
        """The best known sub-network within the budget: one row, or none."""
        front = self.study.front()
        return front[front.values[:, 1] <= self.budget][:1]

    @property
    def plan(self) -> Plan:
        """The current sub-network's blocks."""
        return self.family.plan(self.genotype)

    @property
    def accuracy_measured(self) -> float | None:
        """Accuracy of the current sub-network; None if it was not measured."""
        return self.accuracy_of(self.genotype)

    def accuracy_of(self, genotype: np.ndarray) -> float | None:
        """Measured accuracy of a sub-network ``(d,)``; None if it was not measured."""
        value = self.measured.get(genes_of(genotype), np.nan)
        if np.isnan(value):
            return None if self.stored is None else self.stored.accuracy(genotype)
        return float(value)

    @property
    def latency_measured(self) -> float | None:
        """Latency of the current sub-network on the current hardware, in ms; None if it was not measured."""
        return self.latencies.get((self.hardware, genes_of(self.genotype)))

    @property
    def accuracy_predicted(self) -> float | None:
        """Accuracy of the current sub-network, by ridge regression on the measured ones; None while these are too few."""
        if self.accuracy is None or self._predictor is None:
            return None
        value = float(self._predictor.predict(self.space.features(self.genotype))[0])
        return min(value, 100.0) if self.accuracy.task.unit == "%" else value

    @cached_property
    def _predictor(self) -> Any:
        genotypes, values = self.known
        if len(values) < LEAST_FITTED:
            return None
        return PREDICTORS["ridge"]().fit(self.space.features(genotypes), values)

    @property
    def known(self) -> tuple[np.ndarray, np.ndarray]:
        """The sub-networks ``(n, d)`` with a measured accuracy, and these accuracies ``(n,)``."""
        pairs = [(genes, value) for genes, value in self.measured.items() if not np.isnan(value)]
        genotypes = np.array([genes for genes, _ in pairs], dtype=np.int64).reshape(-1, self.space.n_genes)
        return genotypes, np.array([value for _, value in pairs])


def genes_of(genotype: np.ndarray) -> Genes:
    """A genotype ``(d,)`` as a key."""
    return tuple(np.asarray(genotype).tolist())
