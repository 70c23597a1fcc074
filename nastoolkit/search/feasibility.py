"""How likely it is that a sub-network can be measured at all, learned from those that could not.

[Gelbart2014] M. A. Gelbart, J. Snoek, R. P. Adams, "Bayesian Optimization with Unknown Constraints", UAI 2014: a model of what
fails next to the models of the objectives; its probability is a factor of the expected gain.
[Bishop2006] C. M. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, Section 4.4: Laplace's approximation of
the evidence, which decides how much failures say about choices.

Tried and left out: squares of sizes and of values. They recognise failures at both ends (93 % of networks instead of 53 %),
and searches lose fewer evaluations, but sometimes also an end of the front.

Differs from the papers in: logistic regression replaces the Gaussian process, because it learns more from a few dozen failures
that begin above a certain size, and takes milliseconds; the chance is raised to a power, because the candidate with the
greatest gain is likely to be one whose chance is overestimated.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.linear_model import LogisticRegression

from nastoolkit.space import SearchSpace

PRIOR_VARIANCES = (0.01, 0.1, 1.0, 10.0, 100.0)  # of weights; the first one is for failures that no choice explains
VALUE_SCALE = 3.0  # an objective may say more than any one choice
LEAST_CHANCE = 0.5  # below it, and below that of an average sub-network, success is not counted on
CAUTION = 80.0  # where a tenth has failed, a chance counts as its ninth power


class Feasibility:
    """The chance that a sub-network can be measured: a logistic function of its choices and of its objectives' values.

    Args:
        space: Space of the genotypes.

    Attributes:
        caution: Power to which a chance is raised as a factor of gains; it grows with the share of failed evaluations.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._failed = np.empty((0, space.n_genes), dtype=np.int64)
        self._model: LogisticRegression | None = None
        self._least, self.caution = LEAST_CHANCE, 1.0

    def add_failed(self, genotypes: np.ndarray) -> None:
        """Note genotypes ``(k, d)`` whose evaluation failed."""
        self._failed = np.concatenate([self._failed, genotypes])

    def fit(self, measured: np.ndarray, predict: Callable[[np.ndarray], np.ndarray]) -> None:
        """Learn from all that failed and from genotypes ``(n, d)`` that did not; if there are not both, there is nothing to
        learn.

        Args:
            measured: ``(n, d)``.
            predict: Genotypes to expected values of the objectives, ``(k, d)`` to ``(k, m)``.
        """
        if not len(self._failed) or not len(measured):
            return
        genotypes = np.concatenate([measured, self._failed])
        succeeded = np.arange(len(genotypes)) < len(measured)
        values = predict(genotypes)
        self._mean, self._sd = values.mean(axis=0), np.where(np.ptp(values, axis=0) > 0, values.std(axis=0), 1.0)
        self._model = most_probable(self._features(genotypes, values), succeeded)
        self._least = min(LEAST_CHANCE, 0.9 * succeeded.mean())
        self.caution = 1 + CAUTION * (1 - succeeded.mean())

    def chances(self, genotypes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Chances ``(k,)`` that genotypes ``(k, d)`` of expected values ``(k, m)`` can be measured; 1 before any failure."""
        if self._model is None or not len(genotypes):
            return np.ones(len(genotypes))
        return self._model.predict_proba(self._features(genotypes, values))[:, 1]

    def risks(self, genotypes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """How far chances are below an acceptable one, ``(k,)``: 0 where a sub-network may well be tried."""
        return np.maximum(self._least - self.chances(genotypes, values), 0)

    def _features(self, genotypes: np.ndarray, values: np.ndarray) -> np.ndarray:
        return np.concatenate([self._space.one_hot(genotypes), VALUE_SCALE * (values - self._mean) / self._sd], axis=1)


def most_probable(features: np.ndarray, succeeded: np.ndarray) -> LogisticRegression:
    """Logistic regression of bools ``(n,)``, not all of them alike, on features ``(n, f)``, with the best prior variance."""
    models = [LogisticRegression(C=variance, max_iter=1000).fit(features, succeeded) for variance in PRIOR_VARIANCES]
    return max(models, key=lambda model: log_evidence(model, features, succeeded))


def log_evidence(model: LogisticRegression, features: np.ndarray, succeeded: np.ndarray) -> float:
    """Logarithm of the probability of bools ``(n,)`` under a model's prior [Bishop2006], Equation 4.137."""
    chances = np.clip(model.predict_proba(features)[:, 1], 1e-9, 1 - 1e-9)
    weights, centred = model.coef_[0], features - features.mean(axis=0)
    curvature = model.C * (centred.T * (chances * (1 - chances))) @ centred + np.eye(len(weights))
    log_likelihood = np.log(np.where(succeeded, chances, 1 - chances)).sum()
    return float(log_likelihood - weights @ weights / (2 * model.C) - np.linalg.slogdet(curvature)[1] / 2)
