"""Gaussian process regression of unchanged values, with a sum of kernels, each on its own block of features.

One broken network or a long tail misleads it; :class:`nastoolkit.predictors.gaussian_process.GaussianProcess` bends values.

[Rasmussen2006] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine Learning", MIT Press 2006: the posterior
is Algorithm 2.1, the marginal likelihood and its gradient Equations 5.8 and 5.9.
[Snoek2012] J. Snoek, H. Larochelle, R. P. Adams, "Practical Bayesian Optimization of Machine Learning Algorithms", NIPS 2012.

Differs from them in: scales, lengthscales and noise are the most probable ones under broad normal priors on their logarithms,
so that a handful of values is enough, while [Snoek2012] integrates over them; above ``N_LIKELIHOOD`` rows, a spread of the
rows determines them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

Features = Mapping[str, np.ndarray]

N_LIKELIHOOD = 300  # a step of the likelihood costs the cube of it
JITTER = 1e-8


@dataclass(frozen=True)
class Kernel:
    """A covariance of functions, which are linear, or smooth and change over about a lengthscale.

    Attributes:
        block: Block of features that it sees.
        smooth: Whether it is squared exponential, or else linear.
        lengthscale: Middle of the lengthscale's prior, in units of the features; linear kernels have none.
        variance: Middle of the variance's prior, as a share of the values' variance.
    """

    block: str
    smooth: bool
    lengthscale: float = 1.0
    variance: float = 1.0

    def compare(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """What covariances ``(n, k)`` of rows ``(n, f)`` and ``(k, f)`` depend on: squared distances or products."""
        products = a @ b.T
        if not self.smooth:
            return products
        return np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * products, 0)


class PlainProcess:
    """What is known about a function after seeing some of its values: a mean and a standard deviation everywhere.

    Args:
        kernels: Kernels of the functions whose sum, plus independent noise of each value, is the function.

    Attributes:
        logs: Logarithms of each kernel's variance, each smooth kernel's lengthscale, and the noise's variance, for values with
            a variance of 1.
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

    def some_rows(self, n: int) -> np.ndarray:
        """Indices of the rows, at most ``N_LIKELIHOOD`` of n, that determine the scales."""
        return np.linspace(0, n - 1, min(n, N_LIKELIHOOD)).astype(int)

    def learn_scales(self, features: Features, values: np.ndarray, extra: np.ndarray | None = None) -> None:
        """Set ``logs`` to the most probable values.

        Args:
            features: ``{block: (n, f)}``.
            values: ``(n,)``.
            extra: Variances ``(n,)`` of additional noise of single values, by default none.
        """
        rows = self.some_rows(len(values))
        chosen = {block: columns[rows] for block, columns in features.items()}
        compared, size = self._compare(chosen, chosen), values[rows].std() or 1.0
        standardised = (values[rows] - values[rows].mean()) / size
        of_each = np.zeros(len(rows)) if extra is None else extra[rows] / size**2
        bounds = np.stack([self._prior_mean - 4 * self._prior_sd, self._prior_mean + 4 * self._prior_sd], axis=1)
        arguments, options = (compared, standardised, of_each), {"maxiter": 30}
        found = minimize(self.loss, self.logs, arguments, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        self.logs = np.round(found.x, 3)  # so that another machine's rounding does not lead the search elsewhere

    def loss(
        self, logs: np.ndarray, compared: Sequence[np.ndarray], values: np.ndarray, extra: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Negative logarithm of ``logs``' probability, up to a constant, with gradient, for standardised values ``(n,)``."""
        pairs = list(enumerate(zip(self.kernels, compared, strict=True)))
        total = self._sum(logs, compared)
        factor = cho_factor(_with_noise(total, logs[-1], extra), lower=True, overwrite_a=True, check_finite=False)
        weights, slope = (cho_solve(factor, right, check_finite=False) for right in (values, np.eye(len(values))))
        slope -= np.outer(weights, weights)
        gradient = np.empty_like(logs)
        gradient[-1] = np.exp(logs[-1]) * np.trace(slope) / 2
        for i, (kernel, x) in pairs:
            weighted = slope * self._covariance(logs, i, x)
            gradient[i] = weighted.sum() / 2
            if kernel.smooth:
                j = self._scale_of[kernel]
                gradient[j] = np.vdot(weighted, x) * np.exp(-2 * logs[j]) / 2
        from_prior = (logs - self._prior_mean) / self._prior_sd
        loss = values @ weights / 2 + np.log(np.diag(factor[0])).sum() + from_prior @ from_prior / 2
        return float(loss), gradient + from_prior / self._prior_sd

    def fit(self, features: Features, values: np.ndarray, extra: np.ndarray | None = None) -> PlainProcess:
        """Learn values ``(n,)`` of features ``{block: (n, f)}``, which replace all earlier ones.

        Args:
            features: ``{block: (n, f)}``.
            values: ``(n,)``.
            extra: Variances ``(n,)`` of additional noise of single values, by default none.
        """
        self._features, self.extra = features, np.zeros(len(values)) if extra is None else extra
        self._mean, self._sd = values.mean(), values.std() or 1.0
        covariance = _with_noise(self.covariance(features, features), self.logs[-1], self.extra / self._sd**2)
        self._factor = cho_factor(covariance, lower=True, overwrite_a=True, check_finite=False)
        self._weights = cho_solve(self._factor, (values - self._mean) / self._sd, check_finite=False)
        return self

    def left_out(self) -> tuple[np.ndarray, np.ndarray]:
        """Difference between each value and its prediction from all others, and the expected variance of it: ``(n,)`` each."""
        inverse = cho_solve(self._factor, np.eye(len(self._weights)), overwrite_b=True, check_finite=False)
        precision = np.diag(inverse)
        return self._sd * self._weights / precision, self._sd**2 / precision

    def predict(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Expected values ``(k,)`` and their standard deviations ``(k,)``, noise not included."""
        to_known = self.covariance(features, self._features)
        known = solve_triangular(self._factor[0], to_known.T, lower=True, check_finite=False)
        variance = np.maximum(self._prior_variance(features) - np.einsum("nk,nk->k", known, known), 0)
        return self._mean + self._sd * (to_known @ self._weights), self._sd * np.sqrt(variance)

    def covariance(self, a: Features, b: Features) -> np.ndarray:
        """Covariance ``(n, k)`` of standardised values between n and k rows, noise not included."""
        return self._sum(self.logs, (kernel.compare(a[kernel.block], b[kernel.block]) for kernel in self.kernels))

    def _prior_variance(self, features: Features) -> np.ndarray:
        variances, n = np.exp(self.logs[: len(self.kernels)]), len(features[self.kernels[0].block])
        squares = [1.0 if kernel.smooth else (features[kernel.block] ** 2).sum(1) for kernel in self.kernels]
        return np.sum([np.broadcast_to(v * s, n) for v, s in zip(variances, squares, strict=True)], axis=0)

    def _compare(self, a: Features, b: Features) -> list[np.ndarray]:
        return [kernel.compare(a[kernel.block], b[kernel.block]) for kernel in self.kernels]

    def _sum(self, logs: np.ndarray, compared: Iterable[np.ndarray]) -> np.ndarray:
        """The kernels' covariances ``(n, k)``, added one after the other, so that only two are in memory at a time."""
        total: np.ndarray | None = None
        for i, x in enumerate(compared):
            covariance = self._covariance(logs, i, x)
            total = covariance if total is None else np.add(total, covariance, out=total)
        assert total is not None
        return total

    def _covariance(self, logs: np.ndarray, i: int, x: np.ndarray) -> np.ndarray:
        """Covariance ``(n, k)`` of kernel i, where ``x`` is what it compares."""
        if not self.kernels[i].smooth:
            return np.exp(logs[i]) * x
        covariance = x * (-np.exp(-2 * logs[self._scale_of[self.kernels[i]]]) / 2)
        np.exp(covariance, out=covariance)
        return np.multiply(covariance, np.exp(logs[i]), out=covariance)


def _with_noise(covariance: np.ndarray, log_noise: float, extra: np.ndarray) -> np.ndarray:
    """The covariance ``(n, n)`` itself, with noise on its diagonal, and additional noise of some values ``(n,)``."""
    covariance[np.diag_indices_from(covariance)] += np.exp(log_noise) + JITTER + extra
    return covariance
