"""Which options give the same network: those that put the same block in every slot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nastoolkit.space import SearchSpace
from nastoolkit.twins import Twins, spread

Genes = tuple[int, ...]
SlotTable = tuple[Genes, np.ndarray]  # a slot's genes, and a number for the spec that each combination of their options gives
Alike = tuple[Genes, np.ndarray]  # for options of these genes whether two options of another one are alike: (..., n, n)


def find_twins(space: SearchSpace, slots: Sequence[SlotTable]) -> Iterator[Twins]:
    """The twins of every choice that has some. Options that are twins only for some options of later choices stay separate."""
    for gene, choice in enumerate(space.choices):
        given, alike = _alike_everywhere(space, gene, [slot for slot in slots if gene in slot[0]])
        later = tuple(axis for axis, other in enumerate(given) if other > gene)
        given, alike = _simplified(tuple(other for other in given if other < gene), np.all(alike, axis=later))
        if (alike != np.eye(len(choice.options), dtype=bool)).any():
            yield Twins(choice.name, tuple(space.names[other] for other in given), alike.argmax(-1))


def _alike_everywhere(space: SearchSpace, gene: int, slots: Sequence[SlotTable]) -> Alike:
    """Which options of a gene are alike in all of these slots."""
    unlike = np.eye(len(space.choices[gene].options), dtype=bool)
    found: Alike = (), np.ones_like(unlike)
    for slot in slots:
        if (found[1] != unlike).any():
            found = _both(found, _alike_in(space, gene, *slot))
    return found


def _alike_in(space: SearchSpace, gene: int, genes: Genes, specs: np.ndarray) -> Alike:
    """Which options of a gene are alike in one slot, where the gene is alive."""
    specs = specs.transpose(np.argsort(genes))
    genes, condition = tuple(sorted(genes)), space.choices[gene].when
    if condition is not None and (parent := space.names.index(condition[0])) in genes:
        wakes = np.array([option in condition[1] for option in space.choices[parent].options])
        specs = specs.take(np.where(wakes, np.arange(len(wakes)), wakes.argmax()), genes.index(parent))
    specs = np.moveaxis(specs, genes.index(gene), -1)
    return _simplified(tuple(other for other in genes if other != gene), specs[..., :, None] == specs[..., None, :])


def _both(one: Alike, other: Alike) -> Alike:
    genes = tuple(sorted({*one[0], *other[0]}))
    return _simplified(genes, spread(one[1], one[0], genes) & spread(other[1], other[0], genes))


def _simplified(genes: Genes, alike: np.ndarray) -> Alike:
    """The table without genes that change nothing."""
    for axis in reversed(range(len(genes))):
        first = alike.take([0], axis)
        if (alike == first).all():
            genes, alike = genes[:axis] + genes[axis + 1 :], first.squeeze(axis)
    return genes, alike
