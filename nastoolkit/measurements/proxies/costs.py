"""Parameters and MACs as proxies of accuracy: the controls that every other proxy has to beat.

[Ning2021] X. Ning et al., "Evaluating Efficient Performance Estimators of Neural Architectures", NeurIPS 2021,
arXiv 2008.03064: parameters and FLOPs rank networks about as well as most proxies do.

Differs from the paper in: MACs instead of FLOPs, which are twice as many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nastoolkit.measurements.proxies.proxy import Proxy


@dataclass(frozen=True)
class Params(Proxy):
    """The number of trainable parameters; inputs do not matter."""

    name = "params"

    def score(self, genotype: np.ndarray) -> float:
        """See :class:`Proxy`."""
        return float(self.supernet.family.params(genotype))


@dataclass(frozen=True)
class Macs(Proxy):
    """The number of multiply-accumulates; inputs do not matter."""

    name = "macs"

    def score(self, genotype: np.ndarray) -> float:
        """See :class:`Proxy`."""
        return float(self.supernet.family.macs(genotype))
