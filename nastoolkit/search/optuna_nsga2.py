"""NSGA-II through Optuna: uniform crossover of categorical choices, which have no order there.

[Deb2002] K. Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE Transactions on Evolutionary
Computation 6(2), 2002.

Differs from the paper in: what Optuna's ``NSGAIISampler`` does by default, and how :mod:`nastoolkit.search.optuna_study`
treats known sub-networks.
"""

from __future__ import annotations

from typing import Any

from nastoolkit.search.optuna_study import OptunaStudy


class OptunaNSGA2(OptunaStudy):
    """Optuna's own NSGA-II, with its own generations of the same size."""

    def _sampler(self, samplers: Any, seed: int) -> Any:
        return samplers.NSGAIISampler(population_size=max(2, self.population), seed=seed)
