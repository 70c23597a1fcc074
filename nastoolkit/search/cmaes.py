"""CMA-ES: a normal distribution over genes that learns mean, step size and covariance from the ranks of its samples.

[Hansen2016] N. Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772.
[Hamano2022] R. Hamano et al., "CMA-ES with Margin: Lower-Bounding Marginal Probability for Mixed-Integer Black-Box
Optimization", GECCO 2022: why every gene keeps a least standard deviation.

Differs from the papers in: samples are rounded to genotypes, and known ones are drawn again, so every generation is new; the
first mean is the best sub-network known; when hardly anything new is left near the mean, it restarts at a random place; the
standard deviation is bounded from below, not the probability; options count as ordered, in the order in which they are given.
It uses ``cma``, the package behind pymoo's CMA-ES, which accepts no generation that was measured only in part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.genomes import Genomes
from nastoolkit.search.sampling import rows_of_new
from nastoolkit.space import SearchSpace

N_ROUNDS = 10  # how often a sample may meet a known sub-network
SPREAD = 0.3  # first standard deviation of a gene, as a share of its number of options
LEAST_STD = 0.2  # the neighbouring option is then 2.5 standard deviations away: 1 sample in 80


class CMAES(Algorithm):
    """Samples around a mean that moves to the better ones; objectives but the first need a bound, and only that counts."""

    n_goals = (1, 1)

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], seed: int = 0, population: int = 50) -> None:
        super().__init__(space, objectives, seed, population)
        self._strategy: Any = None
        self._genomes = Genomes(space)
        self._told: list[tuple[float, float, np.ndarray]] = []  # violation, cost, point

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        points = self._genomes.of(genotypes, self.rng)
        self._told += zip(self.violations(values), self.costs(values)[:, 0], points, strict=True)

    def _learn_failed(self, genotypes: np.ndarray) -> None:
        if self._strategy is not None:  # none of them is a mean to start from
            self._told += [(np.inf, np.inf, point) for point in self._genomes.of(genotypes, self.rng)]

    def _propose(self) -> np.ndarray:
        if self._strategy is None and not self._told:
            return self._nothing()
        if self._strategy is None:
            self._start(min(self._told, key=lambda row: row[:2])[2])
        self._update()
        points = self._sample()
        if len(points) < self.population / 2:
            self._start(self._genomes.draw(1, self.rng)[0])
            points = self._sample()
        return self._genomes.ask_for(points)

    def _sample(self) -> np.ndarray:
        """Up to ``population`` points ``(k, d)`` that are rounded to new sub-networks."""
        points = np.array(self._strategy.ask(self.population * N_ROUNDS))
        return points[rows_of_new(self._genomes.genotypes(points), self.seen)[: self.population]]

    def _update(self) -> None:
        """Learn the next generation from what was told, by rank: sub-networks that keep the bounds come first.

        It is at most one generation, because the strategy samples between two.
        """
        size = self._strategy.popsize
        if len(self._told) >= size:
            generation, self._told = self._told[:size], self._told[size:]
            ranks = np.unique([row[:2] for row in generation], axis=0, return_inverse=True)[1]
            self._strategy.tell([row[2] for row in generation], ranks.astype(float))

    def _start(self, mean: np.ndarray) -> None:
        import cma  # which imports all of Matplotlib, in every process that searches by whatever algorithm

        n_options = self._genomes.n_places
        options = {
            "popsize": max(self.population, 4 + int(3 * np.log(len(n_options)))),
            "bounds": [np.full(len(n_options), -0.5), n_options - 0.5],
            "CMA_stds": n_options * SPREAD,
            "minstd": LEAST_STD,
            "randn": lambda *shape: self.rng.standard_normal(shape),
            "seed": np.nan,  # none of NumPy's global state
            "verbose": -9,
        }
        self._strategy = cma.CMAEvolutionStrategy(mean, 1.0, options)
        self._told = []
