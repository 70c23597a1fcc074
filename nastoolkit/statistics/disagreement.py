"""Whether tasks want different networks: a set of tasks on which rankings agree cannot show that a method looks at the task.

[Brown1910] W. Brown, "Some Experimental Results in the Correlation of Mental Abilities", British Journal of Psychology 3(3),
1910.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import scipy  # whose parts are loaded when they are used
from numpy.typing import ArrayLike

SPREAD, AGREEMENT, RELIABILITY = 2.0, 0.5, 0.8


@dataclass(frozen=True)
class Disagreement:
    """How networks differ on each of several tasks, and how much tasks agree on which is best.

    Attributes:
        spread: Standard deviation between networks, in the unit of what was measured; mean over tasks.
        agreement: Spearman's correlation between two tasks' rankings; mean over all pairs.
        reliability: Pearson's correlation between repeated measurements of the networks on one task, for the mean of all
            repeats ([Brown1910]); mean over tasks.
    """

    spread: float
    agreement: float
    reliability: float

    @property
    def is_enough(self) -> bool:
        """Whether networks differ by 2 or more, tasks agree by .5 at most, and measurements are reliable by .8 or more."""
        return self.spread >= SPREAD and self.agreement <= AGREEMENT and self.reliability >= RELIABILITY


def disagreement(measured: ArrayLike) -> Disagreement:
    """How much tasks disagree on networks.

    Args:
        measured: The metric ``(n_tasks, n_networks, n_repeats)``, each repeat from another seed.

    Raises:
        ValueError: There are fewer than two tasks, three networks or two repeats.
    """
    values = np.asarray(measured, float)
    if values.ndim != 3 or np.less(values.shape, (2, 3, 2)).any():
        raise ValueError(f"disagreement needs two tasks, three networks and two repeats, and got {values.shape}")
    means = values.mean(2)
    agreements = [_correlation(*map(scipy.stats.rankdata, pair)) for pair in combinations(means, 2)]
    return Disagreement(
        spread=float(means.std(axis=1, ddof=1).mean()),
        agreement=float(np.mean(agreements)),
        reliability=float(np.mean([_reliability(task) for task in values])),
    )


def _reliability(repeats: np.ndarray) -> float:
    """How well the mean of repeats ``(n_networks, n_repeats)`` would correlate with that of as many others."""
    k = repeats.shape[1]
    one = float(np.mean([_correlation(*pair) for pair in combinations(repeats.T, 2)]))
    return k * one / (1 + (k - 1) * one)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's correlation; 0 if all numbers of one are equal."""
    return float(np.corrcoef(one, other)[0, 1]) if np.ptp(one) and np.ptp(other) else 0.0
