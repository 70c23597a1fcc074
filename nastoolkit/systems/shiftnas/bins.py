"""Bins of cost: which sub-networks cost about the same ([Zhang2023], Section 3; see the package)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nastoolkit.families import Family
from nastoolkit.space import SearchSpace

STEEPEST = 6.0  # of the random slopes, in logits from the first option of a choice to the last
N_DRAWN, N_ROUNDS = 2000, 50


@dataclass(frozen=True)
class Bins:
    """Ranges of MACs, side by side.

    Attributes:
        family: Gives the sub-networks.
        edges: MACs in millions where bins begin and end, ascending ``(n_bins + 1,)``.

    Raises:
        ValueError: There is no bin, edges do not ascend, or no sub-network reaches a bin.
    """

    family: Family
    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.edges) < 2 or self.edges[0] <= 0 or any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError(f"bins need at least two edges, all above 0 and in ascending order, got {self.edges}")
        least, most = ends(self.family)
        for number, (low, high) in enumerate(pairwise(self.edges)):
            if high < least or low > most:
                raise ValueError(
                    f"no sub-network reaches bin {number}, from {low:.4g} to {high:.4g} million MACs: "
                    f"those of {self.family.name!r} have {least:.4g} to {most:.4g}"
                )

    def __len__(self) -> int:
        return len(self.edges) - 1

    @property
    def targets(self) -> np.ndarray:
        """The cost that stands for each bin ``(n_bins,)``: the geometric mean of its edges, in millions of MACs."""
        return np.sqrt(np.array(self.edges[:-1]) * np.array(self.edges[1:]))

    def of(self, genotypes: np.ndarray) -> np.ndarray:
        """The bin of each genotype ``(n,)``; what is beyond the outer edges is in the outer bins."""
        return np.clip(np.searchsorted(self.edges, self.family.mmacs(genotypes), side="right") - 1, 0, len(self) - 1)

    def networks(self, n: int, seed: int = 0) -> np.ndarray:
        """Different random sub-networks of each bin ``(n_bins, n, d)``, small and large ones as likely as those in between.

        Raises:
            ValueError: Very many draws found fewer than n in a bin.
        """
        rng, found = np.random.default_rng(seed), np.empty((0, self.family.space.n_genes), dtype=np.int64)
        for _ in range(N_ROUNDS):
            found = np.unique(np.concatenate([found, tilted(self.family.space, N_DRAWN, rng)]), axis=0)
            counts = np.bincount(self.of(found), minlength=len(self))
            if counts.min() >= n:
                places = [
                    rng.choice(np.flatnonzero(self.of(found) == number), n, replace=False) for number in range(len(self))
                ]
                return found[np.stack(places)]
        poorest = int(counts.argmin())
        raise ValueError(
            f"bin {poorest} has fewer than {n} sub-networks: {counts[poorest]} were found in {len(found):,} of all"
        )


def ends(family: Family) -> tuple[float, float]:
    """MACs of the smallest and of the largest sub-network, in millions."""
    least, most = family.mmacs(np.stack([family.space.smallest, family.space.largest])).tolist()
    return least, most


def equal_ratios(family: Family, n: int) -> Bins:
    """Bins from the smallest to the largest sub-network, each wider than the last one by the same factor."""
    return Bins(family, tuple(np.geomspace(*ends(family), n + 1).tolist()))


def tilted(space: SearchSpace, n: int, rng: np.random.Generator) -> np.ndarray:
    """Random genotypes ``(n, d)``, each with a slope of its own by which late options are likelier than early ones."""
    slopes, columns = rng.uniform(-STEEPEST, STEEPEST, (n, 1)), []
    for allowed in space.allowed:
        logits = slopes * np.linspace(0, 1, len(allowed)) + rng.gumbel(size=(n, len(allowed)))
        columns.append(np.array(allowed)[logits.argmax(axis=1)])
    return space.canonical(np.stack(columns, axis=1))
