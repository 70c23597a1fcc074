"""A search space whose genotypes are plans: slots, the block specs that they can have, and sums over these."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from functools import cached_property, partial

import numpy as np
from numpy.typing import ArrayLike

from nastoolkit.blocks import BlockSpec
from nastoolkit.families.places import Places, Slot
from nastoolkit.families.plan import Plan
from nastoolkit.families.spec_tables import SpecTables
from nastoolkit.families.twins import find_twins
from nastoolkit.space import SearchSpace

COMBINATIONS = {"sum": np.add, "max": np.maximum}


class PlannedSpace:
    """Choices, and the blocks that follow from them.

    Each slot depends on few choices, so its possible specs fit into a small table, and costs of whole populations are sums of
    table look-ups.

    Args:
        name: Name of the family.
        space: The choices.
        slots: The network's places, from input to output.
    """

    def __init__(self, name: str, space: SearchSpace, slots: tuple[Slot, ...]) -> None:
        self.name, self.slots, self._choices = name, slots, space
        self._tables = SpecTables(space, slots)

    @cached_property
    def space(self) -> SearchSpace:
        """The choices; genotypes are indices of their options, and canonical genotypes with equal plans are equal."""
        return self._choices.merge(find_twins(self._choices, [*self._tables.numbers()]))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the space and of every block that any genotype can have: equal hashes mean the same networks."""
        digest = hashlib.sha256(self.space.fingerprint.encode())
        for slot, indices, spec in self._tables.within(self.space):
            digest.update(repr((self.slots[slot].name, indices, spec)).encode())
        return digest.hexdigest()[:16]

    def plan(self, genotype: np.ndarray) -> Plan:
        """The named block specs of one genotype ``(d,)``, from input to output."""
        return Plan(self._tables.specs(self._choices.check_one(genotype).tolist()))

    @cached_property
    def _weights(self) -> Places:
        return Places(self._choices, self.slots)

    def place(self, name: str, genotype: np.ndarray) -> str:
        """Where a supernet holds the weights of a genotype's block: at its name, or below it for each operation."""
        return self._weights.place(name, genotype)

    @cached_property
    def shared_blocks(self) -> dict[str, BlockSpec]:
        """The blocks that hold all weights of a supernet, by their places: the largest ones, one for each operation."""
        return dict(self._weights.blocks())

    def tabulate(
        self, cost: Callable[[BlockSpec], ArrayLike], without: Collection[str] = (), combine: str = "sum"
    ) -> Callable[[np.ndarray], np.ndarray]:
        """A cost of blocks as a function of genotypes ``(n, d)`` or ``(d,)``, by one table of block costs per slot.

        Args:
            cost: Called once for every distinct block spec of the space; it may return several costs at once, as an array.
            without: Names of blocks that are left out.
            combine: How a network's cost is computed: as the ``"sum"`` of its blocks' costs, or as the ``"max"`` of them and
                0.

        Raises:
            ValueError: ``combine`` is neither of these.
        """
        if combine not in COMBINATIONS:
            raise ValueError(f"block costs can be combined by {sorted(COMBINATIONS)}, got {combine!r}")
        known = {spec: cost(spec) for spec in self.block_specs}
        tables = [self._tables.costs(number, known) * (slot.name not in without) for number, slot in enumerate(self.slots)]
        return partial(self._combined, tables, COMBINATIONS[combine])

    def _combined(self, tables: Sequence[np.ndarray], combine: Callable[..., np.ndarray], genotypes: np.ndarray) -> np.ndarray:
        return self._tables.combined(tables, combine, self.space.check(genotypes))

    @cached_property
    def block_specs(self) -> tuple[BlockSpec, ...]:
        """Every distinct block spec that some genotype uses, in slot order."""
        return self.specs_within(self.space)

    def specs_within(self, space: SearchSpace) -> tuple[BlockSpec, ...]:
        """Every distinct block spec that some genotype of a restricted space uses, in slot order."""
        specs = dict.fromkeys(spec for _, _, spec in self._tables.within(space))
        return tuple(spec for spec in specs if spec is not None)

    def genotypes_with(
        self, spec: BlockSpec, n: int, rng: np.random.Generator, space: SearchSpace | None = None
    ) -> np.ndarray:
        """Random genotypes ``(n, d)`` of networks that have this block, each time in a random slot that can hold it.

        Args:
            spec: The block.
            n: Number of genotypes.
            rng: Draws them.
            space: Restriction of the family's space to draw from.

        Raises:
            ValueError: No network has the block.
        """
        space = space or self.space
        places = self._tables.spots(spec, space)
        if not places:
            raise ValueError(f"no network of {self.name!r} has the block {spec}")
        genotypes = space.sample(n, rng)
        for genotype, place in zip(genotypes, rng.integers(len(places), size=n), strict=True):
            genes, indices = places[place]
            genotype[genes] = indices
        return self.space.canonical(genotypes)
