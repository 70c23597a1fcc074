"""Once-for-All's wide MobileNetV3 at 224 pixels: predicted accuracy against exact MACs, as in the paper's Table 2.

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954, Table 2: evaluations that searches need on this supernet.
[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020: its
predictor.

Differs from the paper in: accuracies are predicted and some 5 points too high, so the table's levels mean nothing here; the
reference point is ours.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nastoolkit.benchmarks.base import Benchmark
from nastoolkit.families import FAMILIES
from nastoolkit.objectives import Objective
from nastoolkit.published import AccuracyPredictor


class OFAMobileNetV3Macs(Benchmark):
    """45 choices of ``ofa-mbv3-w1.2``: ``accuracy_top1`` in % and ``mmacs`` (exact). The resolution is a 46th with one option.

    Networks have 193 to 843 MMACs and accuracies of 77.7 to 83.6 %.
    """

    reference_point = (75.0, 900.0)

    def __init__(self, folder: str | Path | None = None) -> None:
        super().__init__(folder)
        family = FAMILIES["ofa-mbv3-w1.2"]()
        self.space = family.space.restrict({"resolution": (224,)})
        self._accuracy = AccuracyPredictor(family.space, folder)
        self.objectives = (
            Objective("accuracy_top1", "max", "%"),
            Objective("mmacs", "min", "MMACs", exact=family.mmacs),
        )

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to the predicted accuracy ``(n, 1)``, in %."""
        return self._accuracy(genotypes)[:, None]
