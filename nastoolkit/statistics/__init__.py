"""Statistics of repeated runs: numbers only."""

from nastoolkit.statistics.censored import Censored, counted
from nastoolkit.statistics.disagreement import Disagreement, disagreement
from nastoolkit.statistics.intervals import INTERVALS, LEVEL, Estimate, estimate, median_interval, paired_differences
from nastoolkit.statistics.power import Equivalence, equivalence, smallest_effect
from nastoolkit.statistics.rankings import Ceiling, partial_correlation, rank_contributions, rank_correlation, tau_ceiling
from nastoolkit.statistics.verification import Verification, verification

__all__ = [
    "INTERVALS",
    "LEVEL",
    "Ceiling",
    "Censored",
    "Disagreement",
    "Equivalence",
    "Estimate",
    "Verification",
    "counted",
    "disagreement",
    "equivalence",
    "estimate",
    "median_interval",
    "paired_differences",
    "partial_correlation",
    "rank_contributions",
    "rank_correlation",
    "smallest_effect",
    "tau_ceiling",
    "verification",
]
