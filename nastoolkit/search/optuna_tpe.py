"""TPE through Optuna, a competitor from hyperparameter optimisation: two densities, of good and of other sub-networks.

[Bergstra2011] J. Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011.
[Ozaki2022] Y. Ozaki et al., "Multiobjective Tree-Structured Parzen Estimator", Journal of Artificial Intelligence Research 73,
2022: several objectives.

Differs from the papers in: what Optuna's ``TPESampler`` does by default, and how :mod:`nastoolkit.search.optuna_study` treats
known sub-networks.
"""

from __future__ import annotations

from typing import Any

from nastoolkit.search.optuna_study import OptunaStudy


class OptunaTPE(OptunaStudy):
    """Draws options that are more frequent among good sub-networks than among others."""

    def _sampler(self, samplers: Any, seed: int) -> Any:
        return samplers.TPESampler(seed=seed)
