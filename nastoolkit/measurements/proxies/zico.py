"""ZiCo: gradients that are large and of the same size on different batches, as a proxy of accuracy.

[Li2023] G. Li et al., "ZiCo: Zero-shot NAS via Inverse Coefficient of Variation on Gradients", ICLR 2023, arXiv 2301.11300,
Section 3.

Differs from the paper in: the two batches are halves of one batch, so that all proxies see the same number of inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nastoolkit.measurements.proxies.proxy import Proxy
from nastoolkit.support.counts import keep_whole


@dataclass(frozen=True)
class ZiCo(Proxy):
    """The sum over layers of the logarithm of summed inverse coefficients of variation of the absolute gradients."""

    name = "zico"
    needs_targets = True

    def __post_init__(self) -> None:
        keep_whole(self, n_inputs=2)
        super().__post_init__()

    def score(self, genotype: np.ndarray) -> float:
        """See :class:`Proxy`."""
        network, batch = self.network(genotype), self.batch(genotype)
        half = (self.n_inputs + 1) // 2
        of_halves = [self.gradients(network, part) for part in (batch[:half], batch[half:])]
        return sum(steadiness([found[name] for found in of_halves]) for name in of_halves[0])


def steadiness(gradients: Sequence[torch.Tensor]) -> float:
    """Logarithm of the sum over a layer's weights of mean over standard deviation of their absolute gradients.

    Weights whose gradients are the same in all batches are left out; if none remain, it is 0.
    """
    absolute = torch.stack(list(gradients)).abs().double()
    spread = absolute.std(0, correction=0)
    varies = spread > 0
    return float((absolute.mean(0)[varies] / spread[varies]).sum().log()) if varies.any() else 0.0
