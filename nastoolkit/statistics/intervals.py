"""Intervals of a named kind, for the mean or median of paired differences.

[Student1908] Student, "The Probable Error of a Mean", Biometrika 6(1), 1908.
[Efron1979] B. Efron, "Bootstrap Methods: Another Look at the Jackknife", The Annals of Statistics 7(1), 1979.
[Efron1987] B. Efron, "Better Bootstrap Confidence Intervals", JASA 82(397), 1987.
[Hesterberg2015] T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69(4), 2015.
[Hollander2014] M. Hollander, D. Wolfe, E. Chicken, "Nonparametric Statistical Methods", third edition, Wiley 2014.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy  # whose parts are loaded when they are used
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.95
N_RESAMPLES = 2000
LEAST_RESAMPLED = 6  # resamples of fewer values vary much less than samples do


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: Mean, median or rank correlation.
        low: Lower end of the interval; minus infinity if there are too few values for one.
        high: Upper end of the interval; infinity if there are too few values for one.
        n: Number of values.
        kind: Kind of the interval, for example a key of ``INTERVALS``.
    """

    value: float
    low: float
    high: float
    n: int
    kind: str

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}] ({self.kind}, n = {self.n})"


def _student(values: np.ndarray, level: float) -> tuple[float, float, float]:
    center, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
    half = scipy.stats.t.ppf((1 + level) / 2, len(values) - 1) * error
    return center, center - half, center + half


def _bootstrap(values: np.ndarray, level: float) -> tuple[float, float, float]:
    center, width, n = values.mean(), np.ptp(values), len(values)
    if n < LEAST_RESAMPLED:
        return center, -np.inf, np.inf
    if width == 0:
        return center, center, center  # all resamples are alike
    normal = np.sqrt(n / (n - 1)) * scipy.stats.t.ppf((1 + level) / 2, n - 1)  # resamples vary less than samples do
    how = {"n_resamples": N_RESAMPLES, "confidence_level": 1 - 2 * scipy.stats.norm.sf(normal), "method": "BCa"}
    unit = 2.0 ** (np.frexp(width)[1] - 1)  # cubes of very large or small values would overflow or vanish; this rounds nothing
    found = scipy.stats.bootstrap((values / unit,), np.mean, random_state=np.random.default_rng(0), **how)
    return center, unit * found.confidence_interval.low, unit * found.confidence_interval.high


def _order(values: np.ndarray, level: float) -> tuple[float, float, float]:
    rank, ordered = int(scipy.stats.binom.ppf((1 - level) / 2, len(values), 0.5)), np.sort(values)
    low, high = (ordered[rank - 1], ordered[-rank]) if rank else (-np.inf, np.inf)
    return np.median(values), low, high


INTERVALS: dict[str, Callable[[np.ndarray, float], tuple[float, float, float]]] = {
    "t": _student,  # of the mean [Student1908]
    "bootstrap": _bootstrap,  # of the mean, bias-corrected and accelerated [Efron1987], for few values [Hesterberg2015]
    "median": _order,  # of the median, by the sign test [Hollander2014], for any distribution
}


def estimate(values: ArrayLike, kind: str = "t", level: float = LEVEL) -> Estimate:
    """Mean or median of values ``(n,)``, such as paired differences, with its interval.

    Args:
        values: Independent numbers, one per seed; infinite ones only for ``median``.
        kind: Key of ``INTERVALS``. ``t`` needs 2 values, the others 6: fewer say nothing, and the interval is infinite.
        level: Probability with which such intervals cover the truth.

    Raises:
        ValueError: The kind is unknown, there are no values, or one is not a number.
    """
    if kind not in INTERVALS:
        raise ValueError(f"unknown kind of interval {kind!r}; known: {', '.join(INTERVALS)}")
    numbers = np.asarray(values, float).ravel()
    if not len(numbers) or np.isnan(numbers).any() or (kind != "median" and np.isinf(numbers).any()):
        raise ValueError(f"an interval of kind {kind} needs numbers, and got {numbers.tolist()}")
    if len(numbers) == 1:
        return Estimate(float(numbers[0]), -np.inf, np.inf, 1, kind)
    center, low, high = INTERVALS[kind](numbers, level)
    return Estimate(float(center), float(low), float(high), len(numbers), kind)


def paired_differences(
    frame: pd.DataFrame, value: str, ours: str, other: str, pair: Sequence[str] = ("seed",), *, arm: str = "arm"
) -> pd.Series:
    """Values of one arm of a study minus those of another one, pair by pair.

    Args:
        frame: Rows of a study, see :func:`nastoolkit.studies.run_grid`.
        value: Column of the values.
        ours: Arm that is under test.
        other: Arm that it is compared with.
        pair: Columns in which both rows of a pair agree.
        arm: Column that names the arms.

    Returns:
        A difference for each pair, by the values in which its rows agree.

    Raises:
        ValueError: An arm is unknown, there are two rows for one place, or one value of a pair is missing.
    """
    rows = frame[frame[arm].isin([ours, other])]
    if unknown := {ours, other} - set(known := list(frame[arm].unique())):
        raise ValueError(f"there is no {arm} {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    if rows.duplicated([arm, *pair]).any():
        raise ValueError(f"several rows have the same {arm}, {', '.join(pair)}: say in pair what else tells them apart")
    wide = rows.pivot(index=list(pair), columns=arm, values=value)
    if single := wide.index[wide.isna().any(axis=1)].tolist():
        raise ValueError(f"{value} of {ours!r} or {other!r} is missing for {', '.join(pair)} = {', '.join(map(str, single))}")
    return (wide[ours] - wide[other]).rename(value)


def median_interval(values: np.ndarray) -> tuple[float | None, list[float | None]]:
    """Median of values ``(n,)`` and its 95 % interval by the bootstrap [Efron1979]; None means infinity."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(values, (N_RESAMPLES, len(values))), axis=1)
    low, high = np.quantile(medians, (0.025, 0.975), method="inverted_cdf")
    center, low, high = (None if np.isinf(number) else float(number) for number in (np.median(values), low, high))
    return center, [low, high]
