"""Families with a single network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import nn

from nastoolkit.blocks import BlockSpec
from nastoolkit.families.base import Family, Slot
from nastoolkit.space import SearchSpace


class OneNetwork(Family):
    """The network of one genotype as a family without choices: its supernet has only that network's weights.

    Args:
        family: Family of the genotype.
        genotype: ``(d,)``.
    """

    def __init__(self, family: Family, genotype: np.ndarray) -> None:
        self.origin = family
        self.any_length, self.uncounted, self.table = family.any_length, family.uncounted, family.table
        self.bit_choices = family.bit_choices
        super().__init__(family.name, SearchSpace([]), tuple(_fixed(name, spec) for name, spec in family.plan(genotype)))

    def assemble(self, blocks: Mapping[str, nn.Module]) -> nn.Module:
        """See :class:`nastoolkit.families.base.Family`; the same as in the genotype's own family."""
        return self.origin.assemble(blocks)


def _fixed(name: str, spec: BlockSpec) -> Slot:
    return Slot(name, (), lambda: spec)
