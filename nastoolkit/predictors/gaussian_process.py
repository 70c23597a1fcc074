"""A Gaussian process that broken networks and long tails do not mislead: values are bent, and unexplained ones count less.

Both happen only at the bad end, so the good end stays in its own unit and keeps its weight: :mod:`nastoolkit.transforms` takes
logarithms beyond a knee, where that predicts better; a value beyond the knee that the others would never have predicted gets
enough noise to explain it. So a tail that depends on the choices is learned, while one broken network among sixty tells that
it is bad itself, and nothing about its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.predictors.plain_process import Features, Kernel, PlainProcess
from nastoolkit.transforms import NO_BEND, learn


class GaussianProcess:
    """What is known about one objective after seeing some of its values: a mean and a standard deviation everywhere.

    Args:
        kernels: Kernels of the process.
        bad_sides: Sides that may be bent: only 1 if less is better, only -1 if more is better.

    Attributes:
        process: Process of the bent values.
        bend: Transformation between the values and those that the process sees.
    """

    def __init__(self, kernels: Sequence[Kernel], bad_sides: Sequence[int] = (1, -1)) -> None:
        self.process, self.bend, self.bad_sides = PlainProcess(kernels), NO_BEND, bad_sides

    def learn_scales(self, features: Features, values: np.ndarray) -> None:
        """Learn the bend and the scales of the kernels from values ``(n,)`` of features ``{block: (n, f)}``."""
        rows = self.process.some_rows(len(values))
        features, values = {block: columns[rows] for block, columns in features.items()}, values[rows]
        self.bend = learn(values, self.process.covariance(features, features), self.bad_sides)
        self.fit(features, values)
        self.process.learn_scales(features, self.bend(values), self.process.extra)

    def fit(self, features: Features, values: np.ndarray) -> GaussianProcess:
        """Learn values ``(n,)`` of features ``{block: (n, f)}``, which replace all earlier ones."""
        bent = self.bend(values)
        self.process.fit(features, bent)
        errors, variances = self.process.left_out()
        unexplained = np.maximum(errors**2 - variances, 0) * (self.bend.excess(values) > 0)
        if unexplained.any():
            self.process.fit(features, bent, unexplained)
        return self

    def bent(self, objective: Objective) -> Objective:
        """The objective, with bounds as the process sees them."""
        at_most, at_least = (
            None if bound is None else float(self.bend(np.array(bound))) for bound in (objective.at_most, objective.at_least)
        )
        return replace(objective, at_most=at_most, at_least=at_least)

    def predict(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Expected bent values ``(k,)`` and their standard deviations ``(k,)``."""
        return self.process.predict(features)
