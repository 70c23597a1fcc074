"""A part of a family's networks as a family of its own."""

from __future__ import annotations

import numpy as np

from nastoolkit.blocks import BlockSpec
from nastoolkit.families.base import Family
from nastoolkit.space import SearchSpace


class Part(Family):
    """Some consecutive slots of a family of chains, with the choices that they depend on.

    Its supernet has the weights of these slots, by the same names as in a supernet of the whole family. A genotype of the
    whole family without the other genes is one of the part.

    Args:
        family: Family whose networks are chains of blocks.
        first: Number of the first slot.
        last: Number of the last slot.

    Raises:
        ValueError: The networks are no chains, or there are no such slots.
    """

    def __init__(self, family: Family, first: int, last: int) -> None:
        if type(family).assemble is not Family.assemble:
            raise ValueError(f"networks of {family.name!r} are no chains of blocks, which could be cut")
        if not 0 <= first <= last < len(family.slots):
            raise ValueError(f"{family.name!r} has {len(family.slots)} slots, got {first} to {last}")
        slots = family.slots[first : last + 1]
        wanted = {name for slot in slots for name in slot.choices}
        self.origin, self.genes = family, [name in wanted for name in family.space.names]
        self.next_slot = family.slots[last + 1] if last + 1 < len(family.slots) else None
        space = SearchSpace(choice for choice in family.space.choices if choice.name in wanted)
        super().__init__(f"{family.name}, {slots[0].name} to {slots[-1].name}", space, slots)

    @property
    def largest(self) -> np.ndarray:
        """See :class:`Family`; the genes of the whole family's largest network."""
        return self.origin.largest[self.genes]

    @property
    def output_shape(self) -> tuple[int, ...] | None:
        """Shape of one output, without the batch: what the next slot takes; None if there is none."""
        if self.next_slot is None:
            return None
        specs = dict[str, BlockSpec](self.origin.plan(self.origin.space.smallest))
        return specs[self.next_slot.name].input_shape
