"""Tickets: the units and weights of a supernet that are left, as masks of both ([You2022], Section 3.2; see the package)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch

from nastoolkit.families.mixed_chain import MixedChain, MixedConv
from nastoolkit.supernets import Masked, Supernet
from nastoolkit.supernets.masks import MASK, mask_of_largest

ONLY = np.array([], dtype=np.int64)  # the genotype of a family without choices
OF_UNITS = ("expand.conv.weight", "expand.bn.weight", "expand.bn.bias", "bn.weight", "bn.bias")


def check_sparsity(sparsity: float) -> None:
    """Refuse a share of masked weights that is 0 or less, or 1 or more, by a ValueError."""
    if not 0 < sparsity < 1:
        raise ValueError(f"a sparsity is the share of weights that are masked, above 0 and below 1; got {sparsity}")


class Ticket:
    """A supernet whose units and weights have masks; a unit is a channel of a block's depthwise convolutions.

    Attributes:
        weights: Weights that are trained, by name.
        masks: Their masks.
        specs: The blocks that have units, by name.
    """

    def __init__(self, family: MixedChain, seed: int = 0) -> None:
        self.supernet = Supernet(family, Masked(), seed)
        self.specs = {name: spec for name, spec in family.plan(ONLY) if isinstance(spec, MixedConv)}
        named = dict(self.supernet.shared.named_parameters())
        self.weights = {name: weight for name, weight in named.items() if not name.endswith(MASK)}
        self.masks = {name: named[f"{name}{MASK}"] for name in self.weights}
        every = np.concatenate([spec.unit_macs for spec in self.specs.values()])
        self._costs = {name: torch.tensor(spec.unit_macs / every.mean()).float() for name, spec in self.specs.items()}

    def importance(self, block: str) -> torch.Tensor:
        """Sizes ``(n_units,)`` of the scales of batch normalisation after depthwise convolutions."""
        return self.weights[f"{block}.bn.weight"].abs()

    def units(self, block: str) -> torch.Tensor:
        """Which units ``(n_units,)`` of a block are left."""
        return self.masks[f"{block}.bn.weight"] > 0

    def penalty(self) -> torch.Tensor:
        """Sum of the importances of units that are left, each times its MACs over the mean MACs of all units."""
        return torch.stack([self._costs[name] @ (self.importance(name) * self.units(name)) for name in self.specs]).sum()

    @torch.no_grad()
    def drop(self, threshold: float, least_macs: int = 0) -> list[str]:
        """Drop less important units for good if that saves enough MACs; returns the blocks that lose some, but not all."""
        lost, saved = dict[str, torch.Tensor](), 0
        for name, spec in self.specs.items():
            scores = self.importance(name) * self.units(name)
            lost[name] = self.units(name) & (scores < threshold) & (torch.arange(len(scores)) != scores.argmax())
            saved += int(spec.unit_macs[lost[name].numpy()].sum())
        if not saved or saved < least_macs:
            return []
        for name, gone in lost.items():
            for weight, there in self._reach(name, self.units(name) & ~gone).items():
                self.masks[weight].mul_(there)
        return [name for name, gone in lost.items() if gone.any()]

    def _reach(self, block: str, units: torch.Tensor) -> dict[str, torch.Tensor]:
        """Masks of a block's weights that mask the other units, by the names of weights."""
        there = units.float()
        found = dict.fromkeys(OF_UNITS, there)
        parts = there.split([n for _, n in self.specs[block].kernels])
        found |= {f"depthwise.{place}.weight": part for place, part in enumerate(parts)}
        own = {f"{block}.{name}": part for name, part in found.items()}
        own = {name: part.view(-1, *[1] * (self.masks[name].dim() - 1)) for name, part in own.items()}
        own[f"{block}.project.conv.weight"] = there[None, :, None, None]
        return {name: part.expand_as(self.masks[name]) for name, part in own.items()}

    @torch.no_grad()
    def reactivate(self, blocks: Collection[str]) -> None:
        """Give all weights of units that are left back to some blocks."""
        for block in blocks:
            for name, there in self._reach(block, self.units(block)).items():
                self.masks[name].copy_(there)

    def prunable(self) -> dict[str, torch.Tensor]:
        """Which weights of convolutions and linear layers belong to no unit or to one that is left, by name."""
        found = {name: torch.ones_like(mask) for name, mask in self.masks.items() if mask.dim() > 1}
        for block in self.specs:
            found |= {name: there for name, there in self._reach(block, self.units(block)).items() if name in found}
        return found

    @torch.no_grad()
    def prune(self, sparsity: float, rng: torch.Generator | None = None) -> None:
        """Mask a share of the prunable weights: the smallest, or, with a generator, random ones. Masked ones may come back."""
        check_sparsity(sparsity)
        prunable = self.prunable()
        there = torch.cat([own.flatten() for own in prunable.values()])
        sizes = torch.cat([self.weights[name].abs().flatten() for name in prunable])
        sizes = sizes if rng is None else torch.rand(len(sizes), generator=rng)
        n = int(there.sum())
        kept = mask_of_largest(torch.where(there > 0, sizes, -1.0), n - round(sparsity * n))
        for (name, own), part in zip(prunable.items(), kept.split([own.numel() for own in prunable.values()]), strict=True):
            self.masks[name].copy_(part.view(own.shape))

    @torch.no_grad()
    def shuffle(self, rng: torch.Generator) -> None:
        """Mask as many weights of each layer as now, but random ones of units that are left."""
        for name, there in self.prunable().items():
            sizes = torch.where(there > 0, torch.rand(there.shape, generator=rng), -1.0)
            self.masks[name].copy_(mask_of_largest(sizes, int(self.masks[name].sum())))

    @torch.no_grad()
    def take(self, other: Ticket, with_weights: bool = False) -> None:
        """Take another ticket's masks, and its weights if wanted; what has another shape stays as it is."""
        for own, theirs in [(self.masks, other.masks), (self.weights, other.weights)][: 1 + with_weights]:
            for name in [name for name in own if own[name].shape == theirs[name].shape]:
                own[name].copy_(theirs[name])

    def costs(self) -> dict[str, float]:
        """Weights that are left, ``params``, their ``macs`` for one input, and the ``sparsity`` among prunable weights."""
        pixels, left = dict[str, int](), {name: int(mask.sum()) for name, mask in self.masks.items()}
        network, prunable = self.supernet.extract(ONLY).eval(), self.prunable()
        for name, layer in network.named_modules():
            layer.register_forward_hook(lambda _, __, out, name=name: pixels.update({f"{name}.weight": out[0, 0].numel()}))
        network(self.supernet.family.example_inputs(ONLY))
        macs = sum(left[name] * pixels[name] for name in prunable)
        sparsity = 1 - sum(left[name] for name in prunable) / sum(int(there.sum()) for there in prunable.values())
        return {"params": sum(left.values()), "macs": macs, "sparsity": sparsity}
