"""Bits as a part of block specs: what blocks with few bits cost, and the choices of a space that has them.

[VanBaalen2020] M. van Baalen et al., "Bayesian Bits: Unifying Quantization and Pruning", NeurIPS 2020: bit operations (BOPs).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


@dataclass(frozen=True)
class Quantised:
    """A block whose convolutions and linear layers have weights and inputs of few bits; all else stays as it is.

    The built block rounds the inputs. Its weights are rounded by a sharing rule.
    """

    block: BlockSpec
    weight_bits: int
    activation_bits: int

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
        """Those of the block."""
        return getattr(self.block, "hidden_channels", ())

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        block = self.block.build()
        return block if self.activation_bits == FLOAT else quantise_inputs(block, self.activation_bits)


def bits_of(spec: BlockSpec) -> tuple[BlockSpec, int, int]:
    """A spec without its bits, and the bits of its weights and of its activations."""
    return (spec.block, spec.weight_bits, spec.activation_bits) if isinstance(spec, Quantised) else (spec, FLOAT, FLOAT)


def stored_bits(spec: BlockSpec) -> int:
    """What a block's parameters and buffers take in a file, and the steps of grids with them.

    Below 32 bits every output channel of a layer has a step of 32 bits, and a layer's inputs have a step and an offset.
    """
    block, weight_bits, activation_bits = bits_of(spec)
    as_floats, n_layers, n_channels, n_weights = _stored(block)
    steps = n_channels * (weight_bits < FLOAT) + 2 * n_layers * (activation_bits < FLOAT)
    return as_floats - (FLOAT - weight_bits) * n_weights + FLOAT * steps


@cache
def _stored(block: BlockSpec) -> tuple[int, int, int, int]:
    """Bits of all that a block of floats stores; its layers, their output channels and their weights."""
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


def checked(bits: Iterable[int]) -> tuple[int, ...]:
    """Options of a choice of bits, in ascending order.

    Raises:
        ValueError: There are none, or others than whole numbers from 2 to 32.
    """
    options = tuple(bits)
    if not options or not all(isinstance(one, Integral) and 2 <= one <= FLOAT for one in options):
        raise ValueError(f"bits are whole numbers from 2 to {FLOAT}, got {options}")
    return tuple(sorted({int(one) for one in options}))


def with_bits(space: SearchSpace, slots: Sequence[Slot], bits: tuple[int, ...]) -> tuple[SearchSpace, tuple[Slot, ...]]:
    """A space and slots, with choices of bits for every slot that may hold layers, which come after all others."""
    known = {choice.name: choice for choice in space.choices}
    found = [_slot_with_bits(slot, [known[name] for name in slot.choices], bits) for slot in slots]
    added = [choice for _, choices in found for choice in choices]
    return SearchSpace([*space.choices, *added], space.counts_twins), tuple(slot for slot, _ in found)


def _slot_with_bits(slot: Slot, choices: Sequence[Choice], bits: tuple[int, ...]) -> tuple[Slot, list[Choice]]:
    """A slot that also depends on choices of bits, and these; the slot as it is if it never holds layers."""
    options = [choice.options for choice in choices]
    has_layers = np.array([_has_layers(slot.spec(*way)) for way in product(*options)]).reshape([*map(len, options)])
    if not has_layers.any():
        return slot, []
    names, when = (f"{slot.name}.weight_bits", f"{slot.name}.activation_bits"), _condition(choices, has_layers)
    changed = Slot(slot.name, (*slot.choices, *names), partial(_quantised, slot))
    return changed, [Choice(name, bits, when, kind="bits") for name in names]


def _has_layers(spec: BlockSpec | None) -> bool:
    return spec is not None and layer_macs(spec) > 0


def _condition(choices: Sequence[Choice], has_layers: np.ndarray) -> tuple[str, tuple[Any, ...]] | None:
    """The first choice some of whose options leave no layers, with its other options."""
    for axis, choice in enumerate(choices):
        wakes = has_layers.any(axis=tuple(other for other in range(len(choices)) if other != axis))
        if not wakes.all():
            return choice.name, tuple(choice.options[index] for index in np.flatnonzero(wakes))
    return None


def _quantised(slot: Slot, *options: Any) -> BlockSpec | None:
    """The slot's block with the bits that are the last two options, unless it has no layers or all are floats."""
    *own, weight_bits, activation_bits = options
    spec = slot.spec(*own)
    if spec is None or not _has_layers(spec) or weight_bits == activation_bits == FLOAT:
        return spec
    return Quantised(spec, weight_bits, activation_bits)
