"""Tables of block specs: each slot depends on few choices, so its possible specs fit into a small table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from nastoolkit.blocks import BlockSpec
from nastoolkit.families.places import Slot
from nastoolkit.families.twins import SlotTable
from nastoolkit.space import SearchSpace

Spots = list[tuple[list[int], tuple[int, ...]]]  # genes, and option indices of theirs that put a spec into some slot


class SpecTables:
    """The specs of every slot, by the option indices of the genes that it depends on; each spec is made once.

    Args:
        space: The choices.
        slots: The network's slots.
    """

    def __init__(self, space: SearchSpace, slots: Sequence[Slot]) -> None:
        self.choices, self.slots = space.choices, slots
        index = {choice: gene for gene, choice in enumerate(space.names)}
        self.genes = [tuple(index[choice] for choice in slot.choices) for slot in slots]
        self._specs: list[dict[tuple[int, ...], BlockSpec | None]] = [{} for _ in slots]
        self._known_spots: dict[object, dict[BlockSpec, Spots]] = {}

    def spec(self, slot: int, indices: tuple[int, ...]) -> BlockSpec | None:
        """The spec in a slot when its choices take these option indices."""
        specs = self._specs[slot]
        if indices not in specs:
            choices = [self.choices[gene] for gene in self.genes[slot]]
            options = [choice.options[index] for choice, index in zip(choices, indices, strict=True)]
            specs[indices] = self.slots[slot].spec(*options)
        return specs[indices]

    def specs(self, genes: Sequence[int]) -> Iterator[tuple[str, BlockSpec]]:
        """The names of a genotype's slots that hold a block, with their specs."""
        for number, (slot, needed) in enumerate(zip(self.slots, self.genes, strict=True)):
            if (spec := self.spec(number, tuple(genes[gene] for gene in needed))) is not None:
                yield slot.name, spec

    def numbers(self) -> Iterator[SlotTable]:
        """The genes of every slot, and a number for the spec of every combination of their option indices."""
        for slot, genes in enumerate(self.genes):
            found: dict[BlockSpec | None, int] = {}
            specs = (self.spec(slot, indices) for indices in np.ndindex(self._shape(slot)))
            yield genes, np.array([found.setdefault(spec, len(found)) for spec in specs]).reshape(self._shape(slot))

    def costs(self, slot: int, known: Mapping[BlockSpec, ArrayLike]) -> np.ndarray:
        """Costs of a slot's specs, one or several for each, by the option indices of its genes."""
        specs = (self.spec(slot, indices) for indices in np.ndindex(self._shape(slot)))
        nothing = np.zeros_like(next(iter(known.values())))
        table = np.array([nothing if spec is None else known[spec] for spec in specs])
        return table.reshape((*self._shape(slot), *nothing.shape))

    def combined(self, tables: Sequence[np.ndarray], combine: Callable[..., np.ndarray], genotypes: np.ndarray) -> np.ndarray:
        """Costs of genotypes ``(n, d)`` or ``(d,)`` from a table for each slot."""
        columns = np.ascontiguousarray(genotypes.T)
        slots = zip(tables, self.genes, strict=True)
        return reduce(combine, (table[tuple(columns[gene] for gene in genes)] for table, genes in slots))

    def _shape(self, slot: int) -> tuple[int, ...]:
        return tuple(len(self.choices[gene].options) for gene in self.genes[slot])

    def within(self, space: SearchSpace) -> Iterator[tuple[int, tuple[int, ...], BlockSpec | None]]:
        """Every slot with every combination of option indices that a restricted space allows, and its spec."""
        for slot, genes in enumerate(self.genes):
            for indices in product(*(space.allowed[gene] for gene in genes)):
                yield slot, indices, self.spec(slot, indices)

    def spots(self, spec: BlockSpec, space: SearchSpace) -> Spots:
        """The genes and option indices that put a block spec somewhere, found once for each restriction."""
        if space.allowed not in self._known_spots:
            found: dict[BlockSpec, Spots] = {}
            for slot, indices, block in self.within(space):
                if block is not None:
                    found.setdefault(block, []).append((list(self.genes[slot]), indices))
            self._known_spots[space.allowed] = found
        return self._known_spots[space.allowed].get(spec, [])
