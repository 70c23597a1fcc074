"""Sharing rules: the weights of a sub-network's block as a function of the supernet's shared weights.

A rule returns only the shared weights of a block that it changes, so that rules can be chained: :func:`chain` makes one of
several. Weights that are larger than the block in the end are sliced, as by :class:`Slice`.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020, Section 3.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import BlockSpec
from nastoolkit.families import Family
from nastoolkit.families.bits import FLOAT, SYMMETRIC, bits_of
from nastoolkit.families.fake_quantisation import layers_of, quantised_weight
from nastoolkit.supernets.experts import ExpertMixture
from nastoolkit.supernets.masks import Masked
from nastoolkit.supernets.slices import Weights, crop, shapes_of


class SharingRule(Protocol):
    """How the block of one genotype gets its weights.

    A rule that has to know the family has a method ``made_for``: it returns the rule for a family's supernet.
    """

    @property
    def settings(self) -> Mapping[str, Any]:
        """Keyword arguments, of JSON types, that make the same rule again: they are saved, and part of every identity."""

    def prepare(self, block: nn.Module) -> None:
        """Add the rule's own weights, if it has any, to a block of shared weights."""

    def __call__(self, shared: Weights, spec: BlockSpec, name: str, genotype: np.ndarray) -> Weights:
        """Weights and buffers of one block that differ from the shared ones; all others stay as they are.

        Args:
            shared: The supernet's tensors of this block, by their names inside the block, as changed by earlier rules.
            spec: The sub-network's block; :func:`shapes_of` says what tensors it has.
            name: The block's name in the network.
            genotype: Genotype ``(d,)``, for rules that route or mix by it.
        """


class Slice:
    """The leading channels and the centres of kernels: the rule of slimmable networks."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """It has none."""
        return {}

    def prepare(self, block: nn.Module) -> None:
        """Slicing has no weights of its own."""

    def __call__(self, shared: Weights, spec: BlockSpec, name: str, genotype: np.ndarray) -> Weights:
        """Views of the shared tensors; gradients flow to exactly these entries."""
        larger = {key: shape for key, shape in shapes_of(spec).items() if key in shared and shared[key].shape != shape}
        return {key: crop(shared[key], shape) for key, shape in larger.items()}


class KernelTransform:
    """Once-for-All's rule: a smaller kernel is the centre of the next larger one, multiplied by a matrix.

    The matrices (``7to5_matrix`` of 25 x 25 and ``5to3_matrix`` of 9 x 9, one pair a depthwise convolution; for kernels over
    time, of all convolutions, ``5to3_matrix`` of 3 x 3 and ``3to1_matrix``) are shared by all channels and start as the
    identity, which is plain cropping. Everything else is sliced, also kernels of full convolutions over images:
    ``chain(KernelTransform(), Slice())``.
    """

    @property
    def settings(self) -> Mapping[str, Any]:
        """It has none."""
        return {}

    def prepare(self, block: nn.Module) -> None:
        """Add the matrices of every depthwise convolution, and of every convolution over time."""
        for module in block.modules():
            if isinstance(module, nn.Conv2d):
                height, width = module.kernel_size
                least = 1 if height == 1 < width else 3 if module.groups > 1 else width
                for size in range(width, least, -2):
                    n = (size - 2) * min(height, size - 2)
                    module.register_parameter(_matrix(size), nn.Parameter(torch.eye(n)))

    def __call__(self, shared: Weights, spec: BlockSpec, name: str, genotype: np.ndarray) -> Weights:
        """The computed kernels of convolutions that shrink, only for their first channels."""
        kernels = {key: shape for key, shape in shapes_of(spec).items() if len(shape) == 4}
        smaller = {key: shape for key, shape in kernels.items() if shared[key].shape[-1] != shape[-1]}
        with_matrix = {key for key in smaller if key.removesuffix("weight") + _matrix(shared[key].shape[-1]) in shared}
        return {key: self._resized(shared, key, shape) for key, shape in smaller.items() if key in with_matrix}

    @staticmethod
    def _resized(shared: Weights, name: str, shape: torch.Size) -> torch.Tensor:
        weight, layer = shared[name], name.removesuffix("weight")
        weight = crop(weight, torch.Size([*shape[:2], *weight.shape[2:]]))
        for size in range(weight.shape[-1], shape[-1], -2):
            centre = crop(weight, torch.Size([*shape[:2], min(weight.shape[2], size - 2), size - 2]))
            weight = (centre.flatten(2) @ shared[layer + _matrix(size)].T).view(centre.shape)
        return weight


class FakeQuantise:
    """Rounds weights of convolutions and linear layers to the few values that their block's bits allow.

    Every output channel has its own values, up to its largest weight; gradients pass straight through. Blocks without bits are
    left as they are. It must come last: ``chain(KernelTransform(), Slice(), FakeQuantise())``.

    Args:
        symmetric: Whether there are as many values below 0 as above it; otherwise they reach from the least to the greatest
            weight. Blocks with a scheme of their own use that.
    """

    def __init__(self, symmetric: bool = True) -> None:
        self.symmetric = symmetric

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its argument."""
        return {"symmetric": self.symmetric}

    def prepare(self, block: nn.Module) -> None:
        """It has no weights of its own."""

    def __call__(self, shared: Weights, spec: BlockSpec, name: str, genotype: np.ndarray) -> Weights:
        """The rounded weights of all layers."""
        _, bits, _ = bits_of(spec)
        weights = {key: shape for key, shape in shapes_of(spec).items() if bits < FLOAT and key in _layer_weights(spec)}
        scheme = getattr(spec, "scheme", None)
        symmetric = scheme == SYMMETRIC if scheme else self.symmetric
        return {key: quantised_weight(crop(shared[key], shape), bits, symmetric) for key, shape in weights.items()}


class Chain:
    """Rules one after the other; see :func:`chain`."""

    def __init__(self, *rules: SharingRule) -> None:
        self.rules = rules

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings of its rules, by the rules' names."""
        return {_name(rule): dict(rule.settings) for rule in self.rules if rule.settings}

    def made_for(self, family: Family) -> Chain:
        """See :class:`SharingRule`."""
        return Chain(*(_made_for(family, rule) for rule in self.rules))

    def prepare(self, block: nn.Module) -> None:
        """See :class:`SharingRule`."""
        for rule in self.rules:
            rule.prepare(block)

    def __call__(self, shared: Weights, spec: BlockSpec, name: str, genotype: np.ndarray) -> Weights:
        """See :class:`SharingRule`; each rule sees what the rules before it have changed."""
        changed: dict[str, torch.Tensor] = {}
        for rule in self.rules:
            changed.update(rule({**shared, **changed}, spec, name, genotype))
        return changed


def chain(*rules: SharingRule) -> SharingRule:
    """One rule that applies several in this order, such as ``chain(KernelTransform(), Slice())``, which is Once-for-All's.

    Raises:
        ValueError: There are no rules, or two have the same name.
    """
    parts = [part for rule in rules for part in (rule.rules if isinstance(rule, Chain) else (rule,))]
    names = [_name(rule) for rule in parts]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"rules of a chain must have different names, got {names}")
    return Chain(*parts)


def _matrix(size: int) -> str:
    return f"{size}to{size - 2}_matrix"


@cache
def _layer_weights(spec: BlockSpec) -> frozenset[str]:
    """Names, inside a block, of the weights of its convolutions and linear layers."""
    with torch.device("meta"):
        return frozenset(f"{name}.weight".lstrip(".") for name in layers_of(spec.build()))


SHARING_RULES: dict[str, type[SharingRule]] = {
    "slice": Slice,
    "kernel-transform": KernelTransform,
    "fake-quantise": FakeQuantise,
    "expert-mixture": ExpertMixture,
    "masked": Masked,
}


def rule_identity(rule: SharingRule) -> dict[str, Any]:
    """A rule's name (its key in ``SHARING_RULES`` if it has one), and its settings if it has any."""
    settings = {"sharing_settings": dict(rule.settings)} if rule.settings else {}
    return {"sharing": _name(rule), **settings}


def _name(rule: SharingRule) -> str:
    if isinstance(rule, Chain):
        return "+".join(map(_name, rule.rules))
    names = {known: name for name, known in SHARING_RULES.items()}
    return names.get(type(rule), type(rule).__qualname__)


def rule_for(family: Family, sharing: SharingRule | None) -> SharingRule:
    """The rule of a family's supernet; by default it slices, and also rounds if blocks have bits.

    Raises:
        ValueError: Blocks have bits but the rule rounds nothing, or the rule does not suit the family.
    """
    if sharing is None:
        return chain(Slice(), FakeQuantise()) if family.bits else Slice()
    rules = sharing.rules if isinstance(sharing, Chain) else (sharing,)
    if family.bits and not any(isinstance(rule, FakeQuantise) for rule in rules):
        raise ValueError(f"blocks have bits, and rule {_name(sharing)!r} rounds no weights: chain it with FakeQuantise()")
    return _made_for(family, sharing)


def _made_for(family: Family, rule: SharingRule) -> SharingRule:
    return rule.made_for(family) if hasattr(rule, "made_for") else rule


def make_rule(name: str, settings: Mapping[str, Any] | None = None) -> SharingRule:
    """A rule of ``SHARING_RULES``, or a chain of several, made from what :func:`rule_identity` returned.

    Raises:
        KeyError: A rule is unknown.
        TypeError, ValueError: A rule cannot take its settings.
    """
    settings, (first, *others) = dict(settings or {}), name.split("+")
    if not others:
        return SHARING_RULES[first](**settings)
    if unknown := settings.keys() - {first, *others}:
        raise ValueError(f"the chain has no rules {sorted(unknown)}")
    return chain(*(SHARING_RULES[part](**settings.get(part, {})) for part in (first, *others)))
