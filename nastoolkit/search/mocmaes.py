"""MO-CMA-ES: every parent has its own step size and covariance, and those that add most to the hypervolume survive.

[Igel2007] C. Igel, N. Hansen and S. Roth, "Covariance Matrix Adaptation for Multi-objective Optimization", Evolutionary
Computation 15(1), 2007: the update of step sizes and covariances, with its constants (Table 1).
[Voss2010] T. Voß, N. Hansen and C. Igel, "Improved Step Size Adaptation for the MO-CMA-ES", GECCO 2010: a child succeeds if it
survives, even if it is no better than its parent.
[Hamano2022] R. Hamano et al., "CMA-ES with Margin: Lower-Bounding Marginal Probability for Mixed-Integer Black-Box
Optimization", GECCO 2022: why every gene keeps a least standard deviation.

Differs from the papers in: samples are rounded to genotypes, and a parent draws until its child is new, at most a few times;
costs are scaled to 0..1 before hypervolumes are compared, because objectives have units; options count as ordered, in the
order in which they are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, sqrt

import numpy as np
from pymoo.algorithms.moo.sms import LeastHypervolumeContributionSurvival
from pymoo.core.individual import Individual
from pymoo.core.population import Population
from pymoo.core.problem import Problem

from nastoolkit.objectives import Objective
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.evolution import Scaled
from nastoolkit.search.genomes import Genomes
from nastoolkit.search.sampling import rows_of_new
from nastoolkit.space import SearchSpace, genotype_keys

N_ROUNDS = 10  # how often a parent draws a child
SPREAD = 0.3  # first standard deviation of a gene, as a share of its number of options
LEAST_STD = 0.2  # the neighbouring option is then 2.5 standard deviations away: 1 sample in 80
TARGET = 1 / (5 + sqrt(0.5))  # share of children that succeed when the step size is right
THRESHOLD = 0.44  # above it, steps are far too small, and their direction teaches nothing


@dataclass(frozen=True)
class Strategy:
    """How a parent draws its children; steps are counted in options of each gene.

    Attributes:
        sigma: Step size.
        covariance: ``(d, d)``.
        path: Direction of the last steps ``(d,)``.
        success: Recent share of children that survived.
    """

    sigma: float
    covariance: np.ndarray
    path: np.ndarray
    success: float = TARGET

    @classmethod
    def fresh(cls, n_genes: int) -> Strategy:
        """A strategy that has seen nothing yet."""
        return cls(SPREAD, np.eye(n_genes), np.zeros(n_genes))

    def steps(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Random steps ``(n, d)``, divided by the step size."""
        return rng.standard_normal((n, len(self.path))) @ np.linalg.cholesky(self.covariance).T

    def after(self, survived: bool) -> Strategy:
        """The strategy once it is known whether a child survived: longer steps if many do ([Igel2007], Procedure 2)."""
        share, damping = TARGET / (2 + TARGET), 1 + len(self.path) / 2
        success = (1 - share) * self.success + share * survived
        sigma = self.sigma * exp((success - TARGET) / (1 - TARGET) / damping)
        return replace(self, sigma=min(max(sigma, SPREAD / 100), 1.0), success=success)

    def along(self, step: np.ndarray) -> Strategy:
        """The strategy of a surviving child: more steps in its own step's direction ``(d,)`` ([Igel2007], Procedure 3)."""
        memory, learning = 2 / (len(step) + 2), 2 / (len(step) ** 2 + 6)
        is_moving = self.success < THRESHOLD
        path = (1 - memory) * self.path + is_moving * sqrt(memory * (2 - memory)) * step
        kept = 1 - learning + (not is_moving) * learning * memory * (2 - memory)
        return replace(self, path=path, covariance=kept * self.covariance + learning * np.outer(path, path))


class MOCMAES(Algorithm):
    """Parents take turns to have children; the best fronts survive, and of the last one those that add most hypervolume."""

    n_goals = (2, np.inf)

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], seed: int = 0, population: int = 50) -> None:
        super().__init__(space, objectives, seed, population)
        self._genomes = Genomes(space)
        n_bounds = sum(objective.is_bounded for objective in self.objectives)
        self._problem = Problem(n_var=space.n_genes, n_obj=len(self.goals), n_ieq_constr=n_bounds)
        self._survival = Scaled(LeastHypervolumeContributionSurvival())
        self._parents = Population.empty()
        self._born: dict[bytes, tuple[Individual, np.ndarray]] = {}  # parents and steps of children that are measured

    def _propose(self) -> np.ndarray:
        if not len(self._parents):
            return self._nothing()
        parents = self._parents[np.resize(np.arange(len(self._parents)), self.population)]
        steps = np.stack([parent.get("strategy").steps(N_ROUNDS, self.rng) for parent in parents], axis=1)
        points = np.clip(parents.get("X") + self._lengths(parents) * steps, -0.5, self._genomes.n_places - 0.5)
        rows = rows_of_new(self._genomes.genotypes(points.reshape(-1, self.space.n_genes)), self.seen)
        children, first = np.unique(rows % self.population, return_index=True)
        rounds = rows[first] // self.population
        genotypes = self._genomes.ask_for(points[rounds, children])
        born = zip(parents[children], steps[rounds, children], strict=True)
        self._born.update(zip(genotype_keys(genotypes), born, strict=True))
        return genotypes

    def _lengths(self, parents: Population) -> np.ndarray:
        """Number of options that a step of length 1 covers, for each parent and gene ``(k, d)``."""
        strategies = [parent.get("strategy") for parent in parents]
        deviations = np.array([np.sqrt(np.diag(strategy.covariance)) for strategy in strategies])
        lengths = np.array([[strategy.sigma] for strategy in strategies]) * self._genomes.n_places
        return np.maximum(lengths, LEAST_STD / deviations)

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        known = [self._born.pop(key, None) for key in genotype_keys(genotypes)]
        told = Population.new(X=self._genomes.of(genotypes, self.rng), F=self.costs(values))
        told.set(
            "strategy", [Strategy.fresh(self.space.n_genes) if born is None else born[0].get("strategy") for born in known]
        )
        if self._problem.has_constraints():
            told.set("CV", self.violations(values)[:, None])
        candidates = Population.merge(self._parents, told)
        self._parents = self._survival.do(self._problem, candidates, n_survive=self.population, random_state=self.rng)
        alive = set(map(id, self._parents))
        for child, (parent, step) in ((child, born) for child, born in zip(told, known, strict=True) if born is not None):
            survived = id(child) in alive
            parent.set("strategy", parent.get("strategy").after(survived))
            if survived:
                child.set("strategy", child.get("strategy").after(True).along(step))

    def _learn_failed(self, genotypes: np.ndarray) -> None:
        for parent, _ in (self._born.pop(key) for key in genotype_keys(genotypes) if key in self._born):
            parent.set("strategy", parent.get("strategy").after(False))
