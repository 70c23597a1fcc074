"""All sub-networks of a small space."""

from __future__ import annotations

import numpy as np

from nastoolkit.space import SearchSpace


def members(space: SearchSpace) -> np.ndarray:
    """Every genotype ``(space.size, d)`` of a space, in lexicographic order; for spaces that fit into memory."""
    genotypes = space.repair(np.zeros((1, space.n_genes)))
    for gene, options in enumerate(space.allowed):
        grown = np.repeat(genotypes, len(options), axis=0)
        grown[:, gene] = np.tile(options, len(genotypes))
        genotypes = np.unique(space.repair(grown), axis=0)
    return genotypes
