"""What the searches by Optuna share: a study that is asked for sub-networks and told their values.

[Akiba2019] T. Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019.

Every live choice is a categorical parameter. Parameters are asked for in gene order, so a sub-network has none for blocks that
it does not have. If Optuna suggests a known sub-network, it is told the known values and asked again. Optuna is an extra:
``pip install 'nastoolkit[optuna]'``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.space import SearchSpace
from nastoolkit.support.extras import needed

N_TRIES = 5  # for each sub-network that is wanted, before the rest is drawn at random


class OptunaStudy(Algorithm):
    """Asks one of Optuna's samplers, which the subclass names.

    Raises:
        MissingLibraryError: Optuna is not installed.
    """

    def __init__(self, space: SearchSpace, objectives: Sequence[Objective], seed: int = 0, population: int = 50) -> None:
        super().__init__(space, objectives, seed, population)
        self._optuna: Any = needed("optuna", "this search")
        self._options = {
            choice.name: self._optuna.distributions.CategoricalDistribution(allowed)
            for choice, allowed in zip(space.choices, space.allowed, strict=True)
        }
        self._study = self._new_study(self._sampler(self._optuna.samplers, int(self.rng.integers(2**32))))
        self._waiting: dict[bytes, Any] = {}  # trials, by the sub-networks that they suggested
        self._known: dict[bytes, tuple[list[float], float]] = {}  # costs and violations of bounds

    @abstractmethod
    def _sampler(self, samplers: Any, seed: int) -> Any:
        """One of ``optuna.samplers``."""

    def _new_study(self, sampler: Any) -> Any:
        level = self._optuna.logging.get_verbosity()
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        try:
            return self._optuna.create_study(directions=["minimize"] * len(self.goals), sampler=sampler)
        finally:
            self._optuna.logging.set_verbosity(level)

    def _propose(self) -> np.ndarray:
        for trial in self._waiting.values():  # what it suggested was not measured, or failed
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        self._waiting = {}
        for _ in range(N_TRIES * self.population):
            if len(self._waiting) == self.population:
                break
            self._ask_once()
        rows = [np.frombuffer(key, dtype=np.int64) for key in self._waiting]
        return np.array(rows, dtype=np.int64).reshape(-1, self.space.n_genes)

    def _ask_once(self) -> None:
        trial = self._study.ask()
        genotype = np.zeros(self.space.n_genes, dtype=np.int64)
        for gene, (name, options) in enumerate(self._options.items()):
            if self.space.alive(genotype)[gene]:
                genotype[gene] = trial.suggest_categorical(name, options.choices)
        key = genotype.tobytes()
        if key in self._known:
            self._finish(trial, *self._known[key])
        elif key in self.seen or key in self._waiting:
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        else:
            self._waiting[key] = trial

    def _finish(self, trial: Any, costs: list[float], violation: float) -> None:
        trial.set_constraint("violation", violation)
        self._study.tell(trial, costs)

    def _learn(self, genotypes: np.ndarray, values: np.ndarray) -> None:
        rows = zip(genotypes, self.costs(values).tolist(), self.violations(values).tolist(), strict=True)
        for genotype, costs, violation in rows:
            key = genotype.tobytes()
            self._known[key] = (costs, violation)
            if key in self._waiting:
                self._finish(self._waiting.pop(key), costs, violation)
            else:
                self._add(genotype, costs, violation)

    def _add(self, genotype: np.ndarray, costs: list[float], violation: float) -> None:
        """Tell Optuna of a sub-network that it did not suggest."""
        alive = self.space.alive(genotype)
        names = [name for name, is_alive in zip(self._options, alive, strict=True) if is_alive]
        trial = self._optuna.trial.create_trial(
            params=dict(zip(names, genotype[alive].tolist(), strict=True)),
            distributions={name: self._options[name] for name in names},
            values=costs,
            constraints={"violation": violation},
        )
        self._study.add_trial(trial)
