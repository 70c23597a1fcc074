"""Transformations of outputs, learned from the data: they pull in broken networks and long tails before a model sees them.

[Snelson2004] E. Snelson, C. E. Rasmussen, Z. Ghahramani, "Warped Gaussian Processes", NIPS 2004: the likelihood of transformed
values, times the slope of the transformation, says which transformation suits the data.
[Sundararajan2001] S. Sundararajan and S. S. Keerthi, "Predictive Approaches for Choosing Hyperparameters in Gaussian
Processes", Neural Computation 13(5), 2001: the leave-one-out likelihood in closed form.

A model that minimises squared errors spends its effort on the few values that are far from all others: 2 % of networks that
are hardly better than chance, or the latencies of the largest ones. A :class:`Bend` leaves values on one side of a knee
unchanged, in their own unit, and takes logarithms beyond it. It increases strictly, so order, dominance and bounds stay the
same, and it has an inverse.

A regression uses it like this: learn a bend from the values and the covariance that the model gives to rows (for ridge
regression on standardised features ``(n, f)`` that is ``features @ features.T``), fit the model to ``bend(values)``, and
return ``bend.inverse(predicted)``::

    bend = learn(values, features @ features.T)
    regressor.fit(features, bend(values))
    predicted = bend.inverse(regressor.predict(unseen))

Values beyond the knee are still farthest from the rest, and least like it: a broken network says little about its neighbours.
``bend.excess(values)`` is a standard deviation of additional noise for each row (for ridge regression a sample weight,
``1 / (1 + (excess / bend(values).std()) ** 2)``), which lets such rows say that they are bad without distorting the model
further.

Differs from the papers in: a few fixed shapes instead of a sum of functions with optimised parameters, so that 20 values are
enough for a choice, which costs little more than one decomposition of the covariance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

QUANTILES = (0.25, 0.5, 0.75, 0.9, 0.98)  # of the values, at which a knee may be
SHARPNESS = (1.0, 4.0, 16.0)  # ratios of the straight part's length to the logarithm's unit
NOISES = np.logspace(-4, 1, 11)  # variances of the noise, as shares of the covariance's mean diagonal
FREE_MEAN = 10.0  # variance of a constant function, as a share of the same
LEAST_WIDTH = 0.1  # of the part before a knee, in interquartile ranges: a narrower one is a few equal values, no scale
LEAST_VALUES = 10  # fewer do not show their distribution
LEAST_GAIN = 3.0  # in log likelihood, for a bend to be preferred to none


@dataclass(frozen=True)
class Bend:
    """A strictly increasing function: the identity on one side of a knee, logarithmic on the other side.

    Beyond the farthest value that it was learned from, it is a straight line, so that extrapolations stay moderate.

    Attributes:
        side: 1 bends values above the knee, -1 those below it, and 0 bends none.
        knee: Value at which the bend begins.
        unit: Distance from the knee at which the slope has fallen to one half.
        length: Distance from the knee beyond which it is straight.
    """

    side: int = 0
    knee: float = 0.0
    unit: float = 1.0
    length: float = np.inf

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Transformed values, of any shape."""
        beyond = self._beyond(values)
        bent = self.unit * np.log1p(np.minimum(beyond, self.length) / self.unit)
        return values + self.side * (bent + np.maximum(beyond - self.length, 0) / self._steepness - beyond)

    def inverse(self, transformed: np.ndarray) -> np.ndarray:
        """Original values of transformed ones."""
        beyond, longest = self._beyond(transformed), self.unit * min(np.log1p(self.length / self.unit), 100)
        straight = self.unit * np.expm1(np.minimum(beyond, longest) / self.unit)
        return transformed + self.side * (straight + np.maximum(beyond - longest, 0) * self._steepness - beyond)

    def log_slope(self, values: np.ndarray) -> np.ndarray:
        """Logarithm of the derivative at values of any shape: 0 on the straight side, negative beyond the knee."""
        return -np.log1p(np.minimum(self._beyond(values), self.length) / self.unit)

    @property
    def _steepness(self) -> float:
        """One over the slope at the end of the bend."""
        return float(np.exp(min(np.log1p(self.length / self.unit), 100)))

    def excess(self, values: np.ndarray) -> np.ndarray:
        """How far transformed values are beyond the knee, 0 on the straight side; far ones deserve less trust by a model."""
        return np.abs(self(values) - self.knee) * (self._beyond(values) > 0)

    def _beyond(self, values: np.ndarray) -> np.ndarray:
        return np.maximum(self.side * (values - self.knee), 0)


NO_BEND = Bend()


def candidates(values: np.ndarray, sides: Sequence[int]) -> Iterator[Bend]:
    """Bends to try for values ``(n,)``: none, and several strengths at some quantiles on either side."""
    yield NO_BEND
    least = LEAST_WIDTH * float(np.diff(np.quantile(values, [0.25, 0.75])).item())
    for side in sides:
        for share in QUANTILES:
            knee, half = np.quantile(side * values, [share, share / 2], method="lower")
            if knee - half > least:
                ends = side * float(knee), float((side * values).max() - knee)
                yield from (Bend(side, ends[0], float(knee - half) / sharp, ends[1]) for sharp in SHARPNESS)


def learn(values: np.ndarray, covariance: np.ndarray, sides: Sequence[int] = (1, -1)) -> Bend:
    """The bend under which a linear or Gaussian process model predicts the values best, each from all others.

    Args:
        values: ``(n,)``.
        covariance: Covariance ``(n, n)`` that the model gives to the rows, without noise; its scale does not matter.
        sides: Sides that may be bent: only 1 or only -1 if the other end is the one that counts.

    Returns:
        The bend; the identity for fewer than ``LEAST_VALUES`` values, or if no other is clearly better.
    """
    if len(values) < LEAST_VALUES or np.ptp(values) == 0:
        return NO_BEND
    bends = list(candidates(values, sides))
    losses = leave_one_out_loss(np.stack([bend(values) for bend in bends], axis=1), covariance)
    losses -= [bend.log_slope(values).sum() for bend in bends]
    losses[0] -= LEAST_GAIN
    return bends[int(losses.argmin())]


def leave_one_out_loss(values: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Negative log likelihood ``(c,)`` of columns of values ``(n, c)``, each value given all others of its column.

    Mean, scale and noise of each column are those that fit it best; the noise is from a grid [Sundararajan2001].
    """
    size = np.trace(covariance) / len(covariance) or 1.0
    eigenvalues, vectors = np.linalg.eigh(covariance / size + FREE_MEAN)
    turned, squares = vectors.T @ (values - values.mean(axis=0)), vectors**2
    losses = []
    for noise in NOISES:
        inverse = 1 / (np.maximum(eigenvalues, 0) + noise)
        precision = squares @ inverse
        errors = (vectors @ (turned * inverse[:, None])) / precision[:, None]
        scale = np.maximum((errors**2 * precision[:, None]).mean(axis=0), np.finfo(float).tiny)
        losses.append((len(values) * np.log(scale) - np.log(precision).sum()) / 2)
    return np.min(losses, axis=0)
