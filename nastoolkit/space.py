"""Search spaces: the choices that make up a sub-network, and genotypes, which are the only names of sub-networks.

A genotype is a vector of small ints; gene i is the index of the chosen option of choice i. A choice may depend on an earlier
one (the kernel of a block that only deep networks have); where its condition fails, the gene is dead, and 0 in canonical form.
Several options may give the same sub-network; in canonical form, a gene is the first of such twins.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from nastoolkit.canonical import CanonicalForm
from nastoolkit.choices import Choice as Choice
from nastoolkit.choices import Conditions, is_missing
from nastoolkit.features import feature_matrix, role_matrices
from nastoolkit.support.counts import in_short
from nastoolkit.twins import Twins


class SearchSpace:
    """All sub-networks that a list of choices describes.

    Args:
        choices: Choices in gene order; the choice that a condition names comes before the one that has the condition.
        counts_twins: Whether ``size`` counts options that give the same sub-network separately, as some papers do.

    Raises:
        ValueError: A duplicate name, or a condition on an unknown or later choice or option.
    """

    def __init__(self, choices: Iterable[Choice], counts_twins: bool = False) -> None:
        self.choices, self.counts_twins = tuple(choices), counts_twins
        self._index: dict[str, int] = {}
        conditions: Conditions = {}
        for gene, choice in enumerate(self.choices):
            if choice.name in self._index:
                raise ValueError(f"two choices are named {choice.name!r}")
            if choice.when is not None:
                conditions[gene] = self._condition(choice, *choice.when)
            self._index[choice.name] = gene
        self._form = CanonicalForm([len(choice.options) for choice in self.choices], conditions)

    def _condition(self, choice: Choice, parent: str, options: Sequence[Any]) -> tuple[int, np.ndarray]:
        if parent not in self._index:
            raise ValueError(f"choice {choice.name!r} depends on {parent!r}, which is not an earlier choice")
        known = self.choices[self._index[parent]].options
        if not all(option in known for option in options):
            raise ValueError(f"choice {choice.name!r} waits for {parent} in {options}, but its options are {known}")
        return self._index[parent], np.array([option in options for option in known])

    def _with(self, form: CanonicalForm) -> SearchSpace:
        other = copy.copy(self)
        other._form = form
        return other

    def merge(self, twins: Iterable[Twins]) -> SearchSpace:
        """The same space, in which options that stand for the same sub-network are one: see :meth:`canonical`, :attr:`size`.

        Genotypes keep their meaning, and so do stores.
        """
        return self._with(self._form.merged(twins, self._index))

    @property
    def names(self) -> tuple[str, ...]:
        """The choices' names, in gene order."""
        return tuple(self._index)

    @property
    def n_genes(self) -> int:
        """Length d of a genotype."""
        return len(self.choices)

    @property
    def size(self) -> int:
        """Exact number of sub-networks, different ones unless ``counts_twins``."""
        return self._form.count(self.counts_twins)

    @property
    def n_different(self) -> int:
        """Exact number of different sub-networks, that is of canonical genotypes."""
        return self._form.count(counts_twins=False)

    @property
    def size_in_words(self) -> str:
        """The size to three digits, such as ``2.18e+19 sub-networks``, and how many of them differ if some are the same."""
        different = f", {in_short(self.n_different)} of them different" if self.counts_twins else ""
        return f"{in_short(self.size)} sub-networks{different}"

    @property
    def allowed(self) -> tuple[tuple[int, ...], ...]:
        """Indices of the options that :meth:`restrict` left, for every gene."""
        return tuple(tuple(indices.tolist()) for indices in self._form.allowed)

    @property
    def fingerprint(self) -> str:
        """Hash of what genotypes mean here: names, options, conditions. A restriction does not change it."""
        text = json.dumps([(c.name, c.options, c.when) for c in self.choices])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def smallest(self) -> np.ndarray:
        """The genotype ``(d,)`` with the least option everywhere, or the first one if a choice has no order."""
        return self._extreme(min)

    @property
    def largest(self) -> np.ndarray:
        """The genotype ``(d,)`` with the greatest option everywhere, or the last one if a choice has no order."""
        return self._extreme(max)

    def _extreme(self, pick: Any) -> np.ndarray:
        genes = [
            pick(allowed, key=lambda index, choice=choice: choice.options[index] if choice.ordered else index)
            for choice, allowed in zip(self.choices, self._form.allowed, strict=True)
        ]
        return self.canonical(np.array(genes, dtype=np.int64))

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n canonical genotypes ``(n, d)``, every gene uniform over its options (as in supernet training)."""
        return self._form.draw(n, rng)

    def repair(self, points: np.ndarray) -> np.ndarray:
        """The genotypes nearest to real vectors ``(n, d)``: rounded, moved to the nearest allowed option, canonical.

        Raises:
            ValueError: A value is NaN, which has no nearest option.
        """
        if np.isnan(points).any():
            raise ValueError("there is no genotype near a NaN")
        return self._form.nearest(points)

    def alive(self, genotypes: np.ndarray) -> np.ndarray:
        """Which genes matter: bools in the shape of ``genotypes``, ``(n, d)`` or ``(d,)``; ValueError like :meth:`check`."""
        return self._form.alive(self.check(genotypes))

    def canonical(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` or ``(d,)`` with dead genes 0, others the first of their twins: equal rows are one sub-network.

        Raises:
            ValueError: A gene is not the index of an option, or is an option that :meth:`restrict` removed.
        """
        canonical = self._form.of(self.check(genotypes))
        if self._form.is_restricted and (excluded := self.repair(canonical) != canonical).any():
            choice = self.choices[int(np.argwhere(excluded)[0][-1])]
            raise ValueError(f"a genotype uses an option of {choice.name!r} that this restricted space leaves out")
        return canonical

    def check(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` or ``(d,)`` as int64; ValueError if a gene is not the index of an option of its choice."""
        genotypes = np.asarray(genotypes)
        if genotypes.dtype.kind not in "iu":
            raise ValueError(f"genotypes must be integers (indices of options), got {genotypes.dtype}")
        if genotypes.ndim not in (1, 2) or genotypes.shape[-1] != self.n_genes:
            raise ValueError(f"genotypes must have shape (n, {self.n_genes}) in this space, got {genotypes.shape}")
        outside = (genotypes < 0) | (genotypes >= self._form.n_options)
        if outside.any():
            position = tuple(np.argwhere(outside)[0])
            choice = self.choices[int(position[-1])]
            known = f"0..{len(choice.options) - 1} (an index into {choice.options})"
            raise ValueError(f"gene {choice.name!r} is {genotypes[position]}, out of range {known}")
        return genotypes.astype(np.int64)

    def check_one(self, genotype: np.ndarray) -> np.ndarray:
        """One genotype ``(d,)`` as int64; ValueError for several, and like :meth:`check`."""
        genotype = self.check(genotype)
        if genotype.ndim != 1:
            raise ValueError(f"this takes one genotype, of shape ({self.n_genes},), got {genotype.shape}")
        return genotype

    def decode(self, genotype: np.ndarray) -> dict[str, Any]:
        """The options of one genotype ``(d,)`` by name, live choices only."""
        genotype = self.canonical(self.check_one(genotype))
        alive = self.alive(genotype)
        return {c.name: c.options[gene] for c, gene, live in zip(self.choices, genotype, alive, strict=True) if live}

    def encode(self, options: Mapping[str, Any]) -> np.ndarray:
        """The canonical genotype ``(d,)`` of options by name; those of dead choices may be given, or 0, and are ignored.

        A choice that has only one option may be left out. None and NaN count as left out.

        Raises:
            ValueError: An unknown name, an unknown option, or another live choice left out.
        """
        self._check_names(options)
        genotype = np.zeros(self.n_genes, dtype=np.int64)
        alive, missing = np.ones(self.n_genes, dtype=bool), []
        for gene, choice in enumerate(self.choices):
            if gene in self._form.conditions:
                parent, wakes = self._form.conditions[gene]
                alive[gene] = alive[parent] and wakes[genotype[parent]]
            option = options.get(choice.name)
            if not is_missing(option) and (alive[gene] or option != 0):
                genotype[gene] = choice.index(option)
            elif alive[gene] and len(choice.options) > 1:
                missing.append(choice.name)
        if missing:
            raise ValueError(f"no option given for {missing}")
        return self.canonical(genotype)

    def _check_names(self, names: Iterable[str]) -> None:
        unknown = [name for name in names if name not in self._index]
        if unknown:
            raise ValueError(f"unknown choices {unknown}; this space has {list(self.names)}")

    def one_hot(self, genotypes: np.ndarray) -> np.ndarray:
        """Indicator features ``(n, total number of options)`` as float64; the columns of a dead choice are all zero."""
        genotypes = np.atleast_2d(self.check(genotypes))
        first_column = np.cumsum(self._form.n_options) - self._form.n_options
        features = np.zeros((len(genotypes), int(self._form.n_options.sum())))
        features[np.arange(len(genotypes))[:, None], first_column + genotypes] = self._form.alive(genotypes)
        return features

    def features(self, genotypes: np.ndarray) -> np.ndarray:
        """Features from which predictors learn best, ``(n, f)`` as float64: numbers for ordered options, indicators, and
        counts.

        See :func:`nastoolkit.features.feature_matrix`.
        """
        return self.one_hot(genotypes) @ self._feature_matrix

    @cached_property
    def _feature_matrix(self) -> np.ndarray:
        return feature_matrix(self.choices)

    def role_means(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` summarised in a few numbers ``(n, r)``: for each role, the mean of the choices that are alive.

        Options count as shares of the role's largest one; a role of which none is alive is 0. See :attr:`Choice.role`.
        """
        live, (shares, members) = self.one_hot(genotypes), self._role_matrices
        return (live @ shares) / np.maximum(live @ members, 1)

    @cached_property
    def _role_matrices(self) -> tuple[np.ndarray, np.ndarray]:
        return role_matrices(self.choices)

    def restrict(self, options: Mapping[str, Iterable[Any]]) -> SearchSpace:
        """The sub-space in which the named choices keep only the given options.

        Genotypes keep their meaning: they stay indices into the original options, so a family, a predictor or a store made
        for the whole space serves the restricted one too.
        """
        self._check_names(options)
        allowed = list(self._form.allowed)
        for name, kept in options.items():
            gene = self._index[name]
            indices = [self.choices[gene].index(option) for option in kept]
            allowed[gene] = np.intersect1d(allowed[gene], indices).astype(np.int64)
            if not allowed[gene].size:
                raise ValueError(f"the restriction leaves {name!r} without an option")
        return self._with(self._form.restricted(allowed))

    def __repr__(self) -> str:
        return f"SearchSpace({self.n_genes} choices, {self.size_in_words})"


def genotype_keys(genotypes: np.ndarray) -> list[bytes]:
    """A hashable key for each canonical genotype of ``(n, d)``."""
    rows = np.ascontiguousarray(genotypes, dtype=np.int64)
    n_bytes = rows.itemsize * rows.shape[1]
    return rows.view(f"V{n_bytes}").ravel().tolist() if n_bytes else [b""] * len(rows)
