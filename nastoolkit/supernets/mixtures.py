"""Mixtures of operations: networks whose slots hold weighted sums of the blocks that a choice offers.

[Liu2019] H. Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019, Section 2.2: softmax.
[Jang2017] E. Jang et al., "Categorical Reparameterization with Gumbel-Softmax", ICLR 2017, Section 2.2.
[Maddison2017] C. J. Maddison et al., "The Concrete Distribution", ICLR 2017, Appendix B: relaxed Bernoulli.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from nastoolkit.blocks import BlockSpec, Inputs, device_of
from nastoolkit.families import Slot
from nastoolkit.space import SearchSpace
from nastoolkit.supernets.supernet import Supernet

Shares = Mapping[str, torch.Tensor]  # of the options of each mixed choice, by its name: (n_options,)


class Logits(nn.Module):
    """Architecture parameters: a vector of zeros for each choice that is mixed.

    Args:
        space: Space of the choices.
        names: Choices that are mixed; by default all that have no order.
    """

    def __init__(self, space: SearchSpace, names: tuple[str, ...] | None = None) -> None:
        super().__init__()
        choices = {choice.name: choice for choice in space.choices}
        self.names = tuple(name for name in choices if not choices[name].ordered) if names is None else names
        self.values = nn.ParameterList(torch.zeros(len(choices[name].options)) for name in self.names)

    def forward(self, shares: Callable[[torch.Tensor], torch.Tensor]) -> Shares:
        """The shares of all options, by a function such as :func:`softmax`."""
        return {name: shares(logits) for name, logits in zip(self.names, self.values, strict=True)}


def softmax(logits: torch.Tensor) -> torch.Tensor:
    """Shares that add up to 1 ([Liu2019])."""
    return logits.softmax(0)


def gumbel_softmax(logits: torch.Tensor, temperature: float = 1.0, generator: torch.Generator | None = None) -> torch.Tensor:
    """Random shares that add up to 1, close to a single option at low temperatures ([Jang2017])."""
    noise = -torch.empty_like(logits).exponential_(generator=generator).log()
    return ((logits + noise) / temperature).softmax(0)


def relaxed_bernoulli(
    logits: torch.Tensor, temperature: float = 1.0, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Random shares in 0..1, each independent of the others ([Maddison2017])."""
    uniform = torch.rand(logits.shape, generator=generator, dtype=logits.dtype).to(logits.device)
    return torch.sigmoid((logits + uniform.logit(1e-6)) / temperature)


def without(shares: Shares, name: str, option: int) -> Shares:
    """Shares with one option of a choice masked; the others are left as they are."""
    mask = torch.ones_like(shares[name])
    mask[option] = 0
    return {**shares, name: shares[name] * mask}


class Mixture(nn.Module):
    """A supernet's network whose slots are sums of their operations, each multiplied by its share.

    Gradients reach the shared weights and the shares. If one option has share 1 and all others 0, outputs are those of
    ``supernet(x, genotype)``. Where a slot depends on several mixed choices, the share of a block is the product of their
    shares.
    """

    def __init__(self, supernet: Supernet) -> None:
        super().__init__()
        self.supernet = supernet

    def forward(self, x: Inputs, shares: Shares, genotype: np.ndarray | None = None) -> torch.Tensor:
        """Outputs of the mixed network.

        Args:
            x: Inputs, as :class:`Supernet` takes them.
            shares: Shares ``(n_options,)`` of the options, by the names of the choices that are mixed.
            genotype: Options ``(d,)`` of the other choices; not needed if all are mixed.

        Raises:
            ValueError: A choice is unknown, or neither mixed nor given; there are more or fewer shares than options; or an
                option leaves a block out.
        """
        genotype = self._others(shares, genotype)
        slots = ((slot.name, self._slot(slot, shares, genotype)) for slot in self.supernet.family.slots)
        return functional_call(*self.supernet.joined({name: slot for name, slot in slots if slot is not None}), (x,))

    def _others(self, shares: Shares, genotype: np.ndarray | None) -> np.ndarray:
        """The genotype, after checking that it and the shares together cover all choices."""
        n_options = {choice.name: len(choice.options) for choice in self.supernet.family.space.choices}
        for name, share in shares.items():
            if share.shape != (n_options.get(name),):
                raise ValueError(f"{name!r} has {n_options.get(name, 'no')} options, and shares {tuple(share.shape)}")
        if genotype is not None:
            return self.supernet.family.space.check_one(genotype)
        if open_ones := [name for name, n in n_options.items() if n > 1 and name not in shares]:
            raise ValueError(f"a genotype says which options choices have that are not mixed: {open_ones}")
        return np.zeros(len(n_options), dtype=np.int64)

    def _slot(self, slot: Slot, shares: Shares, genotype: np.ndarray) -> tuple[nn.Module, dict[str, torch.Tensor]] | None:
        """The block of a slot, mixed if it depends on mixed choices, and its weights."""
        mixed, weights = [name for name in slot.choices if name in shares], dict[str, torch.Tensor]()
        if not mixed:
            spec = self._spec(slot, genotype)
            return None if spec is None else self.supernet.block(slot.name, spec, genotype)
        sum_of_blocks, genes = WeightedSum(), [self.supernet.family.space.names.index(name) for name in mixed]
        for number, way in enumerate(product(*(range(len(shares[name])) for name in mixed))):
            path = genotype.copy()
            path[genes] = way
            if (spec := self._spec(slot, path)) is None:
                raise ValueError(
                    f"options of {mixed} leave out block {slot.name!r}, which can be mixed only with other blocks"
                )
            block, own = self.supernet.block(slot.name, spec, path, number)
            sum_of_blocks.add(block, reduce(torch.mul, (shares[name][index] for name, index in zip(mixed, way, strict=True))))
            weights |= {f"{number}.{key}": tensor for key, tensor in own.items()}
        return sum_of_blocks, weights

    def _spec(self, slot: Slot, genotype: np.ndarray) -> BlockSpec | None:
        options = {
            choice.name: choice.options[gene]
            for choice, gene in zip(self.supernet.family.space.choices, genotype, strict=True)
        }
        return slot.spec(*(options[name] for name in slot.choices))

    def path(self, genotype: np.ndarray, names: Iterable[str]) -> Shares:
        """Shares of a single path ``(d,)``: 1 for its options of these choices, and 0 for the others."""
        space, device = self.supernet.family.space, device_of(self.supernet)
        genes = {choice.name: (int(gene), len(choice.options)) for choice, gene in zip(space.choices, genotype, strict=True)}
        return {name: torch.eye(genes[name][1], device=device)[genes[name][0]] for name in names}

    def strongest(self, shares: Shares, genotype: np.ndarray | None = None) -> np.ndarray:
        """The canonical genotype ``(d,)`` with the options of the largest shares; the others as in :meth:`forward`."""
        genotype, space = self._others(shares, genotype), self.supernet.family.space
        picked = {space.names.index(name): int(share.argmax()) for name, share in shares.items()}
        return space.canonical(np.array([picked.get(gene, option) for gene, option in enumerate(genotype)]))


class WeightedSum(nn.Module):
    """Blocks that run on the same inputs; their outputs are added, each multiplied by its share ``()``."""

    def __init__(self) -> None:
        super().__init__()
        self.shares: list[torch.Tensor] = []

    def add(self, block: nn.Module, share: torch.Tensor) -> None:
        """Add a block, under its number."""
        self.add_module(str(len(self.shares)), block)
        self.shares.append(share)

    def __getattr__(self, name: str) -> Any:
        if name in ("_parameters", "_buffers", "_modules") or name in self._modules:
            return super().__getattr__(name)
        raise AttributeError(f"a mixed block only runs, and networks of this family ask it for {name!r}: mix other choices")

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """The weighted sum ``(n, ...)`` of the blocks' outputs."""
        first, *others = (share * block(*inputs) for share, block in zip(self.shares, self.children(), strict=True))
        return sum(others, first)
