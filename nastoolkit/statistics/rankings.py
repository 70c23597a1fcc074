"""Rank correlations with intervals, and the ceiling that noise in the ground truth imposes on them.

[Hollander2014] M. Hollander, D. Wolfe, E. Chicken, "Nonparametric Statistical Methods", third edition, Wiley 2014.
[Spearman1910] C. Spearman, "Correlation Calculated from Faulty Data", British Journal of Psychology 3(3), 1910.
[Tukey1958] J. Tukey, "Bias and Confidence in Not-Quite Large Samples", The Annals of Mathematical Statistics 29(2), 1958.
[Brown1910] W. Brown, "Some Experimental Results in the Correlation of Mental Abilities", British Journal of Psychology 3(3),
1910.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # whose parts are loaded when they are used
from numpy.typing import ArrayLike

from nastoolkit.statistics.intervals import LEVEL, Estimate

ROUNDING = 1e-9


def rank_correlation(a: ArrayLike, b: ArrayLike, level: float = LEVEL) -> Estimate:
    """Kendall's tau-b of two vectors ``(n,)`` with its interval, for any distribution [Hollander2014, Section 8.3].

    The standard error is that of a U-statistic; the interval is symmetric in Fisher's z, so that it stays within -1 and 1.

    Raises:
        ValueError: There are fewer than three rows, or all values of a vector are the same.
    """
    concordant, scale = _concordance(a, b)
    n = len(concordant)
    tau_a = concordant.sum() / n / (n - 1)
    spread = 2 * (n - 2) / n / (n - 1) ** 2 * ((concordant - concordant.mean()) ** 2).sum()
    error = scale * np.sqrt(2 / n / (n - 1) * (spread + 1 - tau_a**2))
    tau = scale * tau_a
    inner = np.clip(tau, -1 + 2 / n / (n - 1), 1 - 2 / n / (n - 1))  # half a pair short of a perfect order
    half = scipy.stats.norm.ppf((1 + level) / 2) * error / (1 - inner**2)
    low, high = np.tanh(np.arctanh(inner) + np.array([-half, half]))
    return Estimate(float(tau), float(low), float(high), n, "Fisher z")


def rank_contributions(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """Contribution ``(n,)`` of each row of two vectors ``(n,)`` to their Kendall's tau-b, which is the mean of all.

    These are the pseudo-values of the jackknife [Tukey1958]: the *t* interval of their mean is one for tau, and differences
    between those of two rank correlations with the same truth compare the two, row by row.

    Raises:
        ValueError: There are fewer than three rows, or all values of a vector are the same.
    """
    concordant, scale = _concordance(a, b)
    n = len(concordant)
    return scale * (2 * (n - 1) * concordant - concordant.sum()) / (n - 1) / (n - 2)


def _concordance(a: ArrayLike, b: ArrayLike) -> tuple[np.ndarray, float]:
    """Rows with which each row is in order, minus those with which it is not ``(n,)``, and the factor from tau-a to tau-b."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    n, signs = len(a), [(np.sign(x - a), np.sign(y - b)) for x, y in zip(a, b, strict=True)]
    untied = [sum(np.abs(one).sum() for one in side) for side in zip(*signs, strict=True)]
    if n < 3 or not all(untied):
        raise ValueError("a rank correlation needs at least three rows, and values that differ")
    return np.array([x @ y for x, y in signs]), float(n * (n - 1) / np.sqrt(np.prod(untied)))


def partial_correlation(one_other: float, one_third: float, other_third: float) -> float:
    """The correlation of two vectors that remains without the influence of a third one, from the correlations of all pairs.

    It holds for Pearson's, Spearman's and Kendall's correlation; it is 0 if the third vector explains everything.
    """
    left = (1 - one_third**2) * (1 - other_third**2)
    return float((one_other - one_third * other_third) / np.sqrt(left)) if left > ROUNDING else 0.0


@dataclass(frozen=True)
class Ceiling:
    """How well networks can be ranked at all, if the ground truth is measured a few times.

    Attributes:
        reliability: Kendall's tau between the means of two halves of the measurements.
        tau: Kendall's tau that the true order itself would have with the mean of all measurements.
    """

    reliability: float
    tau: float

    def __str__(self) -> str:
        return f"at most {self.tau:.3f} (halves agree with {self.reliability:.3f})"


def tau_ceiling(measured: ArrayLike, n_splits: int = 100) -> Ceiling:
    """The ceiling of rank correlations with a ground truth ``(n, k)``, n networks that were each measured k times.

    Comparing halves says how reliable half of the measurements are, and Spearman and Brown's formula [Brown1910] how reliable
    all of them are. The formula is for Pearson's correlation, so tau is converted as if measurements were normally
    distributed.

    Raises:
        ValueError: There are fewer than two measurements of each network, or fewer than three networks.
    """
    measured = np.asarray(measured, float)
    if measured.ndim != 2 or measured.shape[0] < 3 or measured.shape[1] < 2:
        raise ValueError(f"a ceiling needs three networks, each measured twice, and got {measured.shape}")
    rng, k, half = np.random.default_rng(0), measured.shape[1], measured.shape[1] // 2
    orders = [rng.permutation(k) for _ in range(n_splits)] if k > 2 else [np.arange(2)]
    means = [(measured[:, o[:half]].mean(axis=1), measured[:, o[half : 2 * half]].mean(axis=1)) for o in orders]
    tau = float(np.mean([scipy.stats.kendalltau(*pair).statistic for pair in means]))
    of_half = np.sin(np.pi / 2 * max(tau, 0.0))
    of_all = k / half * of_half / (1 + (k / half - 1) * of_half)
    return Ceiling(tau, float(2 / np.pi * np.arcsin(np.sqrt(of_all))))
