"""Slots, and where a supernet holds the weights of their blocks: at their names, separately for different operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from nastoolkit.blocks import BlockSpec
from nastoolkit.space import SearchSpace


@dataclass(frozen=True)
class Slot:
    """One place in the network, where a genotype puts a block or nothing.

    Attributes:
        name: The block's dotted name, which is also its module path, e.g. ``stage1.block2``.
        choices: Names of the choices that its spec depends on.
        spec: Takes the options of these choices in this order and returns a block spec, or None if the slot is empty.
    """

    name: str
    choices: tuple[str, ...]
    spec: Callable[..., BlockSpec | None]


class Places:
    """Places of weights; options of a choice without an order, such as operations, have a place each.

    Args:
        space: The choices.
        slots: The network's slots.
    """

    def __init__(self, space: SearchSpace, slots: Sequence[Slot]) -> None:
        self.choices, self.slots = {choice.name: choice for choice in space.choices}, slots
        self.genes = {name: gene for gene, name in enumerate(self.choices)}
        several = [choice.name for choice in space.choices if not choice.ordered and len(choice.options) > 1]
        picked = {slot.name: [name for name in slot.choices if name in several] for slot in slots}
        self.operations = {slot: names for slot, names in picked.items() if names}

    def place(self, name: str, genotype: np.ndarray) -> str:
        """The place of a genotype's block, by the block's name."""
        names = self.operations.get(name, ())
        return ".".join([name, *(str(self.choices[one].options[genotype[self.genes[one]]]) for one in names)])

    def blocks(self) -> Iterator[tuple[str, BlockSpec]]:
        """All places, each with the largest block whose weights are there."""
        for slot in self.slots:
            operations = self.operations.get(slot.name, [])
            options = [self.choices[name].options for name in slot.choices]
            free = [all_ if name in operations else [max(all_)] for name, all_ in zip(slot.choices, options, strict=True)]
            for way in product(*free):
                picked = [str(option) for name, option in zip(slot.choices, way, strict=True) if name in operations]
                if (spec := slot.spec(*way)) is not None:
                    yield ".".join([slot.name, *picked]), spec
