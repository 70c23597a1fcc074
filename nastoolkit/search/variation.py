"""Sub-networks of all sizes to start from, and children of parents, for searches that vary genotypes themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.sampling import new_ones
from nastoolkit.space import SearchSpace

MAX_SKEW = 3.0  # the largest option is up to exp(2 * 3) times as likely as the smallest one


def ordinals(space: SearchSpace) -> list[np.ndarray]:
    """Options of each choice from -1, the smallest, to 1, the largest; 0 if they have no order, and for single options."""
    scaled = []
    for choice, allowed in zip(space.choices, space.allowed, strict=True):
        options = np.zeros(len(choice.options))
        if choice.ordered:
            are_numbers = all(isinstance(option, int | float) for option in choice.options)
            options = np.array(choice.options if are_numbers else range(len(options)), dtype=float)
            least, most = options[list(allowed)].min(), options[list(allowed)].max()
            options = (2 * options - least - most) / (most - least or 1.0)
        scaled.append(options)
    return scaled


def first_design(space: SearchSpace, objectives: Sequence[Objective], n: int, rng: np.random.Generator) -> np.ndarray:
    """Genotypes ``(n, d)`` of all sizes: the smallest, the largest, and then others in even steps between, in random order.

    Size is the logarithm of the first exact objective, or else the sum of all options, from 0.5 for the smallest to 2.5.
    """
    ends = np.stack([space.smallest, space.largest])
    pool = new_ones(np.concatenate([ends, skewed(space, 200 * n, rng)]), set())
    size = _size(space, objectives, pool)
    chosen = [0, *([1] if (ends[0] != ends[1]).any() else [])]
    for target in rng.permutation(np.linspace(size.min(), size.max(), max(n, 2))[1:-1]):
        distance = np.abs(size - target)
        distance[chosen] = np.inf
        chosen.append(int(distance.argmin()))
    return new_ones(pool[chosen], set())[:n]


def _size(space: SearchSpace, objectives: Sequence[Objective], genotypes: np.ndarray) -> np.ndarray:
    for objective in objectives:
        if objective.exact is not None:
            size = np.asarray(objective.exact(genotypes), dtype=float)
            return np.log(size) if size.min() > 0 else size
    return space.one_hot(genotypes) @ (1.5 + np.concatenate(ordinals(space)))


def skewed(space: SearchSpace, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw genotypes ``(n, d)`` whose choices prefer smaller or larger options, each network by its own skew."""
    return space.repair(_draw(space, rng.uniform(-MAX_SKEW, MAX_SKEW, size=n), rng))


def _draw(space: SearchSpace, skews: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Genes ``(n, d)``, dead ones too: an option in -1..1 has a probability in proportion to exp(option * the row's skew)."""
    genes = np.zeros((len(skews), space.n_genes), dtype=np.int64)
    for gene, (options, allowed) in enumerate(zip(ordinals(space), space.allowed, strict=True)):
        likelihoods = np.outer(skews, options[list(allowed)]) + rng.gumbel(size=(len(skews), len(allowed)))
        genes[:, gene] = np.array(allowed)[likelihoods.argmax(axis=1)]
    return genes


def vary(space: SearchSpace, parents: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Children ``(n, d)`` of parents ``(k, d)``: most mix two of them gene by gene; then a few genes are drawn anew.

    A gene that was dead in the parent is also drawn, because its 0 was not chosen.
    """
    mothers, fathers = parents[rng.integers(len(parents), size=(2, n))]
    drawn = _draw(space, np.zeros(n), rng)
    mixed = (rng.random((n, 1)) < 0.7) & (rng.random(mothers.shape) < 0.5)
    n_mutations = rng.choice([0, 1, 2, 3, 5], size=(n, 1), p=[0.1, 0.4, 0.25, 0.15, 0.1])
    mutated = rng.random(mothers.shape) < n_mutations / space.n_genes
    inherited = np.where(mixed, fathers, mothers)
    dead = ~np.where(mixed, space.alive(fathers), space.alive(mothers))
    return space.repair(np.where(mutated | dead, drawn, inherited))
