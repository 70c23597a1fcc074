"""What a search measures, and what it reuses from earlier ones: the tactics of [Cummings2022], Figure 1.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.history import History
from nastoolkit.measurements import PROXIES, Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.predictors import Estimate
from nastoolkit.space import SearchSpace
from nastoolkit.studies import past_evaluations
from nastoolkit.supernets import Supernet
from nastoolkit.systems.hardware_aware_nas.popdb import constrain
from nastoolkit.tasks import Task


def _accuracy(supernet: Supernet, task: Task, progress: bool) -> tuple[Objective, Callable[[np.ndarray], np.ndarray]]:
    return Objective(task.metric, "max", task.unit), Accuracy(supernet, task, progress=progress)


def _proxy(name: str, supernet: Supernet, task: Task, _progress: bool) -> tuple[Objective, Callable[[np.ndarray], np.ndarray]]:
    return Objective(name, "max"), PROXIES[name](supernet, task)


MEASURES = {"accuracy": _accuracy, **{name: partial(_proxy, name) for name in PROXIES}}  # on validation examples; no training


@dataclass(frozen=True)
class PastSearches:
    """Stores of earlier searches, by their use.

    Attributes:
        estimate: Store from which to predict the measurements.
        popdb: Store whose clusters show which options are worth searching.
        warm_start: Store with the first sub-networks.
    """

    estimate: Path | None = None
    popdb: Path | None = None
    warm_start: Path | None = None

    def predicted(self, space: SearchSpace, measured: Objective) -> tuple[Objective, dict[str, Any]]:
        """The objective, exact if it is predicted, and the quality of the prediction."""
        if self.estimate is None:
            return measured, {}
        made = Estimate(past_evaluations(self.estimate, space, [measured]), measured.name)
        return replace(measured, exact=made), {"estimated_from": len(made), "kendall_tau": made.kendall_tau()}

    def space(self, space: SearchSpace, objectives: list[Objective]) -> tuple[SearchSpace, dict[str, Any]]:
        """The part of the space to search, and its size."""
        if self.popdb is None:
            return space, {}
        part = constrain(past_evaluations(self.popdb, space, objectives))
        return part, {"sub_networks": part.size, "of": space.size}

    def first(self, space: SearchSpace, objectives: list[Objective]) -> History | None:
        """A search to start from."""
        return None if self.warm_start is None else past_evaluations(self.warm_start, space, objectives)
