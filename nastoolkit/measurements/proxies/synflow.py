"""Synaptic flow: how much passes through a network, and through how many weights, as a proxy of accuracy.

[Tanaka2020] H. Tanaka et al., "Pruning Neural Networks without Any Data by Iteratively Conserving Synaptic Flow", NeurIPS
2020, arXiv 2006.05467, Section 4.
[Abdelfattah2021] M. Abdelfattah et al., "Zero-Cost Proxies for Lightweight NAS", ICLR 2021, arXiv 2101.08134, Section 3.

Differs from the papers in: the score is the logarithm of the flow, which gives the same ranking; batch normalisation is left
out, as in the second paper's code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nastoolkit.measurements.proxies.proxy import Proxy, matrices
from nastoolkit.supernets.calibration import BatchNorm
from nastoolkit.training.probes import gradients


@dataclass(frozen=True)
class SynFlow(Proxy):
    """The logarithm of the summed products of weights and their gradients, with absolute weights and an image of ones.

    It is minus infinity if nothing passes through. The task's images do not matter.
    """

    name = "synflow"
    needs_images = True

    def score(self, genotype: np.ndarray) -> float:
        """See :class:`Proxy`."""
        network = without_norms(self.network(genotype)).double()
        ones = self.images(genotype)[:1].double().fill_(1)
        with np.errstate(divide="ignore"):
            return float(np.log(flow(network, ones)))


def flow(network: nn.Module, ones: torch.Tensor) -> float:
    """The sum over weights of each weight times its gradient, after all were set to their absolute values in place."""
    with torch.no_grad():
        for weight in network.parameters():
            weight.abs_()
    found, weights = matrices(gradients(network(ones).sum(), network)), dict(network.named_parameters())
    return float(sum((weights[name].detach() * gradient).sum() for name, gradient in found.items()))


def without_norms(network: nn.Module) -> nn.Module:
    """The same network without batch normalisation."""
    for module in list(network.modules()):
        for name, part in module.named_children():
            if isinstance(part, BatchNorm):
                setattr(module, name, nn.Identity())
    return network
