"""What n seeds can show: that a difference is too small to matter, and how small a difference they can detect.

[Schuirmann1987] D. Schuirmann, "A Comparison of the Two One-Sided Tests Procedure and the Power Approach for Assessing the
Equivalence of Average Bioavailability", Journal of Pharmacokinetics and Biopharmaceutics 15(6), 1987.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy  # whose parts are loaded when they are used
from numpy.typing import ArrayLike

from nastoolkit.statistics.intervals import LEVEL, Estimate, estimate

N_SPREADS = 2000


@dataclass(frozen=True)
class Equivalence:
    """Whether a mean difference is too small to matter.

    Attributes:
        margin: Largest difference that does not matter.
        difference: Mean difference, with the interval that has to lie within the margin in a test of this level.
        p_value: Probability of so small a difference, or a smaller one, if the true one were the margin.
        is_equivalent: Whether the test rejects, at a level of 5 %, that the difference matters.
    """

    margin: float
    difference: Estimate
    p_value: float
    is_equivalent: bool


def equivalence(differences: ArrayLike, margin: float) -> Equivalence:
    """Two one-sided t-tests at 5 % of whether the mean of differences ``(n,)`` is within a margin of 0 [Schuirmann1987].

    Finding no difference is not evidence that there is none; this test is.

    Raises:
        ValueError: The margin is not above 0, or there are no numbers.
    """
    if not margin > 0:
        raise ValueError(f"the margin must be above 0, got {margin}")
    found = estimate(differences, "t", 0.90)  # 5 % on each side
    error = (found.high - found.low) / 2 / scipy.stats.t.ppf(0.95, found.n - 1) if found.n > 1 else np.inf
    farthest = margin - abs(found.value)
    p_value = scipy.stats.t.sf(farthest / error, found.n - 1) if error else float(farthest <= 0)
    return Equivalence(margin, found, float(p_value), bool(p_value < 0.05))


def smallest_effect(n: int, spread: float = 1.0, power: float = 0.8, level: float = LEVEL) -> float:
    """The smallest true mean difference that a paired t-test of n seeds detects with a given power.

    Args:
        n: Number of pairs.
        spread: Standard deviation of the differences.
        power: Probability that the interval excludes 0.
        level: Level of that interval.

    Raises:
        ValueError: There are fewer than two pairs, or any effect has this power.
    """
    if n < 2 or not 1 - level < power < 1:
        raise ValueError(f"needs at least two pairs and a power between {1 - level:.3g} and 1, got {n} and {power}")
    bound = scipy.stats.t.ppf((1 + level) / 2, n - 1)
    middles = (np.arange(N_SPREADS) + 0.5) / N_SPREADS
    bounds = bound * np.sqrt(scipy.stats.chi2.ppf(middles, n - 1) / (n - 1))  # each is equally likely as a sample's spread

    def lacking(shift: float) -> float:
        return power - float((scipy.stats.norm.sf(bounds - shift) + scipy.stats.norm.cdf(-bounds - shift)).mean())

    return float(spread * scipy.optimize.brentq(lacking, 0, bounds.max() + 10) / np.sqrt(n))
