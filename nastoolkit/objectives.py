"""What a search optimises: a named quantity with a unit and a direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Objective:
    """One objective of a search.

    Attributes:
        name: The measured quantity in the project's vocabulary, e.g. ``accuracy_top1`` or ``latency_ms``.
        direction: ``"max"`` or ``"min"``.
        unit: For axes and tables, e.g. ``%``, ``ms``, ``MMACs``.
        exact: For a cheap objective, genotypes ``(n, d)`` to values ``(n,)``. It is computed whenever needed and never
            predicted; an objective without it is measured by the search's ``evaluate``.
    """

    name: str
    direction: str
    unit: str = ""
    exact: Callable[[np.ndarray], np.ndarray] | None = None

    def __post_init__(self) -> None:
        if self.direction not in ("min", "max"):
            raise ValueError(f"objective {self.name!r} has direction {self.direction!r}; known: 'min', 'max'")

    @property
    def label(self) -> str:
        """Name and unit for an axis, e.g. ``accuracy_top1 [%]``; a unit that ends the name is not repeated."""
        unit_in_name = not self.unit or self.name.endswith(self.unit.lower())
        return self.name if unit_in_name else f"{self.name} [{self.unit}]"


def signs(objectives: Sequence[Objective]) -> np.ndarray:
    """``(m,)`` factors that turn raw values into costs: -1 where larger is better, 1 elsewhere."""
    return np.array([-1.0 if objective.direction == "max" else 1.0 for objective in objectives])


def check_objectives(objectives: Sequence[Objective]) -> None:
    """Raise ValueError unless there is at least one objective and their names differ."""
    names = [objective.name for objective in objectives]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"a search needs objectives with different names, got {names}")


def complete(objectives: Sequence[Objective], genotypes: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """All objectives' values ``(n, m)``: exact ones computed, the others from ``measured`` ``(n, m')`` in their order.

    Raises:
        ValueError: An exact objective gives other than n finite numbers.
    """
    columns = iter(measured.T)
    values = [_exact(o, o.exact(genotypes), len(genotypes)) if o.exact else next(columns) for o in objectives]
    return np.stack(values, axis=1)


def _exact(objective: Objective, values: np.ndarray, n: int) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.shape != (n,) or not np.isfinite(values).all():
        raise ValueError(f"exact objective {objective.name!r} must give {n} finite numbers, got {values}")
    return values
