"""The paper's search: an elitist genetic algorithm on bit strings, once for each latency limit.

[Wang2021] R. Wang et al., "EfficientTDNN: Efficient Architecture Search for Speaker Recognition", arXiv 2103.13581, and its
program, https://github.com/mechanicalsea/sugar, commit 11bee4e, ``TDNN-NAS.ipynb``: a population of 50, 200 generations, bits
that flip with probability 0.1. Its steps are those of ``soea_SEGA_templet`` of https://github.com/geatpy-dev/geatpy, which the
program calls: tournaments of two, crossover at two points of 70 % of the pairs, and the best of parents and children stay.

Differs from the paper in: nothing but the random numbers; all bit codes are mapped evenly to the options, as the library that
would show the original mapping runs under no current Python.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nastoolkit.space import SearchSpace

POPULATION, GENERATIONS = 50, 200
P_CROSSOVER, P_FLIP = 0.7, 0.1


def evolve(
    space: SearchSpace,
    costs: Callable[[np.ndarray], np.ndarray],
    limit: float,
    rng: np.random.Generator,
    population: int = POPULATION,
    generations: int = GENERATIONS,
) -> np.ndarray:
    """Search for the network with the least error below a limit.

    Args:
        space: Search space.
        costs: Function from genotypes ``(n, d)`` to errors and latencies ``(n, 2)``.
        limit: Upper limit of the latency; networks that do not stay below it are all equally bad.
        rng: Random generator.
        population: Number of networks in a generation, which must be even.
        generations: Number of generations, including the first, random one.

    Returns:
        All evaluated networks in order, ``(population * generations, d)``; some are repeated.
    """
    bits = GrayBits(space)

    def errors(strings: np.ndarray) -> np.ndarray:
        seen.append(bits.decode(strings))
        error, latency = costs(seen[-1]).T
        return np.where(latency < limit, error, np.inf)

    seen: list[np.ndarray] = []
    strings = rng.integers(0, 2, (population, bits.length))
    values = errors(strings)
    for _ in range(generations - 1):
        children = flipped(crossed(strings[tournaments(values, rng)], rng), rng)
        strings, values = np.concatenate([strings, children]), np.concatenate([values, errors(children)])
        stay = values.argsort(kind="stable")[:population]
        strings, values = strings[stay], values[stay]
    return np.concatenate(seen)


class GrayBits:
    """Genotypes as bit strings, each gene in Gray code.

    Args:
        space: Space of the genotypes.

    Attributes:
        length: Number of bits of a string.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._options = [np.array(allowed) for allowed in space.allowed]
        self._n_bits = [(len(options) - 1).bit_length() for options in self._options]
        self.length = sum(self._n_bits)

    def decode(self, strings: np.ndarray) -> np.ndarray:
        """Strings ``(n, length)`` to canonical genotypes ``(n, d)``."""
        genes = np.split(strings, np.cumsum(self._n_bits)[:-1], axis=1)
        chosen = [options[_place(gray, len(options))] for gray, options in zip(genes, self._options, strict=True)]
        return self._space.canonical(np.stack(chosen, axis=1))


def _place(gray: np.ndarray, n_options: int) -> np.ndarray:
    """Option indices ``(n,)`` of a gene from its bits ``(n, b)``."""
    binary, n_codes = np.cumsum(gray, axis=1) % 2, 2 ** gray.shape[1]
    codes = binary @ (1 << np.arange(gray.shape[1])[::-1])
    return np.rint(codes * (n_options - 1) / max(n_codes - 1, 1)).astype(np.int64)


def tournaments(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices ``(n,)`` of as many parents as there are values, each the better of two."""
    pairs = rng.integers(len(values), size=(len(values), 2))
    return pairs[np.arange(len(values)), values[pairs].argmin(axis=1)]


def crossed(strings: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Strings ``(n, length)``, where some neighbours have exchanged the part between two places."""
    n, length = strings.shape
    ends = np.sort(rng.integers(length + 1, size=(n // 2, 2)), axis=1)
    at = np.arange(length)
    swapped = (at >= ends[:, :1]) & (at < ends[:, 1:]) & (rng.random((n // 2, 1)) < P_CROSSOVER)
    first, second = strings[0::2], strings[1::2]
    return np.stack([np.where(swapped, second, first), np.where(swapped, first, second)], axis=1).reshape(n, length)


def flipped(strings: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Strings ``(n, length)`` with some bits flipped."""
    return strings ^ (rng.random(strings.shape) < P_FLIP)
