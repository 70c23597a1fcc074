"""How differently a network's outputs depend on different images, as a proxy of accuracy.

[Mellor2020] J. Mellor et al., "Neural Architecture Search without Training", arXiv 2006.04647, first version, Section 3.1.
[Abdelfattah2021] M. Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021, arXiv 2101.08134: jacob_cov.

Differs from the papers in: nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nastoolkit.measurements.proxies.proxy import Proxy

LEAST = 1e-5  # added to eigenvalues


@dataclass(frozen=True)
class JacobCov(Proxy):
    """How close the correlations between the images' gradients of the summed outputs are to zero.

    It is minus infinity if the gradients of an image are all the same.
    """

    name = "jacob_cov"
    needs_images = True

    def score(self, genotype: np.ndarray) -> float:
        """See :class:`Proxy`."""
        return independence(input_gradients(self.network(genotype), self.images(genotype)))


def input_gradients(network: nn.Module, images: torch.Tensor) -> np.ndarray:
    """Gradients ``(n, c h w)`` of the sum of all outputs with respect to each image ``(n, c, h, w)``."""
    seen = images.clone().requires_grad_()
    (found,) = torch.autograd.grad(network(seen).sum(), seen, materialize_grads=True)
    return found.flatten(1).double().cpu().numpy()


def independence(rows: np.ndarray) -> float:
    """Minus the sum of log(v + k) + 1 / (v + k) over the eigenvalues v of the correlations of rows ``(n, d)``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        correlations = np.corrcoef(rows)
    if not np.isfinite(correlations).all():
        return -np.inf
    eigenvalues = np.linalg.eigvalsh(correlations) + LEAST
    return -float((np.log(eigenvalues) + 1 / eigenvalues).sum())
