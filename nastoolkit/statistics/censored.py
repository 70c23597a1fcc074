"""Censored numbers: a search that missed a level within its budget needs more evaluations, but not infinitely many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nastoolkit.statistics.intervals import LEVEL, estimate


@dataclass(frozen=True, eq=False)
class Censored:
    """Counts of evaluations, or ratios of such counts, some of which are only known to lie between two ends.

    Counts divided by counts are ratios: how many times fewer evaluations the divisor needed.

    Attributes:
        low: Lower ends ``(n,)``.
        high: Upper ends ``(n,)``; equal to the lower ones if the number is known.
        what: Either ``count`` or ``ratio``.
    """

    low: np.ndarray
    high: np.ndarray
    what: str = "count"

    @property
    def known(self) -> np.ndarray:
        """Which numbers are known ``(n,)``."""
        return self.low == self.high

    @property
    def median(self) -> tuple[float, float]:
        """The ends between which the median of all numbers lies."""
        return float(np.median(self.low)), float(np.median(self.high))

    @property
    def median_text(self) -> str:
        """The median as a text, or what is known of it."""
        return _between(*self.median)

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """An interval of the median that holds whatever the unknown numbers are."""
        return estimate(self.low, "median", level).low, estimate(self.high, "median", level).high

    def __truediv__(self, other: Censored) -> Censored:
        return Censored(self.low / other.high, self.high / other.low, "ratio")

    def __str__(self) -> str:
        n_known, noun = int(self.known.sum()), "median ratio" if self.what == "ratio" else "median"
        parts = [f"reached in {n_known} of {len(self.low)}"]
        if n_known:
            parts.append(f"{noun} {self.median_text}")
        return ", ".join(parts + self._others())

    def _others(self) -> list[str]:
        """What is known about the other numbers, those with an upper end first."""
        low, high = self.low[~self.known], self.high[~self.known]
        below, above = np.isfinite(high), np.isinf(high) & (low > 0)
        found = {
            f"below {_short(high[below].max(initial=0))}": below,
            f"above {_short(low[above].min(initial=np.inf))}": above,
        }
        parts = [(text, rows.sum()) for text, rows in {**found, "unknown": ~(below | above)}.items() if rows.any()]
        word = "others" if self.known.any() else "all"
        return [f"{word if len(parts) == 1 else n} {text}" for text, n in parts]


def counted(evaluations: ArrayLike, budget: ArrayLike) -> Censored:
    """Evaluations ``(n,)`` after which each search reached a level; infinity means not within its budget.

    Args:
        evaluations: Counts of at least 1.
        budget: Number of evaluations that a search had, one for all or one for each.

    Raises:
        ValueError: A count is neither between 1 and the budget nor infinite.
    """
    counts = np.asarray(evaluations, float).ravel()
    budgets = np.broadcast_to(np.asarray(budget, float), counts.shape)
    never = np.isposinf(counts)
    if not len(counts) or not (never | ((counts >= 1) & (counts <= budgets))).all():
        raise ValueError(f"counts must be between 1 and the budget, or infinite; got {counts.tolist()} of {budgets.tolist()}")
    return Censored(np.where(never, budgets, counts), counts)


def _between(low: float, high: float) -> str:
    if low == high:
        return _short(low)
    if np.isinf(high):
        return f"above {_short(low)}" if low > 0 else "unknown"
    return f"{_short(low)} to {_short(high)}" if low > 0 else f"below {_short(high)}"


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
