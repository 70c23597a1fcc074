"""Random sub-networks that a search has not met yet."""

from __future__ import annotations

from collections.abc import Set
from functools import lru_cache

import numpy as np

from nastoolkit.space import SearchSpace, genotype_keys

N_DRAWS = 10  # in a space of which half is seen, 10 draws of 2 n find n new ones almost surely
MOST_KEPT = 100_000  # sub-networks of a space whose list is kept


def sample_new(space: SearchSpace, n: int, rng: np.random.Generator, seen: Set[bytes]) -> np.ndarray:
    """Draw distinct genotypes that are not in ``seen``, as :meth:`SearchSpace.sample` does.

    If most draws are known already, the space is listed instead, so that every last sub-network can be found.

    Args:
        space: Space to draw from.
        n: Number of genotypes to draw.
        rng: The source of randomness.
        seen: Keys (:func:`nastoolkit.space.genotype_keys`) of genotypes to leave out.

    Returns:
        ``(n, d)`` canonical genotypes; fewer rows only when the space holds no more.
    """
    found: dict[bytes, np.ndarray] = {}
    for _ in range(N_DRAWS):
        if len(found) >= n:
            break
        _add_new(found, n, space.sample(2 * n, rng), seen)
    else:
        small = space.size <= MOST_KEPT
        _add_new(found, n, rng.permutation(_all(space)) if small else _list(space, len(seen) + n, rng), seen)
    return np.array(list(found.values()), dtype=np.int64).reshape(-1, space.n_genes)


def new_ones(genotypes: np.ndarray, seen: Set[bytes]) -> np.ndarray:
    """Genotypes of ``(n, d)`` that are not in ``seen``, each only once, in their order."""
    return genotypes[rows_of_new(genotypes, seen)]


def rows_of_new(genotypes: np.ndarray, seen: Set[bytes]) -> np.ndarray:
    """Rows ``(k,)`` of the genotypes ``(n, d)`` that are not in ``seen``, the first row of each, in their order."""
    rows: dict[bytes, int] = {}
    for row, key in enumerate(genotype_keys(genotypes)):
        if key not in seen:
            rows.setdefault(key, row)
    return np.array(list(rows.values()), dtype=np.int64)


def _add_new(found: dict[bytes, np.ndarray], n: int, genotypes: np.ndarray, seen: Set[bytes]) -> None:
    """Add genotypes ``(m, d)`` that are not in ``seen``, until n are found."""
    for key, genotype in zip(genotype_keys(genotypes), genotypes, strict=True):
        if len(found) >= n:
            break
        if key not in seen:
            found.setdefault(key, genotype)


@lru_cache(maxsize=2)
def _all(space: SearchSpace) -> np.ndarray:
    return _list(space, space.size, np.random.default_rng(0))


def _list(space: SearchSpace, limit: int, rng: np.random.Generator) -> np.ndarray:
    """List a space gene by gene: ``limit`` distinct genotypes in random order, all of them if the space has no more."""
    genotypes = space.repair(np.zeros((1, space.n_genes)))
    for gene, choice in enumerate(space.choices):
        n_options = len(choice.options)
        grown = np.repeat(genotypes, n_options, axis=0)
        grown[:, gene] = np.tile(np.arange(n_options), len(genotypes))
        genotypes = rng.permutation(np.unique(space.repair(grown), axis=0))[:limit]
    return genotypes
