"""Bits as a part of block specs: what blocks with few bits cost, and the choices of a space with bits.

[VanBaalen2020] M. van Baalen et al., "Bayesian Bits: Unifying Quantization and Pruning", NeurIPS 2020: bit operations (BOPs).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import BlockSpec, HiddenChannels
from nastoolkit.families.fake_quantisation import layers_of, quantise_inputs
from nastoolkit.families.places import Slot
from nastoolkit.space import Choice, SearchSpace

FLOAT = 32  # bits of what is not quantised
SYMMETRIC, ASYMMETRIC = "symmetric", "asymmetric"
SCHEMES = (SYMMETRIC, ASYMMETRIC)


@dataclass(frozen=True)
class Quantised:
    """A block whose convolutions and linear layers have weights and inputs of few bits; everything else stays as it is.

    The built block rounds its inputs. A sharing rule rounds its weights: ``scheme`` says whether to as many values below 0 as
    above it, or to values from the least to the greatest weight; by default, the rule decides for all blocks.
    """

    block: BlockSpec
    weight_bits: int
    activation_bits: int
    scheme: str | None = None

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.block.params

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.block.macs

    @property
    def input_shape(self) -> tuple[int, ...]:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.block.input_shape

    @property
    def hidden_channels(self) -> tuple[HiddenChannels, ...]:
        """The hidden channels of the block."""
        return getattr(self.block, "hidden_channels", ())

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        block = self.block.build()
        return block if self.activation_bits == FLOAT else quantise_inputs(block, self.activation_bits)


@dataclass(frozen=True)
class BitChoices:
    """What the blocks of a quantised family choose from.

    Attributes:
        bits: Options for the bits of weights and of activations; 32 stands for plain floats.
        schemes: Options for how weights are rounded, from ``SCHEMES``; if empty, the sharing rule decides.
        tied: Whether one choice gives the bits of both weights and activations of a block.

    Raises:
        ValueError: There are no bits, bits are not whole numbers from 2 to 32, or a scheme is unknown.
    """

    bits: tuple[int, ...]
    schemes: tuple[str, ...] = ()
    tied: bool = False

    def __post_init__(self) -> None:
        if not self.bits or not all(isinstance(one, Integral) and 2 <= one <= FLOAT for one in self.bits):
            raise ValueError(f"bits must be whole numbers between 2 and {FLOAT}, got {self.bits}")
        if unknown := [scheme for scheme in self.schemes if scheme not in SCHEMES]:
            raise ValueError(f"unknown schemes of rounding {unknown}; known: {', '.join(SCHEMES)}")
        object.__setattr__(self, "bits", tuple(sorted({int(one) for one in self.bits})))
        object.__setattr__(self, "schemes", tuple(dict.fromkeys(self.schemes)))

    def of_block(self, name: str, when: tuple[str, tuple[Any, ...]] | None) -> list[Choice]:
        """The choices of one block, by its name; how weights are rounded matters only if they are rounded."""
        parts = ("bits",) if self.tied else ("weight_bits", "activation_bits")
        found = [Choice(f"{name}.{part}", self.bits, when, kind="bits") for part in parts]
        if self.schemes:
            few = found[0].name, tuple(bits for bits in self.bits if bits < FLOAT)
            found.append(Choice(f"{name}.weight_scheme", self.schemes, few, ordered=True, kind="scheme"))
        return found

    def quantised(self, spec: BlockSpec, options: Sequence[Any]) -> BlockSpec:
        """A block with these options, unless all its numbers are floats."""
        bits, scheme = (options[:-1], options[-1]) if self.schemes else (options, None)
        weights, activations = bits[0], bits[-1]
        if weights == activations == FLOAT:
            return spec
        return Quantised(spec, weights, activations, scheme if weights < FLOAT else None)


def bits_of(spec: BlockSpec) -> tuple[BlockSpec, int, int]:
    """A spec without its bits, and the bits of its weights and activations."""
    return (spec.block, spec.weight_bits, spec.activation_bits) if isinstance(spec, Quantised) else (spec, FLOAT, FLOAT)


def stored_bits(spec: BlockSpec) -> int:
    """Bits that a block's parameters and buffers need in a file, including the steps of grids.

    Below 32 bits, every output channel of a layer has a step of 32 bits, with an offset of 32 bits if it is asymmetric, and a
    layer's inputs have a step and an offset.
    """
    block, weight_bits, activation_bits = bits_of(spec)
    as_floats, n_layers, n_channels, n_weights = _stored(block)
    of_channel = (weight_bits < FLOAT) * (1 + (getattr(spec, "scheme", None) == ASYMMETRIC))
    steps = n_channels * of_channel + 2 * n_layers * (activation_bits < FLOAT)
    return as_floats - (FLOAT - weight_bits) * n_weights + FLOAT * steps


@cache
def _stored(block: BlockSpec) -> tuple[int, int, int, int]:
    """Bits that a block of floats stores; the numbers of its layers, of their output channels and of their weights."""
    with torch.device("meta"):
        built = block.build()
    weights = [layer.weight for layer in layers_of(built).values()]
    n_bits = 8 * sum(tensor.nbytes for tensor in built.state_dict().values())
    return n_bits, len(weights), sum(map(len, weights)), sum(weight.numel() for weight in weights)


def bit_operations(spec: BlockSpec) -> int:
    """MACs times the bits of both factors; products outside convolutions and linear layers are those of floats."""
    block, weight_bits, activation_bits = bits_of(spec)
    return layer_macs(block) * weight_bits * activation_bits + (block.macs - layer_macs(block)) * FLOAT**2


def layer_macs(spec: BlockSpec) -> int:
    """MACs of a block's convolutions and linear layers: all, unless the spec counts others in ``macs_outside_layers``."""
    return spec.macs - getattr(spec, "macs_outside_layers", 0)


def with_bits(space: SearchSpace, slots: Sequence[Slot], bits: BitChoices) -> tuple[SearchSpace, tuple[Slot, ...]]:
    """A space and slots with choices of bits for every slot that may hold layers; these come after all other choices."""
    known = {choice.name: choice for choice in space.choices}
    found = [_slot_with_bits(slot, [known[name] for name in slot.choices], bits) for slot in slots]
    added = [choice for _, choices in found for choice in choices]
    return SearchSpace([*space.choices, *added], space.counts_twins), tuple(slot for slot, _ in found)


def _slot_with_bits(slot: Slot, choices: Sequence[Choice], bits: BitChoices) -> tuple[Slot, list[Choice]]:
    """A slot that also depends on choices of bits, and these choices; the slot as it is if it never holds layers."""
    options = [choice.options for choice in choices]
    has_layers = np.array([_has_layers(slot.spec(*way)) for way in product(*options)]).reshape([*map(len, options)])
    if not has_layers.any():
        return slot, []
    added = bits.of_block(slot.name, _condition(choices, has_layers))
    names = (*slot.choices, *(choice.name for choice in added))
    return Slot(slot.name, names, partial(_quantised, slot, bits)), added


def _has_layers(spec: BlockSpec | None) -> bool:
    return spec is not None and layer_macs(spec) > 0


def _condition(choices: Sequence[Choice], has_layers: np.ndarray) -> tuple[str, tuple[Any, ...]] | None:
    """The first choice that has options without layers, with its other options."""
    for axis, choice in enumerate(choices):
        wakes = has_layers.any(axis=tuple(other for other in range(len(choices)) if other != axis))
        if not wakes.all():
            return choice.name, tuple(choice.options[index] for index in np.flatnonzero(wakes))
    return None


def _quantised(slot: Slot, bits: BitChoices, *options: Any) -> BlockSpec | None:
    """The slot's block with the bits given by the last options, unless it has no layers."""
    n_own = len(slot.choices)
    spec = slot.spec(*options[:n_own])
    return bits.quantised(spec, options[n_own:]) if spec is not None and _has_layers(spec) else spec
