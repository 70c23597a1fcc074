"""What a search measured, in order."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from nastoolkit import pareto
from nastoolkit.objectives import Objective, signs, violations
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.support import tables as html

MOST_PERMUTED = 5  # objectives whose numbers are tried in all orders


@dataclass(frozen=True)
class History:
    """Sub-networks and their values, in the order of a search.

    A row with a NaN is an evaluation that failed. Fronts and hypervolumes use only rows that did not fail and keep all bounds
    of the objectives.

    Attributes:
        space: Search space of the genotypes.
        objectives: Objectives of the m columns of ``values``.
        genotypes: ``(n, d)``, canonical.
        values: ``(n, m)`` raw values, in each objective's own unit and direction.
    """

    space: SearchSpace
    objectives: tuple[Objective, ...]
    genotypes: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.genotypes)

    def __getitem__(self, rows: int | slice | np.ndarray) -> History:
        """The history of some rows: ``history[:k]`` is the first k evaluations; a number, a mask or indices work too."""
        rows = np.atleast_1d(rows) if not isinstance(rows, slice) else rows
        return History(self.space, self.objectives, self.genotypes[rows], self.values[rows])

    def __repr__(self) -> str:
        return f"History({len(self)} evaluations of {', '.join(o.label for o in self.objectives)})"

    def _repr_html_(self) -> str:
        front = self.front().to_frame()
        same = [name for name in self.choice_columns if len(front) > 1 and front[name].nunique(dropna=False) == 1]
        note = f"All of them have {', '.join(f'{name} {front[name].iloc[0]}' for name in same)}." if same else ""
        labels = {o.name: o.label for o in self.objectives}
        shown = front.drop(columns=same).rename(columns=labels)
        shown.columns = pd.MultiIndex.from_tuples([str(name).rpartition(".")[::2] for name in shown])
        failed = f", {self.failed.sum()} failed" if self.failed.any() else ""
        return html.table(f"{len(self)} evaluations{failed}, {len(front)} on the front", shown, note, n_rows=12)

    @property
    def costs(self) -> np.ndarray:
        """The values ``(n, m)`` with signs such that every objective is minimised."""
        return self.values * signs(self.objectives)

    @property
    def failed(self) -> np.ndarray:
        """Which evaluations failed: bools ``(n,)``."""
        return np.isnan(self.values).any(axis=1)

    @property
    def violations(self) -> np.ndarray:
        """How far each row is beyond the objectives' bounds: ``(n,)``, 0 if it keeps all, NaN if it failed."""
        return violations(self.objectives, self.values)

    @property
    def feasible(self) -> np.ndarray:
        """Which evaluations did not fail and keep all bounds of the objectives: bools ``(n,)``."""
        return ~self.failed & (self.violations <= 0)

    @property
    def on_front(self) -> np.ndarray:
        """Which evaluations are feasible and not dominated by a feasible one: bools ``(n,)``, only the first of equal ones."""
        mask = self.feasible
        mask[mask] = pareto.non_dominated(self.costs[mask])
        return mask

    def front(self) -> History:
        """The rows that are :attr:`on_front`, best in the first objective first; none if none is feasible."""
        front = self[self.on_front]
        return front[np.lexsort(front.costs.T[::-1])]

    def nearest_miss(self) -> History:
        """The row that did not fail and is closest to keeping the bounds; empty if all failed."""
        measured = self[~self.failed]
        return measured[measured.violations.argsort(kind="stable")[:1]]

    def best(self, n: int) -> History:
        """The n best: by front, and within a front by crowding distance; rows beyond bounds come last, failed ones never."""
        measured = self[~self.failed]
        return measured[pareto.best_first(measured.costs, n, measured.violations)]

    def spread(self, n: int) -> History:
        """At most n rows, evenly spread in their order: over the front, if the rows are a front."""
        return self[np.linspace(0, len(self) - 1, min(n, len(self))).round().astype(int)]

    def hypervolume(self, reference_point: ArrayLike | None = None) -> float:
        """Volume dominated by all feasible evaluations; it warns if none of them beats the reference point.

        Args:
            reference_point: ``(m,)`` in raw units and objective order, e.g. ``(70.0, 30.0)`` for accuracy in % and latency in
                ms; evaluations that are not better than it in every objective add nothing. None means :meth:`reference_point`,
                which differs between histories: to compare two, give both the same point.
        """
        return pareto.hypervolume(self.costs[self.feasible], self._reference_costs(reference_point))

    def hypervolume_curve(self, reference_point: ArrayLike | None = None) -> np.ndarray:
        """Hypervolume ``(n,)`` after each evaluation; see :meth:`hypervolume`."""
        costs = np.where(self.feasible[:, None], self.costs, np.inf)
        return pareto.hypervolume_curve(costs, self._reference_costs(reference_point))

    def reference_point(self) -> np.ndarray:
        """A point ``(m,)`` in raw units that all feasible evaluations beat: a tenth of their range beyond the worst values.

        Raises:
            ValueError: No evaluation is feasible.
        """
        costs = self.costs[self.feasible]
        if not len(costs):
            raise ValueError("no evaluation is feasible, so a reference point cannot be inferred: give one")
        size = np.ptp(costs, axis=0)
        return (costs.max(axis=0) + np.where(size > 0, size / 10, 1.0)) * signs(self.objectives)

    def growing_front(self) -> Iterator[tuple[int, list[int]]]:
        """The front over time: each row that joins it, and the rows that are on it from then on."""
        costs, front = self.costs, list[int]()
        for row in np.flatnonzero(self.feasible).tolist():
            if not (costs[front] <= costs[row]).all(axis=1).any():
                front = [old for old in front if not (costs[row] <= costs[old]).all()] + [row]
                yield row, front

    def judged_curve(self, judged: History, reference_point: ArrayLike) -> np.ndarray:
        """Hypervolume ``(n,)`` after each evaluation, of the front so far: chosen by these values, and judged by others.

        Args:
            judged: The same rows with the other values, e.g. test accuracies; see :func:`nastoolkit.studies.reevaluate`.
            reference_point: See :meth:`hypervolume`.
        """
        curve, reference = np.zeros(len(self)), judged._reference_costs(reference_point)
        for row, front in self.growing_front():
            chosen = judged[np.array(front)]
            curve[row:] = pareto.hypervolume(chosen.costs[chosen.feasible], reference)
        return curve

    def option_shares(self) -> dict[str, np.ndarray]:
        """Share of each option of every choice, among the rows in which the choice is alive; NaN if there are none."""
        shares, alive = {}, self.space.alive(self.genotypes)
        for gene, choice in enumerate(self.space.choices):
            counts = np.bincount(self.genotypes[alive[:, gene], gene], minlength=len(choice.options))
            shares[choice.name] = counts / counts.sum() if counts.sum() else np.full(len(counts), np.nan)
        return shares

    def _reference_costs(self, reference_point: ArrayLike | None) -> np.ndarray:
        if reference_point is None:
            reference_point = self.reference_point() if self.feasible.any() else np.zeros(len(self.objectives))
        reference = np.asarray(reference_point, dtype=float)
        if reference.shape != (len(self.objectives),):
            names = [o.name for o in self.objectives]
            raise ValueError(f"the reference point needs a number for each of {names}, got {reference_point!r}")
        self._warn_if_nothing_beats(reference)
        return reference * signs(self.objectives)

    def _warn_if_nothing_beats(self, point: np.ndarray) -> None:
        costs = self.costs[self.feasible]
        if not len(costs) or _beaten(costs, point * signs(self.objectives)):
            return
        names = [o.name for o in self.objectives]
        message = f"no evaluation beats the reference point {_named(names, point)} in every objective: the hypervolume is 0"
        for order in permutations(point.tolist()) if len(point) <= MOST_PERMUTED else ():
            if _beaten(costs, np.array(order) * signs(self.objectives)):
                message += f"; are its numbers swapped? {_named(names, order)} is beaten"
                break
        warnings.warn(message, stacklevel=4)

    @property
    def choice_columns(self) -> list[str]:
        """Names of the choices in :meth:`to_frame`, in gene order."""
        return _choice_columns(self.space, self.objectives)

    def to_frame(self) -> pd.DataFrame:
        """A row for each evaluation: the objectives, then the option of every choice (missing where the choice is dead).

        A choice with the same name as an objective has the column ``choice.<name>``.
        """
        values = pd.DataFrame(self.values, columns=[o.name for o in self.objectives])
        alive = self.space.alive(self.genotypes)
        options = {
            column: _options(choice, self.genotypes[:, gene], alive[:, gene])
            for gene, (column, choice) in enumerate(zip(self.choice_columns, self.space.choices, strict=True))
        }
        return pd.concat([values, pd.DataFrame(options, index=values.index)], axis=1)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, space: SearchSpace, objectives: Iterable[Objective]) -> History:
        """The history that :meth:`to_frame` wrote, also if it was saved as a CSV file in between.

        Args:
            frame: A row for each evaluation: a column for each objective, and one for each choice that has several options.
            space: The space of the genotypes.
            objectives: The objectives, in the order that the history should have.

        Raises:
            ValueError: A column is missing, or a row is not a sub-network of the space.
        """
        objectives = tuple(objectives)
        if missing := [o.name for o in objectives if o.name not in frame]:
            raise ValueError(f"the frame has no columns {missing} for these objectives; it has {list(frame)}")
        names = zip(_choice_columns(space, objectives), space.choices, strict=True)
        columns = {c.name: [_option(c, value) for value in frame[name]] for name, c in names if name in frame}
        rows = [space.encode({name: column[row] for name, column in columns.items()}) for row in range(len(frame))]
        genotypes = np.array(rows, dtype=np.int64).reshape(len(frame), space.n_genes)
        values = frame[[o.name for o in objectives]].to_numpy(dtype=float, na_value=np.nan)
        return cls(space, objectives, genotypes, values)


def _choice_columns(space: SearchSpace, objectives: Iterable[Objective]) -> list[str]:
    taken = {objective.name for objective in objectives}
    return [f"choice.{name}" if name in taken else name for name in space.names]


def _option(choice: Choice, value: Any) -> Any:
    """The option that a frame's value stands for: itself, or the option with the same text; None if there is none."""
    if pd.isna(value):
        return None
    texts = {str(option): option for option in choice.options}
    return value if value in choice.options else texts.get(str(value), value)


def _beaten(costs: np.ndarray, reference: np.ndarray) -> bool:
    return bool((costs < reference).all(axis=1).any())


def _named(names: Sequence[str], values: Iterable[float]) -> str:
    return "(" + ", ".join(f"{name} {value:g}" for name, value in zip(names, values, strict=True)) + ")"


def _options(choice: Choice, indices: np.ndarray, alive: np.ndarray) -> pd.Series:
    options = [choice.options[index] if live else None for index, live in zip(indices, alive, strict=True)]
    return pd.Series(options, dtype=object).convert_dtypes()
