"""Genomes: points that a search mates or samples; it asks for sub-networks by their genotypes.

A gene of a genome is a position among the options that a space allows, 0 for the first one. It is a real number, which is
rounded once, when the sub-network is made. A genome has values for all genes, even those that its sub-network does not have:
they are inherited silently, so a block that comes back is one that was good before, not always the one with the first options.
On our copy of the problem of [Ito2023], NSGA-II reaches a larger hypervolume with genomes.

[Ito2023] R. C. Ito and F. J. Von Zuben, "OFA^2: A Multi-Objective Perspective for the Once-for-All Neural Architecture
Search", IJCNN 2023, arXiv 2303.13683: its code keeps the genes of absent blocks.
"""

from __future__ import annotations

import numpy as np

from nastoolkit.space import SearchSpace, genotype_keys


class Genomes:
    """Goes from genomes to genotypes and back: it remembers the genomes of the sub-networks that a search asks for.

    Args:
        space: Space of the genes.

    Attributes:
        n_places: Number of allowed options of every gene ``(d,)``.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.n_places = np.array([len(allowed) for allowed in space.allowed])
        self._space = space
        self._options = np.array([np.resize(allowed, self.n_places.max()) for allowed in space.allowed])
        n_options = max(len(choice.options) for choice in space.choices)
        self._places = np.array([np.searchsorted(allowed, np.arange(n_options)) for allowed in space.allowed])
        self._born: dict[bytes, np.ndarray] = {}

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Random genomes ``(n, d)``; all allowed options of a gene are equally likely."""
        return rng.integers(0, self.n_places, (n, len(self.n_places))).astype(float)

    def round(self, genomes: np.ndarray) -> np.ndarray:
        """The whole positions ``(n, d)`` nearest to genomes."""
        return np.clip(np.rint(genomes), 0, self.n_places - 1)

    def genotypes(self, genomes: np.ndarray) -> np.ndarray:
        """The canonical genotypes ``(n, d)`` that genomes are rounded to."""
        places = self.round(genomes).astype(np.int64)
        return self._space.repair(self._options[np.arange(len(self.n_places)), places])

    def ask_for(self, genomes: np.ndarray) -> np.ndarray:
        """The canonical genotypes ``(n, d)`` of genomes, which are remembered until :meth:`of` is asked for them."""
        genotypes = self.genotypes(genomes)
        self._born.update(zip(genotype_keys(genotypes), genomes, strict=True))
        return genotypes

    def of(self, genotypes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The genomes ``(n, d)`` of canonical genotypes; if none is remembered, dead genes are drawn at random."""
        places = self._places[np.arange(len(self.n_places)), genotypes]
        genomes = np.where(self._space.alive(genotypes), places, self.draw(len(genotypes), rng))
        return np.array([self._born.pop(key, row) for key, row in zip(genotype_keys(genotypes), genomes, strict=True)])
