"""Once-for-All's search for one device, as OFA^2's authors ran it: the most accurate network within a limit of latency.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020; the numbers
are those of its published code.

Differs from the paper in: nothing but the random numbers. Unlike :mod:`nastoolkit.search.ofa_evolution`, it measures repeated
networks again and keeps the genes of absent blocks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nastoolkit.systems.ofa_squared.authors import N_BLOCKS, POPULATION, AuthorsProblem

N_PARENTS, N_MUTATED, P_MUTATION = 25, 50, 0.1


class EvolutionFinder:
    """Evolution: a quarter of a population are parents; half of the next population are their mutations, and half crosses.

    Args:
        problem: Problem to search.
        limit: Largest latency in ms; slower networks are drawn again and not counted.
        seed: Random seed.
    """

    def __init__(self, problem: AuthorsProblem, limit: float, seed: int) -> None:
        self._problem, self._limit, self._rng = problem, limit, np.random.default_rng(seed)

    def run(self, generations: int) -> np.ndarray:
        """Latency and error ``(2,)`` of the best network found in these generations of ``POPULATION`` networks."""
        genomes = self._within(lambda rows: self._random(len(rows)), POPULATION)
        costs = self._problem.costs(genomes)
        for _ in range(generations - 1):
            best = costs[:, 1].argsort(kind="stable")[:N_PARENTS]
            children = self._children(genomes[best])
            genomes = np.concatenate([genomes[best], children])
            costs = np.concatenate([costs[best], self._problem.costs(children)])
        return costs[costs[:, 1].argmin()]

    def _children(self, parents: np.ndarray) -> np.ndarray:
        first, second = parents[self._rng.integers(N_PARENTS, size=(2, POPULATION))]
        mutated = self._within(lambda rows: self._mutated(first[rows]), N_MUTATED)
        crossed = self._within(
            lambda rows: self._crossed(first[N_MUTATED + rows], second[N_MUTATED + rows]), POPULATION - N_MUTATED
        )
        return np.concatenate([mutated, crossed])

    def _within(self, draw: Callable[[np.ndarray], np.ndarray], n: int) -> np.ndarray:
        """Genomes ``(n, 46)`` within the limit; other rows are drawn again."""
        genomes, left = np.empty((n, len(self._problem.n_options)), dtype=np.int64), np.arange(n)
        while len(left):
            genomes[left] = draw(left)
            left = left[self._problem.latencies(genomes[left]) > self._limit]
        return genomes

    def _random(self, n: int) -> np.ndarray:
        return self._rng.integers(self._problem.n_options, size=(n, len(self._problem.n_options)))

    def _mutated(self, parents: np.ndarray) -> np.ndarray:
        """Children with a tenth of the blocks, depths and resolutions drawn again."""
        drawn = self._rng.random(parents.shape) < P_MUTATION
        drawn[:, N_BLOCKS : 2 * N_BLOCKS] = drawn[:, :N_BLOCKS]  # a block's kernel and its expansion together
        return np.where(drawn, self._random(len(parents)), parents)

    def _crossed(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.where(self._rng.random(first.shape) < 0.5, second, first)
