"""The canonical form of genotypes: genes that do not matter are 0, and of options that are the same the first one is taken."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from nastoolkit.choices import Conditions, in_turns
from nastoolkit.twins import Tables, Twins, count, factor


class CanonicalForm:
    """Which genes matter in a genotype, which options are the same, and which of them are allowed.

    Args:
        n_options: Number of options of each gene.
        conditions: Genes that matter only with some options of an earlier gene.

    Attributes:
        n_options: As above, ``(d,)``.
        conditions: As above.
        allowed: Indices of the allowed options, for every gene.
    """

    def __init__(self, n_options: Sequence[int], conditions: Conditions) -> None:
        self.n_options = np.array(n_options, dtype=np.int64)
        self.conditions = conditions
        self._turns = in_turns(conditions, int(self.n_options.max(initial=1)))
        self._twins: dict[int, tuple[list[int], Twins]] = {}  # gene to the genes that its twins depend on
        self._allow([np.arange(n) for n in self.n_options])

    def _allow(self, allowed: Sequence[np.ndarray]) -> None:
        """Set the options that sampling and repair may use, and tables that turn both into one look-up."""
        self.allowed = list(allowed)
        self._n_allowed = np.array([len(options) for options in allowed])
        width = int(self.n_options.max(initial=1))
        self._nth = np.array([np.resize(options, width) for options in allowed]).reshape(-1, width)
        distance = [np.abs(np.arange(width)[:, None] - options) for options in allowed]
        self._snap = np.array([options[d.argmin(1)] for options, d in zip(allowed, distance, strict=True)])
        self._first: Tables = {}
        self._nearest: Tables = {}
        for gene, (given, twins) in self._twins.items():
            self._first[gene] = given, twins.first
            self._nearest[gene] = given, twins.within(allowed[gene], self._snap[gene][: self.n_options[gene]])
            self._snap[gene] = np.arange(width)  # which option is nearest depends on the given genes

    def merged(self, twins: Iterable[Twins], index: Mapping[str, int]) -> CanonicalForm:
        """The same form for options of which some are twins; ``index`` is the gene of each choice by name."""
        merged = copy.copy(self)
        merged._twins = {index[one.choice]: ([index[name] for name in one.given], one) for one in twins}
        merged._allow(self.allowed)
        return merged

    def restricted(self, allowed: Sequence[np.ndarray]) -> CanonicalForm:
        """The same form if only some options are allowed."""
        restricted = copy.copy(self)
        restricted._allow(allowed)
        return restricted

    @property
    def is_restricted(self) -> bool:
        """Whether some option is not allowed."""
        return bool((self._n_allowed < self.n_options).any())

    def count(self, counts_twins: bool) -> int:
        """Exact number of canonical genotypes; ``counts_twins``: as if options that are the same were different."""
        first = {} if counts_twins else self._first
        every = [first.get(gene, ([], np.arange(n))) for gene, n in enumerate(self.n_options)]
        genes = zip(range(len(every)), every, self.allowed, strict=True)
        return count([factor(g, *table, self.conditions.get(g), kept, self.n_options) for g, table, kept in genes])

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Canonical genotypes ``(n, d)``, every gene uniform over its allowed options."""
        ranks = rng.integers(0, self._n_allowed, size=(n, len(self.n_options)))
        return self.of(self._nth[np.arange(len(self.n_options)), ranks])

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """The canonical genotypes nearest to real vectors ``(n, d)``."""
        indices = np.clip(np.rint(points), 0, self.n_options - 1).astype(np.int64)
        return self._settle(self._snap[np.arange(len(self.n_options)), indices], self._nearest)

    def of(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` or ``(d,)`` in canonical form."""
        return self._settle(genotypes, self._first)

    def alive(self, genotypes: np.ndarray) -> np.ndarray:
        """Which genes matter: bools in the shape of ``genotypes``, ``(n, d)`` or ``(d,)``."""
        alive = np.ones(genotypes.shape, dtype=bool)
        for genes, parents, wakes in self._turns:
            alive[..., genes] = alive[..., parents] & wakes[np.arange(len(genes)), genotypes[..., parents]]
        return alive

    def _settle(self, genotypes: np.ndarray, first: Tables) -> np.ndarray:
        """Genotypes whose genes are the first of their twins, or 0 where dead, each gene after those that it depends on."""
        if not first:
            return np.where(self.alive(genotypes), genotypes, 0)
        settled, alive = genotypes.copy(), np.ones(genotypes.shape, dtype=bool)
        for gene in sorted({*first, *self.conditions}):
            if gene in first:
                given, table = first[gene]
                settled[..., gene] = table[(*(settled[..., other] for other in given), settled[..., gene])]
            if gene in self.conditions:
                parent, wakes = self.conditions[gene]
                alive[..., gene] = alive[..., parent] & wakes[settled[..., parent]]
                settled[..., gene] *= alive[..., gene]
        return settled
