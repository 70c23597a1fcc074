"""SNIP: how much the loss would change without a weight, to first order, as a proxy of accuracy.

[Lee2019] N. Lee et al., "SNIP: Single-shot Network Pruning based on Connection Sensitivity", ICLR 2019, arXiv 1810.02340,
Section 4.
[Abdelfattah2021] M. Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021, arXiv 2101.08134, Section 3:
summed over all weights.

Differs from the papers in: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nastoolkit.measurements.proxies.proxy import Proxy


@dataclass(frozen=True)
class SNIP(Proxy):
    """The sum over weights of the absolute product of a weight and its gradient."""

    name = "snip"
    needs_targets = True

    def score(self, genotype: np.ndarray) -> float:
        """See :class:`Proxy`."""
        network = self.network(genotype)
        found, weights = self.gradients(network, self.batch(genotype)), dict(network.named_parameters())
        return float(sum((weights[name].detach() * gradient).abs().sum() for name, gradient in found.items()))
