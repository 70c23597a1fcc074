"""The searches of OFA^2 exactly as in its authors' program, from the first random number on.

[Ito2023] R. C. Ito and F. J. Von Zuben, "OFA^2: A Multi-Objective Perspective for the Once-for-All Neural Architecture
Search", IJCNN 2023, arXiv 2303.13683; its notebook, https://github.com/ito-rafael/once-for-all-3, commit cfd3007, runs the
NSGA-II, SPEA2 and SMS-EMOA of pymoo 0.6.0.1 with NumPy 1.24.

This module repeats in NumPy what these versions do, as pymoo has changed since. A genome has 46 genes, and those of absent
blocks are crossed and mutated like all others; children are new as genomes, not as networks. Random numbers come from NumPy's
old generator, which no version changes. The old versions themselves give the same hypervolumes in every generation.

Differs from the paper in: roundings, as their predictor computed on a GPU with 32 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from nastoolkit import pareto
from nastoolkit.benchmarks import Benchmark
from nastoolkit.search.sampling import new_ones
from nastoolkit.space import genotype_keys
from nastoolkit.systems.ofa_squared.authors_selection import SELECTIONS, dominance

BLOCKS = [f"stage{stage}.block{block}" for stage in range(1, 6) for block in range(1, 5)]
N_BLOCKS = len(BLOCKS)
GENES = (
    *(f"{b}.kernel" for b in BLOCKS),
    *(f"{b}.expand" for b in BLOCKS),
    *(f"stage{s}.depth" for s in range(1, 6)),
    "resolution",
)
POPULATION, P_MUTATION = 100, 0.1


class AuthorsProblem:
    """A benchmark as the authors' program sees it.

    Args:
        benchmark: The benchmark ``ofa-mbv3-note10``.

    Attributes:
        n_options: Number of options of each gene, in the order of ``GENES``.
    """

    def __init__(self, benchmark: Benchmark) -> None:
        self._benchmark, space = benchmark, benchmark.space
        self._columns = [space.names.index(name) for name in GENES]
        self._options = [np.array(space.allowed[column]) for column in self._columns]
        self.n_options = np.array([len(options) for options in self._options])
        (self._latency,) = (objective.exact for objective in benchmark.objectives if objective.exact is not None)

    def latencies(self, genomes: np.ndarray) -> np.ndarray:
        """Latencies ``(n,)`` in ms of genomes ``(n, 46)``."""
        return self._latency(self._genotypes(genomes))

    def costs(self, genomes: np.ndarray) -> np.ndarray:
        """Latencies in ms and predicted errors in %, the latter in 32 bits: ``(n, 2)`` for genomes ``(n, 46)``."""
        latency, error = self._benchmark.history(self._genotypes(genomes)).values.T
        hundred = np.float32(100)
        return np.stack([latency, hundred - hundred * ((100 - error) / 100).astype(np.float32)], axis=1)

    def _genotypes(self, genomes: np.ndarray) -> np.ndarray:
        genotypes = np.empty(genomes.shape, dtype=np.int64)
        for column, options, genes in zip(self._columns, self._options, genomes.T, strict=True):
            genotypes[:, column] = options[genes]
        return self._benchmark.space.canonical(genotypes)

    def hypervolume(self, costs: np.ndarray) -> float:
        """The hypervolume of costs ``(n, 2)`` at 100 ms and 25 %."""
        return pareto.hypervolume(costs, self._benchmark.reference_point)


@dataclass(frozen=True)
class Parents:
    """One generation's survivors: genomes ``(n, 46)``, costs ``(n, 2)``, and merits ``(n,)``, smaller for better ones."""

    genomes: np.ndarray
    costs: np.ndarray
    merits: np.ndarray


class AuthorsSearch:
    """One search; each ``next`` returns a generation of survivors, beginning with the random first one.

    Args:
        problem: Problem to search.
        algorithm: Name in :data:`.authors_selection.SELECTIONS`.
        seed: Seed of NumPy's old generator; the paper's are 1, 2 and 3.
    """

    def __init__(self, problem: AuthorsProblem, algorithm: str, seed: int) -> None:
        self._problem, self._rng = problem, np.random.RandomState(seed)
        self._selection = SELECTIONS[algorithm]()

    def __iter__(self) -> Iterator[Parents]:
        genomes = np.array([[self._rng.choice(n) for n in self._problem.n_options] for _ in range(POPULATION)])
        costs = self._problem.costs(genomes)
        while True:
            rows, merits = self._selection(costs, POPULATION, self._rng)
            parents = Parents(genomes[rows], costs[rows], merits[rows])
            yield parents
            children = self._children(parents)
            genomes = np.concatenate([parents.genomes, children])
            costs = np.concatenate([parents.costs, self._problem.costs(children)])

    def _children(self, parents: Parents) -> np.ndarray:
        """New genomes ``(n, 46)``: mating continues until there are as many as parents."""
        seen, children = set(genotype_keys(parents.genomes)), np.empty((0, len(GENES)), dtype=np.int64)
        while len(children) < POPULATION:
            made = self._mutated(self._crossed(parents, -(-(POPULATION - len(children)) // 2)))
            children = np.concatenate([children, new_ones(made, seen)])[:POPULATION]
            seen.update(genotype_keys(children))
        return children

    def _crossed(self, parents: Parents, n_pairs: int) -> np.ndarray:
        """Children ``(2 n_pairs, 46)`` that take each gene from one of two parents."""
        first, second = parents.genomes[self._winners(parents, 2 * n_pairs).reshape(n_pairs, 2).T]
        self._rng.random_sample(n_pairs)  # pymoo draws whether pairs are crossed, though all are
        swaps = self._rng.random_sample(first.shape) < 0.5
        return np.concatenate([np.where(swaps, second, first), np.where(swaps, first, second)])

    def _mutated(self, children: np.ndarray) -> np.ndarray:
        for genes, n in zip(children.T, self._problem.n_options, strict=True):
            rows = np.flatnonzero(self._rng.random_sample(len(children)) < P_MUTATION)
            genes[rows] = self._rng.choice(n, size=len(rows))
        self._rng.random_sample(len(children))  # and whether children are mutated, though all may be
        return children

    def _winners(self, parents: Parents, n: int) -> np.ndarray:
        """Rows ``(n,)`` of parents that win against another one; a tie is decided at random."""
        rounds = [self._rng.permutation(len(parents.costs)) for _ in range(-(-2 * n // len(parents.costs)))]
        first, second = np.concatenate(rounds)[: 2 * n].reshape(n, 2).T
        merits = parents.merits
        better = (merits[first] < merits[second]).astype(int) - (merits[second] < merits[first])
        if self._selection.by_dominance:
            dominates = dominance(parents.costs)
            better = np.where(dominates[first, second], 1, np.where(dominates[second, first], -1, better))
        winners = np.where(better > 0, first, second)
        for tie in np.flatnonzero(better == 0):
            winners[tie] = self._rng.choice([first[tie], second[tie]])
        return winners


def hypervolumes(problem: AuthorsProblem, algorithm: str, seed: int, generations: int = 1000) -> np.ndarray:
    """Hypervolumes ``(generations,)`` of the populations of one :class:`AuthorsSearch`, including the random one."""
    search = islice(AuthorsSearch(problem, algorithm, seed), generations)
    return np.array([problem.hypervolume(parents.costs) for parents in search])
