"""Once-for-All's MobileNetV3 on ImageNet, as Intel's searches measured it: a surrogate's accuracy against exact MACs.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954; 2,373 evaluations of its searches, of 2,162 sub-networks, are public, see
:mod:`nastoolkit.published.search_logs`.
[Zela2022] A. Zela et al., "Surrogate NAS Benchmarks: Going Beyond the Limited Search Spaces of Tabular NAS Benchmarks",
ICLR 2022: the idea.

Differs from the paper in: accuracies come from a support vector regression on pairs of choices, fitted to all evaluations. It
is the kind of function that the predictor ``svr`` fits, so searches with that predictor have an advantage here that they have
nowhere else. Most evaluations are near the front; far from it, the surrogate guesses. The reference point is ours.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nastoolkit.benchmarks.base import Benchmark
from nastoolkit.families import FAMILIES
from nastoolkit.objectives import Objective
from nastoolkit.predictors import PREDICTORS
from nastoolkit.published import search_logs


class OFAMobileNetV3ImageNet(Benchmark):
    """45 choices of ``ofa-mbv3-w1.0`` at 224 pixels: ``accuracy_top1`` in % and ``mmacs`` (exact).

    Attributes:
        rmse: The surrogate's root mean squared error on held-out sub-networks, in % (ten folds); repeated
            measurements differ by 0.021.
        tau: Kendall's rank correlation on the same.
    """

    reference_point = (70.0, 600.0)
    rmse = 0.057
    tau = 0.964

    def __init__(self, folder: str | Path | None = None) -> None:
        super().__init__(folder)
        family = FAMILIES["ofa-mbv3-w1.0"]()
        self.space = family.space.restrict({"resolution": (224,)})
        genotypes, accuracies = measured_accuracies(folder)
        self._surrogate = PREDICTORS["svr"]().fit(self.space.one_hot(genotypes), accuracies)
        self.objectives = (
            Objective("accuracy_top1", "max", "%"),
            Objective("mmacs", "min", "MMACs", exact=family.mmacs),
        )

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to the surrogate's accuracy ``(n, 1)``, in %."""
        return self._surrogate.predict(self.space.one_hot(genotypes))[:, None]


def measured_accuracies(folder: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The 2,162 sub-networks ``(n, d)`` that were measured, and their mean accuracies ``(n,)`` in %."""
    logs = search_logs(folder).values()
    accuracies = np.concatenate([log.values[:, 0] for log in logs])
    genotypes, network = np.unique(np.concatenate([log.genotypes for log in logs]), axis=0, return_inverse=True)
    return genotypes, np.bincount(network.ravel(), accuracies) / np.bincount(network.ravel())
