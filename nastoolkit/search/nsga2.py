"""NSGA-II, the evolutionary algorithm of the first paper's searches, from pymoo's operators.

[Deb2002] K. Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Transactions on Evolutionary
Computation 6(2), 2002.
[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Section 4: population 50, crossover rate 0.9, mutation rate 1 / population, and duplicates prevented with
unused genes accounted for.

Differs from the papers in: nothing that was proposed once is proposed again, so every generation is new sub-networks; what
mating does not find new in a few rounds is drawn at random; genes are rounded from a range that gives the first and the last
option as much room as those between; mutation has a distribution index of 3, as with 20 a rounded gene almost never changes.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mating import Mating
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.selection.tournament import TournamentSelection
from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

from nastoolkit.objectives import Objective, signs
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.space import SearchSpace, genotype_keys

N_MATING_ROUNDS = 5


class NSGA2(Algorithm):
    """The best of parents and children are the next parents, by front and then by crowding distance."""

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], seed: int = 0, population: int = 50) -> None:
        super().__init__(space, objectives, seed, population)
        n_options = np.array([len(choice.options) for choice in space.choices])
        self._problem = Problem(n_var=space.n_genes, n_obj=len(self.objectives), xl=-0.5, xu=n_options - 0.5)
        self._mating = _Mating(
            selection=TournamentSelection(func_comp=_tournament),
            crossover=SBX(prob=0.9, eta=15),
            mutation=PM(prob_var=1 / population, eta=3),
            repair=_ToGenotypes(space),
            eliminate_duplicates=_OnlyNew(self.seen),
            n_max_iterations=N_MATING_ROUNDS,
        )
        self._survival = RankAndCrowding()
        self._parents = Population.empty()

    def _propose(self) -> np.ndarray:
        if not len(self._parents):
            return self._nothing()
        children = self._mating.do(self._problem, self._parents, self.population, random_state=self.rng)
        return children.get("X").reshape(-1, self.space.n_genes).astype(np.int64)

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        told = Population.new(X=genotypes, F=values * signs(self.objectives))
        candidates = Population.merge(self._parents, told)
        self._parents = self._survival.do(self._problem, candidates, n_survive=self.population, random_state=self.rng)


class _Mating(Mating):
    """Makes twice the children that are wanted, as about half are known already: one large round is faster than many small."""

    def _do(self, problem: Problem, pop: Population, n_offsprings: int, **kwargs: Any) -> Population:
        return super()._do(problem, pop, 2 * n_offsprings, **kwargs)


class _ToGenotypes(Repair):
    def __init__(self, space: SearchSpace) -> None:
        super().__init__()
        self._space = space

    def _do(self, problem: Problem, X: np.ndarray, **_: Any) -> np.ndarray:
        return self._space.repair(X)


class _OnlyNew(DuplicateElimination):
    """Keeps children that differ from each other and from everything seen: by hash, as the seen ones are many."""

    def __init__(self, seen: Set[bytes]) -> None:
        super().__init__()
        self._seen = seen

    def do(self, pop: Population, parents: Population, siblings: Population, **_: Any) -> Population:
        taken = set(_keys(siblings))
        kept = []
        for i, key in enumerate(_keys(pop)):
            if key not in taken and key not in self._seen:
                taken.add(key)
                kept.append(i)
        return pop[kept]


def _keys(population: Population) -> list[bytes]:
    return genotype_keys(population.get("X")) if len(population) else []


def _tournament(population: Population, pairs: np.ndarray, **_: Any) -> np.ndarray:
    """Winners ``(n, 1)`` of pairs ``(n, 2)`` by the crowded comparison of NSGA-II; on a tie the first, as pairs are random."""
    first, second = pairs.T
    rank, crowding = population.get("rank", "crowding")
    better = (rank[second] < rank[first]) | ((rank[second] == rank[first]) & (crowding[second] > crowding[first]))
    return np.where(better, second, first)[:, None]
