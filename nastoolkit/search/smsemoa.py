"""SMS-EMOA: survival by what each sub-network adds to the hypervolume.

[Beume2007] N. Beume, B. Naujoks and M. Emmerich, "SMS-EMOA: Multiobjective Selection Based on Dominated Hypervolume", European
Journal of Operational Research 181(3), 2007.

Differs from the paper in: what :mod:`nastoolkit.search.mating` says about mating, duplicates and rounded genes; a whole
population of children is born before the worst are removed one by one, while the paper has one child at a time; parents are
chosen by dominance, not at random.
"""

from __future__ import annotations

import numpy as np
from pymoo.algorithms.moo.sms import LeastHypervolumeContributionSurvival
from pymoo.core.selection import Selection
from pymoo.core.survival import Survival

from nastoolkit.search.evolution import Evolution, Scaled, by_dominance, tournament


class SMSEMOA(Evolution):
    """The best fronts survive; from the last of them, points that add least to its hypervolume are removed first."""

    n_goals = (2, np.inf)

    def _parts(self) -> tuple[Selection, Survival]:
        return tournament(by_dominance), Scaled(LeastHypervolumeContributionSurvival())
