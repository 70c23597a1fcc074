"""How the children of evolutionary searches are made: crossover and mutation of genomes with pymoo's operators.

[Deb1995] K. Deb and R. B. Agrawal, "Simulated Binary Crossover for Continuous Search Space", Complex Systems 9(2), 1995.
[Ito2023] R. C. Ito and F. J. Von Zuben, "OFA^2: A Multi-Objective Perspective for the Once-for-All Neural Architecture
Search", IJCNN 2023, arXiv 2303.13683: uniform crossover of all pairs, random reset of a tenth of the genes.

Nothing is proposed twice, so every generation consists of new sub-networks; if mating finds too few in a few rounds, the rest
are drawn at random. Genes are rounded from a range that gives the first and the last option as much room as those between; the
first paper's mutation has a distribution index of 3, because with 20 a rounded gene almost never changes (with 3, about half
of the mutations change one of three or four options). Crossover and mutation of real numbers are for choices whose options
have an order; of other choices a child has the option of a parent, and mutation draws one.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from pymoo.core.crossover import Crossover
from pymoo.core.mutation import Mutation
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.selection import Selection
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.crossover.ux import UniformCrossover
from pymoo.operators.mutation.pm import PM

from nastoolkit.search.genomes import Genomes
from nastoolkit.search.sampling import rows_of_new

N_ROUNDS = 5


class RandomReset(Mutation):
    """Draws each gene anew with probability ``prob_var``, from all allowed options, including its present one."""

    def _do(self, problem: Problem, X: np.ndarray, random_state: np.random.Generator, **_: Any) -> np.ndarray:
        drawn = random_state.uniform(problem.xl, problem.xu, X.shape)
        return np.where(random_state.random(X.shape) < self.get_prob_var(problem, size=(len(X), 1)), drawn, X)


class OrderedCrossover(SBX):
    """Simulated binary crossover of the genes with an order, ``ordered`` of ``(d,)``, and uniform crossover of the others."""

    def __init__(self, ordered: np.ndarray) -> None:
        super().__init__(prob=0.9, eta=15)
        self._ordered = ordered

    def _do(self, problem: Problem, X: np.ndarray, *_: Any, random_state: np.random.Generator, **__: Any) -> np.ndarray:
        swapped = np.where(random_state.random(X.shape[1:]) < 0.5, X[::-1], X)
        return np.where(self._ordered, super()._do(problem, X, random_state=random_state), swapped)


class OrderedMutation(PM):
    """Polynomial mutation of the genes with an order, ``ordered`` of ``(d,)``, and random reset of the others."""

    def __init__(self, ordered: np.ndarray, prob_var: float) -> None:
        super().__init__(prob=1.0, prob_var=prob_var, eta=3)
        self._ordered, self._reset = ordered, RandomReset(prob_var=prob_var)

    def _do(self, problem: Problem, X: np.ndarray, *_: Any, random_state: np.random.Generator, **__: Any) -> np.ndarray:
        moved = super()._do(problem, X, random_state=random_state)
        return np.where(self._ordered, moved, self._reset._do(problem, X, random_state))


MATINGS = {  # crossover and mutation, for genes with and without an order, and for a population
    "sbx": lambda ordered, population: (OrderedCrossover(ordered), OrderedMutation(ordered, 1 / population)),
    "uniform": lambda ordered, population: (UniformCrossover(prob=1.0), RandomReset(prob_var=0.1)),
}


@dataclass(frozen=True)
class Mating:
    """Makes children that are new sub-networks.

    It works on arrays of genomes and calls pymoo's operators directly: pymoo's own mating makes objects of all children after
    each step, which takes twice as long as everything else.

    Attributes:
        problem: Bounds of the genes.
        selection: How parents are chosen.
        crossover: Makes two children of two parents.
        mutation: Changes genes of children.
        genomes: Translates genomes to genotypes and back.
        seen: Keys (:func:`nastoolkit.space.genotype_keys`) of the sub-networks that are not new.
    """

    problem: Problem
    selection: Selection
    crossover: Crossover
    mutation: Mutation
    genomes: Genomes
    seen: Set[bytes]

    def children(self, parents: Population, n: int, rng: np.random.Generator) -> np.ndarray:
        """Up to n rounded genomes ``(k, d)``, all of different sub-networks that have not been seen.

        It makes twice as many children as are wanted, because about half are known: one large round is faster than many small
        ones.
        """
        born = np.empty((0, self.problem.n_var))
        for _ in range(N_ROUNDS):
            made = self._mutated(self._crossed(parents, n - len(born), rng), rng)
            family = np.concatenate([born, self.genomes.round(made)])
            born = family[rows_of_new(self.genomes.genotypes(family), self.seen)][:n]
            if len(born) == n:
                break
        return born

    def _crossed(self, parents: Population, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """Two children ``(2 n_pairs, d)`` of each pair of parents, or copies of the parents where there is no crossover."""
        how = {"random_state": rng, "bounded": self.problem.has_constraints()}
        pairs = self.selection._do(self.problem, parents, n_pairs, 2, **how)
        genomes = parents.get("X")[pairs.T]
        crosses = rng.random(n_pairs) < self.crossover.prob.get()
        if crosses.any():
            children = self.crossover._do(self.problem, genomes, random_state=rng)
            genomes = np.where(crosses[:, None], children, genomes)
        return genomes.reshape(2 * n_pairs, -1)

    def _mutated(self, children: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        changed = self.mutation._do(self.problem, children, random_state=rng)
        mutates = rng.random(len(children)) <= self.mutation.prob.get()
        return np.where(mutates[:, None], changed, children)
