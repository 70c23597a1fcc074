"""Options that give the same sub-network, such as widths that round to the same channels; and exact counts without them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

Tables = dict[int, tuple[list[int], np.ndarray]]  # for a gene the genes that its twins depend on, and the first of its twins
Factor = tuple[tuple[int, ...], np.ndarray]  # genes in ascending order, and a number for every joint state of them


@dataclass(frozen=True, eq=False)
class Twins:
    """The options of a choice that give the same sub-network, if that depends on no choices other than ``given``.

    Attributes:
        choice: Name of the choice.
        given: Names of earlier choices, in the order of the space.
        first: First twin of every option, which may be itself: indices ``(options of each given choice ..., n)``.
    """

    choice: str
    given: tuple[str, ...]
    first: np.ndarray

    def within(self, allowed: np.ndarray, nearest: np.ndarray) -> np.ndarray:
        """As ``first``, for a restricted space: an option without an allowed twin gives way to the nearest allowed option.

        Args:
            allowed: Indices of the options that are left.
            nearest: The allowed index ``(n,)`` that is nearest to each option's.
        """
        has_twin = (self.first[..., :, None] == self.first[..., None, allowed]).any(-1)
        return np.where(has_twin, self.first, self.first[..., nearest])


def spread(values: np.ndarray, genes: Collection[int], over: Iterable[int]) -> np.ndarray:
    """An array whose first axes are for some genes, with axes of length 1 for the others of ``over``, all ascending."""
    return values[tuple(slice(None) if gene in genes else None for gene in over)]


def factor(
    gene: int,
    given: list[int],
    first: np.ndarray,
    condition: tuple[int, np.ndarray] | None,
    allowed: np.ndarray,
    n_options: np.ndarray,
) -> Factor:
    """1 where a gene's state fits those of the genes that it depends on, else 0; states are a gene's options, then being dead.

    Args:
        gene: Its number.
        given: Genes that its twins depend on.
        first: See :class:`Twins`.
        condition: The gene that must be alive with one of some options, and bools that tell which ``(n,)``.
        allowed: Indices of the options that may be used.
        n_options: Number of options of every gene of the space.
    """
    for axis, other in enumerate(given):
        first = first.take([*range(n_options[other]), 0], axis)
    is_first = np.zeros(first.shape, dtype=bool)
    np.put_along_axis(is_first, first[..., allowed], True, -1)
    parents, awake = ([], np.array(True)) if condition is None else ([condition[0]], np.append(condition[1], False))
    genes = sorted({*given, *parents})
    awake = spread(awake, parents, genes)[..., None]
    alive = spread(is_first, given, genes) & awake
    states = np.concatenate([alive, np.broadcast_to(~awake, (*alive.shape[:-1], 1))], axis=-1)
    return (*genes, gene), states.astype(int).astype(object)


def count(factors: Sequence[Factor]) -> int:
    """The exact sum of a product of factors over all states of all genes; factor i is that of gene i and of earlier ones."""
    for gene in reversed(range(len(factors))):
        touching = [factor for factor in factors if gene in factor[0]]
        factors = [*(factor for factor in factors if gene not in factor[0]), _sum_over(gene, touching)]
    return prod(int(values) for _, values in factors)


def _sum_over(gene: int, factors: Sequence[Factor]) -> Factor:
    over = sorted({g for genes, _ in factors for g in genes})
    product = prod((spread(values, genes, over) for genes, values in factors), start=np.array(1, dtype=object))
    return tuple(g for g in over if g != gene), np.sum(product, axis=over.index(gene))
