"""Where a supernet holds the weights of a family's blocks: at their names, and those of different operations apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from nastoolkit.blocks import BlockSpec
from nastoolkit.space import SearchSpace

if TYPE_CHECKING:
    from nastoolkit.families.base import Slot


class Places:
    """Places of weights; options of a choice without an order, such as operations, have one each.

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
        """All places, with the largest of the blocks whose weights are there."""
        for slot in self.slots:
            operations = self.operations.get(slot.name, [])
            options = [self.choices[name].options for name in slot.choices]
            free = [all_ if name in operations else [max(all_)] for name, all_ in zip(slot.choices, options, strict=True)]
            for way in product(*free):
                picked = [str(option) for name, option in zip(slot.choices, way, strict=True) if name in operations]
                if (spec := slot.spec(*way)) is not None:
                    yield ".".join([slot.name, *picked]), spec
