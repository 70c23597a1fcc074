"""NAS-Bench-MR: a surrogate's accuracy of multi-resolution networks against exact MACs or parameters; the user's own file.

[Ding2021] M. Ding et al., "Learning Versatile Neural Architectures by Propagating Network Codes", ICLR 2022,
arXiv 2103.13253: 2,507 networks of about 10^20, each trained.
[Zela2022] A. Zela et al., "Surrogate NAS Benchmarks: Going Beyond the Limited Search Spaces of Tabular NAS Benchmarks",
ICLR 2022: the idea.

Differs from the paper in: accuracies come from gradient boosting fitted to all trained networks, because nobody trained the
others; a search for a front of accuracy and cost, while the paper looks for one network. Costs range from 11 to 27,000 MMACs,
and most of the front is below 2,000: a long tail. Reference point: ours.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from nastoolkit.benchmarks.base import Benchmark
from nastoolkit.objectives import Objective
from nastoolkit.predictors import PREDICTORS
from nastoolkit.published import nas_bench_mr


class NASBenchMR(Benchmark):
    """27 choices of widths and counts: ``seg_mIoU`` on Cityscapes, or another task's metric, in %, and an exact cost.

    Args:
        cost: ``mmacs`` or ``params_m``, in millions.
        folder: Folder of the file; see :func:`nastoolkit.published.nas_bench_mr`.

    Attributes:
        best_found: Hypervolume of the best known front, by cost.
        rmse: The surrogate's root mean squared error on networks that it was not fitted to, in % (five folds).
        tau: Kendall's rank correlation on the same networks.
    """

    quality = (Objective("seg_mIoU", "max", "%"), 60.0)
    costs = {"mmacs": (Objective("mmacs", "min", "MMACs"), 14e3), "params_m": (Objective("params_m", "min", "M"), 28.0)}
    best_found = {"mmacs": 257_000.0, "params_m": 506.2}  # by two NSGA-IIs of 20,000 evaluations
    rmse = 1.51
    tau = 0.687

    def __init__(self, cost: str = "mmacs", folder: str | Path | None = None) -> None:
        super().__init__(folder)
        if cost not in self.costs:
            raise ValueError(f"unknown cost {cost!r}; known: {', '.join(self.costs)}")
        self.cost, networks = cost, nas_bench_mr(folder)
        self.space = networks.space
        (quality, least), (weighed, most) = self.quality, self.costs[cost]
        self._surrogate = PREDICTORS["lightgbm"]().fit(self._features(networks.genotypes), networks.measured[quality.name])
        self.objectives = (quality, replace(weighed, exact=partial(networks.cost, cost)))
        self.reference_point = (least, most)
        self.targets = {f"{share}% of the best found": share / 100 * self.best_found[cost] for share in (90, 95, 99)}

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.cost, self.folder)

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to the surrogate's values ``(n, 1)``, in %."""
        return self._surrogate.predict(self._features(genotypes))[:, None]

    def _features(self, genotypes: np.ndarray) -> np.ndarray:
        """Options ``(n, d)``, as numbers."""
        columns = zip(self.space.choices, self.space.canonical(np.atleast_2d(genotypes)).T, strict=True)
        return np.stack([np.array(choice.options, dtype=float)[gene] for choice, gene in columns], axis=1)
