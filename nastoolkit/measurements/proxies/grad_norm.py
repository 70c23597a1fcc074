"""Norms of gradients as a proxy of accuracy.

[Abdelfattah2021] M. Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021, arXiv 2101.08134, Section 3.

Differs from the paper in: nothing; as in its code, the norms of all layers are added up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nastoolkit.measurements.proxies.proxy import Proxy


@dataclass(frozen=True)
class GradNorm(Proxy):
    """The sum over layers of the norm of the gradient of a batch's loss with respect to the layer's weights."""

    name = "grad_norm"
    needs_targets = True

    def score(self, genotype: np.ndarray) -> float:
        """See :class:`Proxy`."""
        found = self.gradients(self.network(genotype), self.batch(genotype))
        return float(sum(gradient.norm() for gradient in found.values()))
