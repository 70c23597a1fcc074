"""Mixtures of experts as a sharing rule: feed-forward layers with several copies of weights, mixed by the architecture.

[Jawahar2023] G. Jawahar et al., "Mixture-of-Supernets: Improving Weight-Sharing Supernet Training with
Architecture-Routed Mixture-of-Experts", arXiv 2306.04845, Section 3.

A router, a small network, reads a few numbers that describe the sub-network, and says how much of each copy goes into its
weights. All copies are mixed, and none is left out. An extracted network is a plain one, without copies and routers.

Differs from the paper in: the numbers are the means over each role of choices (for HAT's families, the paper's ten), as shares
of the largest option. The copies' initial weights are drawn around those that a single copy would start with, which are their
mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import BlockSpec
from nastoolkit.families import Family
from nastoolkit.families.transformer_blocks import FeedForward
from nastoolkit.space import SearchSpace
from nastoolkit.supernets.slices import Weights, crop, shapes_of
from nastoolkit.support.counts import whole

LAYER, NEURON = "layer", "neuron"
GATES = (LAYER, NEURON)
ARCHITECTURE, FIXED = "architecture", "fixed"
ROUTER_INPUTS = (ARCHITECTURE, FIXED)
MIDDLE = 0.5  # every number of the fixed input


class ExpertMixture:
    """Weights of feed-forward networks are weighted sums of copies; a sub-network's shares follow from its genotype.

    Everything else is sliced, and so are the copies before they are mixed. With one copy, this is plain slicing. Bits do not
    change shares, and identical sub-networks have the same shares.

    Args:
        n_experts: Number of copies.
        gate: ``"layer"`` for one share of each copy in both layers of a feed-forward network, or ``"neuron"`` for shares of
            each output of each layer.
        router_input: ``"architecture"``, or ``"fixed"`` for a control in which the router reads the same numbers from all.
        router_width: Number of hidden units of a router.

    Raises:
        TypeError: A count is not a whole number.
        ValueError: A count is below 1, or the gate or the input of the router is unknown.
    """

    def __init__(
        self, n_experts: int = 2, gate: str = NEURON, router_input: str = ARCHITECTURE, router_width: int = 128
    ) -> None:
        for name, value, known in (("gate", gate, GATES), ("router_input", router_input, ROUTER_INPUTS)):
            if value not in known:
                raise ValueError(f"unknown {name} {value!r}; known: {', '.join(known)}")
        self.n_experts, self.router_width = whole("n_experts", n_experts), whole("router_width", router_width)
        self.gate, self.router_input = gate, router_input
        self._space = SearchSpace([])
        self._last: tuple[Any, torch.Tensor] = (None, torch.empty(0))

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its arguments."""
        return {name: getattr(self, name) for name in ("n_experts", "gate", "router_input", "router_width")}

    def made_for(self, family: Family) -> ExpertMixture:
        """The rule for the networks of a family.

        Raises:
            ValueError: No block of the family has a feed-forward network.
        """
        if not any(key.endswith("ffn.expand.weight") for spec in family.shared_blocks.values() for key in shapes_of(spec)):
            raise ValueError(f"networks of {family.name!r} have no feed-forward networks, of which a mixture has its experts")
        made = copy(self)
        made._space, made._last = family.unquantised.space, (None, torch.empty(0))
        return made

    def prepare(self, block: nn.Module) -> None:
        """Add the other copies of feed-forward layers, and the routers."""
        if self.n_experts == 1:
            return
        for ffn in [module for module in block.modules() if isinstance(module, FeedForward)]:
            for layer in (ffn.expand, ffn.project):
                sizes = layer.in_features, layer.out_features
                layer.experts = nn.ModuleList(nn.Linear(*sizes) for _ in range(self.n_experts - 1))
                _centre(layer, layer.experts)
                if self.gate == NEURON:
                    layer.router = self._router(layer.out_features)
            if self.gate == LAYER:
                ffn.router = self._router(1)

    def _router(self, n_rows: int) -> nn.Sequential:
        n_inputs = len(self._space.role_means(self._space.smallest)[0])
        first, last = (n_inputs, self.router_width), (self.router_width, n_rows * self.n_experts)
        return nn.Sequential(nn.Linear(*first, bias=False), nn.ReLU(), nn.Linear(*last, bias=False))

    def __call__(self, shared: Weights, spec: BlockSpec, name: str, genotype: np.ndarray) -> Weights:
        """Mixed weights and biases of the block's feed-forward layers."""
        changed, shapes = {}, shapes_of(spec)
        for layer in [key.removesuffix(".experts.0.weight") for key in shared if key.endswith(".experts.0.weight")]:
            gates = self._gates(shared, layer, shapes[f"{layer}.bias"][0], genotype)
            for own in ("weight", "bias"):
                key = f"{layer}.{own}"
                changed[key] = mixed(gates, [crop(one, shapes[key]) for one in self._copies(shared, layer, own)])
        return changed

    def _copies(self, shared: Weights, layer: str, own: str) -> Iterator[torch.Tensor]:
        yield shared[f"{layer}.{own}"]
        for number in range(self.n_experts - 1):
            yield shared[f"{layer}.experts.{number}.{own}"]

    def _gates(self, shared: Weights, layer: str, n_rows: int, genotype: np.ndarray) -> torch.Tensor:
        """Shares of the copies ``(n_rows, n_experts)``, or ``(1, n_experts)`` for all rows: each row adds up to 1."""
        router = layer if self.gate == NEURON else layer.rpartition(".")[0]
        first, last = (shared[f"{router}.router.{place}.weight"] for place in (0, 2))
        if self.gate == NEURON:
            last = last[: n_rows * self.n_experts]
        logits = last @ (first @ self._architecture(genotype, first)).relu()
        return logits.view(-1, self.n_experts).softmax(1)

    def _architecture(self, genotype: np.ndarray, like: torch.Tensor) -> torch.Tensor:
        """The numbers ``(r,)`` that a router reads; all blocks of a pass ask for the same ones, so the last ones are kept."""
        asked = genotype.tobytes(), like.dtype, like.device
        known, numbers = self._last
        if known != asked:
            found = self._space.role_means(self._space.canonical(genotype[: self._space.n_genes]))[0]
            if self.router_input == FIXED:
                found = np.full_like(found, MIDDLE)
            with torch.inference_mode(False):  # what is kept may be used in training next
                numbers = torch.tensor(found, dtype=like.dtype, device=like.device)
            self._last = asked, numbers
        return numbers


@torch.no_grad()
def _centre(layer: nn.Linear, others: Iterable[nn.Module]) -> None:
    """Shift a layer and newly drawn ones of the same size so that their mean is the original layer."""
    for name in ("weight", "bias"):
        own, *drawn = (getattr(one, name) for one in (layer, *others))
        own.sub_(sum(drawn) / (len(drawn) + 1))
        for one in drawn:
            one.add_(own)


def mixed(gates: torch.Tensor, tensors: list[torch.Tensor]) -> torch.Tensor:
    """Tensors ``(n, ...)`` added up, each row times its share: gates ``(n, m)``, or ``(1, m)`` for all rows.

    This is ``diag(gate) E`` of the paper's neuron-wise mixture, and also its layer-wise one.
    """
    shares = gates.view(*gates.shape, *[1] * (tensors[0].dim() - 1)).unbind(1)
    total = shares[0] * tensors[0]
    for share, tensor in zip(shares[1:], tensors[1:], strict=True):
        total = torch.addcmul(total, share, tensor)
    return total
