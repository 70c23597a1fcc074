"""What a search optimises: a named quantity with a unit and a direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nastoolkit.support.display_names import quantity_label


@dataclass(frozen=True)
class Objective:
    """One objective of a search.

    Attributes:
        name: The measured quantity in the project's vocabulary, e.g. ``accuracy_top1`` or ``latency_ms``.
        direction: ``"max"`` or ``"min"``.
        unit: Unit for axes and tables, e.g. ``%``, ``ms``, ``MMACs``.
        at_most: Upper bound: larger values are not wanted, however good the rest is.
        at_least: Lower bound, in the same sense.
        exact: Function from genotypes ``(n, d)`` to values ``(n,)``, for an objective that is cheap to compute. It is computed
            whenever needed and never predicted, unless it turns out to be slow (:mod:`nastoolkit.studies.exact`); an objective
            without it is measured by the search's ``evaluate``.
    """

    name: str
    direction: str
    unit: str = ""
    exact: Callable[[np.ndarray], np.ndarray] | None = None
    at_most: float | None = None
    at_least: float | None = None

    def __post_init__(self) -> None:
        if self.direction not in ("min", "max"):
            raise ValueError(f"objective {self.name!r} has direction {self.direction!r}; known: 'min', 'max'")
        bounds = [bound for bound in (self.at_least, self.at_most) if bound is not None]
        if not np.isfinite(bounds).all() or bounds != sorted(bounds):
            raise ValueError(f"objective {self.name!r} cannot be at least {self.at_least} and at most {self.at_most}")

    @property
    def is_bounded(self) -> bool:
        """Whether the objective has a bound."""
        return self.at_most is not None or self.at_least is not None

    @property
    def bounds(self) -> str:
        """The bounds as a text, e.g. ``latency_ms <= 30.0``; empty if there are none."""
        lower = [] if self.at_least is None else [f"{self.name} >= {self.at_least}"]
        upper = [] if self.at_most is None else [f"{self.name} <= {self.at_most}"]
        return " and ".join(lower + upper)

    def violation(self, values: np.ndarray) -> np.ndarray:
        """How far values ``(n,)`` are beyond the bounds, as a share of the bound (of 1 where the bound is 0); 0 within."""
        violation = np.zeros(len(values))
        if self.at_most is not None:
            violation += np.maximum(values - self.at_most, 0) / (abs(self.at_most) or 1.0)
        if self.at_least is not None:
            violation += np.maximum(self.at_least - values, 0) / (abs(self.at_least) or 1.0)
        return violation

    @property
    def label(self) -> str:
        """Name and unit for an axis, e.g. ``accuracy (top-1, %)``; see :mod:`nastoolkit.support.display_names`."""
        return quantity_label(self.name, self.unit)


def signs(objectives: Sequence[Objective]) -> np.ndarray:
    """``(m,)`` factors that turn raw values into costs: -1 where larger is better, 1 elsewhere."""
    return np.array([-1.0 if objective.direction == "max" else 1.0 for objective in objectives])


def violations(objectives: Sequence[Objective], values: np.ndarray) -> np.ndarray:
    """How far rows of values ``(n, m)`` are beyond the objectives' bounds: ``(n,)``, 0 where all bounds are kept."""
    return sum((o.violation(column) for o, column in zip(objectives, values.T, strict=True)), np.zeros(len(values)))


def check_objectives(objectives: Sequence[Objective]) -> None:
    """Raise ValueError unless there is at least one objective and their names differ."""
    names = [objective.name for objective in objectives]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"a search needs objectives with different names, got {names}")


def complete(objectives: Sequence[Objective], genotypes: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """All objectives' values ``(n, m)``: exact ones computed, the others from ``measured`` ``(n, m')`` in their order.

    Raises:
        ValueError: An exact objective does not return n finite numbers.
    """
    columns = iter(measured.T)
    values = [_exact(o, o.exact(genotypes), len(genotypes)) if o.exact is not None else next(columns) for o in objectives]
    return np.stack(values, axis=1)


def _exact(objective: Objective, values: np.ndarray, n: int) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.shape != (n,) or not np.isfinite(values).all():
        raise ValueError(f"exact objective {objective.name!r} must give {n} finite numbers, got {values}")
    return values
