"""Gaussian process regression with a sum of kernels, each on its own block of features.

[Rasmussen2006] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT Press 2006: the posterior
is Algorithm 2.1, the marginal likelihood and its gradient Equations 5.8 and 5.9.
[Snoek2012] J. Snoek, H. Larochelle, R. P. Adams, "Practical Bayesian Optimization of Machine Learning Algorithms", NIPS 2012.

Differs from them in: scales, lengthscales and noise are the most probable ones under broad normal priors on their logarithms,
so that a handful of values is enough, where [Snoek2012] integrates over them; above ``N_LIKELIHOOD`` rows a spread of the rows
decides about them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

Features = Mapping[str, np.ndarray]

N_LIKELIHOOD = 300  # a step of the likelihood costs the cube of it
JITTER = 1e-8


@dataclass(frozen=True)
class Kernel:
    """A covariance of functions: straight ones, or smooth ones that change over about a lengthscale.

    Attributes:
        block: The features that it sees.
        smooth: Squared exponential, else linear.
        lengthscale: Of the prior's middle, in units of the features; linear ones have none.
        variance: Of the prior's middle, as a share of the values' variance.
    """

    block: str
    smooth: bool
    lengthscale: float = 1.0
    variance: float = 1.0

    def compare(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """What the covariances ``(n, k)`` of rows ``(n, f)`` and ``(k, f)`` depend on: squared distances or products."""
        products = a @ b.T
        if not self.smooth:
            return products
        return np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * products, 0)


class GaussianProcess:
    """What is known of a function after some values of it: a mean and a standard deviation everywhere.

    Args:
        kernels: The function is a sum of one of each, plus noise that is independent from value to value.

    Attributes:
        logs: Logarithms of each kernel's variance, each smooth kernel's lengthscale, and the noise's variance, where the
            values have a variance of 1.
    """

    def __init__(self, kernels: Sequence[Kernel]) -> None:
        self.kernels = tuple(kernels)
        n, smooth = len(self.kernels), [kernel for kernel in self.kernels if kernel.smooth]
        self._scale_of = {kernel: n + i for i, kernel in enumerate(smooth)}  # where its lengthscale is in the vector
        self._prior_mean = np.log(
            [kernel.variance for kernel in self.kernels] + [kernel.lengthscale for kernel in smooth] + [1e-2]
        )
        self._prior_sd = np.array([1.5] * n + [0.7] * len(smooth) + [2.0])
        self.logs = self._prior_mean.copy()

    @property
    def noise_sd(self) -> float:
        """Standard deviation of the noise, in the values' unit."""
        return float(self._sd * np.exp(self.logs[-1] / 2))

    def learn_scales(self, features: Features, values: np.ndarray) -> None:
        """Set ``logs`` to the most probable ones, given values ``(n,)`` of features ``{block: (n, f)}``."""
        rows = np.linspace(0, len(values) - 1, min(len(values), N_LIKELIHOOD)).astype(int)
        chosen = {block: columns[rows] for block, columns in features.items()}
        compared = self._compare(chosen, chosen)
        standardised = (values[rows] - values[rows].mean()) / (values[rows].std() or 1.0)
        bounds = np.stack([self._prior_mean - 4 * self._prior_sd, self._prior_mean + 4 * self._prior_sd], axis=1)
        found = minimize(
            self.loss, self.logs, (compared, standardised), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 30}
        )
        self.logs = np.round(found.x, 3)  # so that another machine's rounding does not lead the search elsewhere

    def loss(self, logs: np.ndarray, compared: Sequence[np.ndarray], values: np.ndarray) -> tuple[float, np.ndarray]:
        """Negative logarithm of ``logs``' probability, up to a constant, and its gradient: of standardised values ``(n,)``."""
        covariances = self._covariances(logs, compared)
        factor = cho_factor(_with_noise(np.sum(covariances, axis=0), logs[-1]), lower=True, check_finite=False)
        weights, inverse = (cho_solve(factor, right, check_finite=False) for right in (values, np.eye(len(values))))
        slope = (inverse - np.outer(weights, weights)) / 2
        gradient = np.empty_like(logs)
        gradient[-1] = np.exp(logs[-1]) * np.trace(slope)
        for i, (kernel, covariance) in enumerate(zip(self.kernels, covariances, strict=True)):
            weighted = slope * covariance
            gradient[i] = weighted.sum()
            if kernel.smooth:
                j = self._scale_of[kernel]
                gradient[j] = (weighted * compared[i]).sum() * np.exp(-2 * logs[j])
        from_prior = (logs - self._prior_mean) / self._prior_sd
        loss = values @ weights / 2 + np.log(np.diag(factor[0])).sum() + from_prior @ from_prior / 2
        return float(loss), gradient + from_prior / self._prior_sd

    def fit(self, features: Features, values: np.ndarray) -> GaussianProcess:
        """Take in values ``(n,)`` of features ``{block: (n, f)}``, in place of all that were known."""
        self._features = features
        self._mean, self._sd = values.mean(), values.std() or 1.0
        covariance = np.sum(self._covariances(self.logs, self._compare(features, features)), axis=0)
        self._factor = cho_factor(_with_noise(covariance, self.logs[-1]), lower=True, check_finite=False)
        self._weights = cho_solve(self._factor, (values - self._mean) / self._sd, check_finite=False)
        return self

    def predict(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Expected values ``(k,)`` and their standard deviations ``(k,)``, noise not included."""
        to_known = self._to_known(features)
        known = solve_triangular(self._factor[0], to_known.T, lower=True, check_finite=False)
        variance = np.maximum(self._prior_variance(features) - (known**2).sum(0), 0)
        return self._mean + self._sd * (to_known @ self._weights), self._sd * np.sqrt(variance)

    def _to_known(self, features: Features) -> np.ndarray:
        return np.sum(self._covariances(self.logs, self._compare(features, self._features)), axis=0)

    def _prior_variance(self, features: Features) -> np.ndarray:
        variances, n = np.exp(self.logs[: len(self.kernels)]), len(features[self.kernels[0].block])
        squares = [1.0 if kernel.smooth else (features[kernel.block] ** 2).sum(1) for kernel in self.kernels]
        return np.sum([np.broadcast_to(v * s, n) for v, s in zip(variances, squares, strict=True)], axis=0)

    def _compare(self, a: Features, b: Features) -> list[np.ndarray]:
        return [kernel.compare(a[kernel.block], b[kernel.block]) for kernel in self.kernels]

    def _covariances(self, logs: np.ndarray, compared: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Of each kernel, ``(n, k)``."""
        covariances = []
        for log_variance, kernel, x in zip(logs, self.kernels, compared, strict=False):
            shape = np.exp(-x / 2 * np.exp(-2 * logs[self._scale_of[kernel]])) if kernel.smooth else x
            covariances.append(np.exp(log_variance) * shape)
        return covariances


def _with_noise(covariance: np.ndarray, log_noise: float) -> np.ndarray:
    return covariance + (np.exp(log_noise) + JITTER) * np.eye(len(covariance))
