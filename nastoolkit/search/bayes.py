"""Bayesian optimisation of a supernet: every few measurements, a Gaussian process says which sub-networks promise most.

[Jones1998] D. R. Jones, M. Schonlau, W. J. Welch, "Efficient Global Optimization of Expensive Black-Box Functions", Journal of
Global Optimization 13, 1998: design, model, expected improvement.
[Emmerich2008] M. Emmerich and J.-W. Klinkenberg, "The Computation of the Expected Improvement in Dominated Hypervolume of
Pareto Front Approximations", 2008: the same for several objectives.
[Srinivas2010] N. Srinivas et al., "Gaussian Process Optimization in the Bandit Setting", ICML 2010: optimism.
[Deb2002] K. Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Transactions on Evolutionary
Computation 6(2), 2002.
[Cummings2022b] D. Cummings et al., "A Hardware-Aware Framework for Accelerating Neural Architecture Search Across
Modalities", arXiv 2205.10358: LINAS, whose loop this improves on::

    measure a first design: the smallest, the largest, and sizes in even steps between
    repeat: fit a Gaussian process to each measured objective
            evolve sub-networks on what it hopes for
            measure the few of them with the greatest expected gain of hypervolume

Tried and left out: logarithms of exact costs in the gain and in the inner search. They are worse even where costs have a long
tail: on NAS-Bench-MR they lose 1.4 points of the best hypervolume after 100 evaluations, and 3.7 after 50. There, the steps
and numbers of ordered options gain 2.5 to 3.7 points after 100 (twice 10 seeds), and steps without numbers 2.4; with 6 seeds,
numbers without steps gain 1.6, and steps in the linear or in the smooth kernels only 2.4 and 1.0. A further smooth kernel
beside steps, over each kind of choice, over the means of kinds, or over the logarithm of the cost, adds between -0.6 and 0.4
points, for 14 to 27 % more time.

Differs from the papers in, each with an ablation in tests/benchmark/ablation.py: the first genotypes have mostly small or
mostly large options, because random ones are all of medium size; the process learns how much each kind of choice (depths,
kernels, expansions) matters, so that few measurements say much; of many ordered options, those near each other are alike;
objectives that are cheap and exact are computed, not modelled; batches are small, and grow; the inner search is slightly
optimistic [Srinivas2010]; the reference point follows the front, but every second one follows the worst value measured, so
that points beyond the ends of a short front can gain; values are bent, so that broken networks and long tails do not mislead
the process; if there are more than ``N_ROWS`` measurements, it uses the best and a spread of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from nastoolkit import pareto
from nastoolkit.features import step_matrix
from nastoolkit.objectives import Objective, complete, signs, violations
from nastoolkit.predictors.gaussian_process import GaussianProcess
from nastoolkit.predictors.plain_process import Kernel
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.feasibility import Feasibility
from nastoolkit.search.improvement import best_batch
from nastoolkit.search.sampling import new_ones
from nastoolkit.search.variation import first_design, vary
from nastoolkit.space import SearchSpace, genotype_keys
from nastoolkit.support.counts import whole

N_CANDIDATES = 200  # of which the batch is chosen
REFIT = 1.15  # scales are learned again when there are so many times the measurements
OPTIMISM = 0.3  # of the inner search, in standard deviations
GROWTH = 50  # a batch is at least a 50th of the measurements, so that 2,000 of them take some 200 fits
MARGIN = 0.1  # of the reference points beyond the front and beyond all that was measured, as a share of the front's range
N_ROWS = 1000  # measurements that a Gaussian process takes in


class Bayes(Algorithm):
    """Bayesian optimisation by expected hypervolume improvement: the fewest measurements.

    Args:
        space: Space to search.
        objectives: Objectives of the columns of the values; those without ``exact`` are modelled.
        seed: Random seed.
        population: Parents in the inner search.
        batch: Number of sub-networks measured between two fits, or a 50th of those measured if that is more.
        n_first: Number of sub-networks measured before the first fit.
        generations: Number of generations of the inner search, with ten children for each parent.

    Raises:
        TypeError: A setting is not a whole number.
        ValueError: A setting is below 1.
    """

    version: ClassVar[int] = 3  # ordered options as steps

    def __init__(
        self,
        space: SearchSpace,
        objectives: Sequence[Objective],
        seed: int = 0,
        population: int = 50,
        batch: int = 2,
        n_first: int = 10,
        generations: int = 4,
    ) -> None:
        super().__init__(space, objectives, seed, population)
        self.batch, self.n_first = whole("batch", batch), whole("n_first", n_first)
        self._generations = whole("generations", generations)
        self._features = Features(space, self.rng)
        self._measured = [i for i, objective in enumerate(self.objectives) if objective.exact is None]
        bad_sides = signs(self.objectives)[self._measured].astype(int)
        self._models = [GaussianProcess(self._features.kernels, [side]) for side in bad_sides]
        self._feasibility = Feasibility(space)
        self._n_at_refit = 0
        self._design: np.ndarray | None = None
        self._genotypes = self._elite = self._nothing()
        self._values = np.empty((0, len(self.objectives)))

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        self._genotypes = np.concatenate([self._genotypes, genotypes])
        self._values = np.concatenate([self._values, values])
        self.batch = max(self.batch, len(self._values) // GROWTH)

    def _learn_failed(self, genotypes: np.ndarray) -> None:
        self._feasibility.add_failed(genotypes)

    def _propose(self) -> np.ndarray:
        if len(self._genotypes) < self.n_first:
            design = new_ones(self._first_design(), self.seen)
            if len(design) or len(self._genotypes) < 2:
                return design[: self.batch]
        self._fit()
        return self._choose(self._evolve())

    def _first_design(self) -> np.ndarray:
        """``(n_first, d)``, always the same."""
        if self._design is None:
            self._design = first_design(self.space, self.objectives, self.n_first, self.rng)
        return self._design

    def _fit(self) -> None:
        rows = self._rows()
        features, values = self._features(self._genotypes[rows]), self._values[rows]
        refit = len(self._genotypes) >= REFIT * self._n_at_refit
        self._n_at_refit = len(self._genotypes) if refit else self._n_at_refit
        for model, column in zip(self._models, values.T[self._measured], strict=True):
            if refit:
                model.learn_scales(features, column)
            model.fit(features, column)
        self._feasibility.fit(self._genotypes, lambda genotypes: self._predict(genotypes)[0])

    def _rows(self) -> np.ndarray:
        """Indices of at most ``N_ROWS`` measurements for the processes: the best, and the same number spread over the rest."""
        n = len(self._genotypes)
        if n <= N_ROWS:
            return np.arange(n)
        best = self._best_measured(N_ROWS // 2)
        rest = np.setdiff1d(np.arange(n), best)
        return np.sort(np.concatenate([best, rest[np.linspace(0, len(rest) - 1, N_ROWS - len(best)).astype(int)]]))

    def _bent(self, values: np.ndarray) -> np.ndarray:
        """Values ``(n, m)`` as the processes see them."""
        bent = values.copy()
        for model, i in zip(self._models, self._measured, strict=True):
            bent[:, i] = model.bend(values[:, i])
        return bent

    def _bent_objectives(self) -> list[Objective]:
        """The objectives with their bounds as the processes see them."""
        objectives = list(self.objectives)
        for model, i in zip(self._models, self._measured, strict=True):
            objectives[i] = model.bent(objectives[i])
        return objectives

    def _predict(self, genotypes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected bent values and their standard deviations, ``(n, m)`` each."""
        features = self._features(genotypes)
        expected = np.array([model.predict(features) for model in self._models]).reshape(-1, 2, len(genotypes))
        sds = np.zeros((len(genotypes), len(self.objectives)))
        sds[:, self._measured] = expected[:, 1].T
        return complete(self.objectives, genotypes, expected[:, 0].T), sds

    def _hope(self, genotypes: np.ndarray) -> np.ndarray:
        """Values ``(n, m)`` that are a little better than expected where little is known."""
        values, sds = self._predict(genotypes)
        return values - OPTIMISM * sds * signs(self.objectives)

    def _evolve(self) -> np.ndarray:
        """New genotypes ``(k, d)`` with the best values to be hoped for. The evolution continues where it ended before."""
        best = self._genotypes[self._best_measured(self.population)]
        genotypes = new_ones(np.concatenate([best, self._elite]), set())
        values, known = self._hope(genotypes), set(genotype_keys(genotypes))
        for _ in range(self._generations):
            parents = genotypes[self._best(genotypes, values, 2 * self.population)]
            children = new_ones(vary(self.space, parents, 10 * self.population, self.rng), known)
            if len(children):
                known.update(genotype_keys(children))
                genotypes, values = np.concatenate([genotypes, children]), np.concatenate([values, self._hope(children)])
                kept = self._best(genotypes, values, 2 * N_CANDIDATES)
                genotypes, values = genotypes[kept], values[kept]
        self._elite = genotypes[: 2 * self.population]
        return new_ones(genotypes, self.seen)[:N_CANDIDATES]

    def _best(self, genotypes: np.ndarray, bent: np.ndarray, n: int) -> np.ndarray:
        broken = violations(self._bent_objectives(), bent) + self._feasibility.risks(genotypes, bent)
        return pareto.best_first(self.costs(bent), n, broken)

    def _best_measured(self, n: int) -> np.ndarray:
        bent = self._bent(self._values)
        return pareto.best_first(self.costs(bent), n, violations(self._bent_objectives(), bent))

    def _choose(self, candidates: np.ndarray) -> np.ndarray:
        """The next batch ``(k, d)``."""
        if not len(candidates):
            return candidates
        bent, sds = self._predict(candidates)
        measured, means = self.costs(self._bent(self._values)), self.costs(bent)
        known, worst = measured[self.violations(self._values) <= 0], measured.max(axis=0)
        known = known[pareto.non_dominated(known)]
        low, size = _range(np.concatenate([known, means]))
        feasible = self._feasibility.chances(candidates, bent) ** self._feasibility.caution
        chances = chance_within_bounds(self._bent_objectives(), bent, sds) * feasible
        references = self._references((worst - low) / size)
        spread = sds[:, : len(low)] / size
        return candidates[best_batch(self.batch, (known - low) / size, references, (means - low) / size, spread, chances)]

    def _references(self, worst: np.ndarray) -> np.ndarray:
        """Reference points ``(r, m)``, in turns: near a front from 0 to 1, and beyond the worst costs ``(m,)``."""
        return MARGIN + np.stack([np.ones_like(worst), np.maximum(worst, 1)])


def _range(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and extent of the front of costs ``(n, m)``, ``(m,)`` each."""
    front = costs[pareto.non_dominated(costs)]
    size = np.ptp(front, axis=0)
    return front.min(axis=0), np.where(size > 0, size, 1.0)


class Features:
    """What the Gaussian process sees of sub-networks: all choices, and the choices of each kind by themselves.

    Of many ordered options, it sees steps: see :func:`nastoolkit.features.step_matrix`.

    Choices of one kind, such as all depths, have linear effects of about the same size, which the process learns for each
    kind: after a few measurements, it knows which kinds matter. The rest is a smooth function of all choices.

    Args:
        space: Space of the genotypes.
        rng: Draws the sub-networks that define the average.

    Attributes:
        kernels: Kernels whose sum is the process's kernel.
    """

    def __init__(self, space: SearchSpace, rng: np.random.Generator) -> None:
        self._space, self._steps = space, step_matrix(space.choices)
        kinds = np.repeat([choice.role for choice in space.choices], [len(choice.options) for choice in space.choices])
        self._blocks = {name: np.flatnonzero(kinds == name) for name in dict.fromkeys(kinds.tolist())}
        self._blocks[""] = np.arange(len(kinds))
        sample = space.one_hot(space.sample(500, rng)) @ self._steps
        self._mean = sample.mean(axis=0)
        self._size = {name: np.linalg.norm(sample.std(axis=0)[columns]) or 1.0 for name, columns in self._blocks.items()}
        self.kernels = [Kernel(name, smooth=not name, variance=0.1) for name in self._blocks]

    def __call__(self, genotypes: np.ndarray) -> dict[str, np.ndarray]:
        """The blocks of genotypes ``(n, d)``, ``(n, f)`` each: centred steps, of about unit length in random rows."""
        centred = self._space.one_hot(genotypes) @ self._steps - self._mean
        return {name: centred[:, columns] / self._size[name] for name, columns in self._blocks.items()}


def chance_within_bounds(objectives: Sequence[Objective], means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """Probabilities ``(n,)`` that normal values with these means and standard deviations ``(n, m)`` keep all bounds."""
    chances = np.ones(len(means))
    for objective, mean, sd in zip(objectives, means.T, np.maximum(sds, 1e-12).T, strict=True):
        if objective.at_most is not None:
            chances *= ndtr((objective.at_most - mean) / sd)
        if objective.at_least is not None:
            chances *= ndtr((mean - objective.at_least) / sd)
    return chances
