"""The paper's search: an elitist genetic algorithm on strings of bits, once for each limit of latency.

[Wang2021] R. Wang et al., "EfficientTDNN: Efficient Architecture Search for Speaker Recognition", arXiv 2103.13581, and its
program, https://github.com/mechanicalsea/sugar, commit 11bee4e, ``TDNN-NAS.ipynb``: a population of 50, 200 generations, bits
that flip with probability 0.1. Its steps are those of ``soea_SEGA_templet`` of https://github.com/geatpy-dev/geatpy, which the
program calls: tournaments of two, crossover at two points of 70 % of the pairs, and the best of parents and children stay.

Differs from the paper in: nothing but the random numbers; codes of bits that stand for no option are spread evenly over the
options, as the library that would tell how runs under no Python of today.
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
    """Search for the network of least error below a limit.

    Args:
        space: What is searched.
        costs: Genotypes ``(n, d)`` to errors and latencies ``(n, 2)``.
        limit: Latencies are below it, or the network is as bad as any other that is too slow.
        rng: Source of all randomness.
        population: Number of networks in a generation, an even one.
        generations: Number of generations, with the first, random one.

    Returns:
        All networks that were evaluated, in order ``(population * generations, d)``; some occur again.
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
    """Genotypes as strings of bits, each gene in Gray code.

    Args:
        space: Their space.

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
    """Which of its options ``(n,)`` a gene has, by its bits ``(n, b)``."""
    binary, n_codes = np.cumsum(gray, axis=1) % 2, 2 ** gray.shape[1]
    codes = binary @ (1 << np.arange(gray.shape[1])[::-1])
    return np.rint(codes * (n_options - 1) / max(n_codes - 1, 1)).astype(np.int64)


def tournaments(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places ``(n,)`` of as many parents as there are values, each the better of two."""
    pairs = rng.integers(len(values), size=(len(values), 2))
    return pairs[np.arange(len(values)), values[pairs].argmin(axis=1)]


def crossed(strings: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Strings ``(n, length)`` of which some neighbours have exchanged what lies between two places."""
    n, length = strings.shape
    ends = np.sort(rng.integers(length + 1, size=(n // 2, 2)), axis=1)
    at = np.arange(length)
    swapped = (at >= ends[:, :1]) & (at < ends[:, 1:]) & (rng.random((n // 2, 1)) < P_CROSSOVER)
    first, second = strings[0::2], strings[1::2]
    return np.stack([np.where(swapped, second, first), np.where(swapped, first, second)], axis=1).reshape(n, length)


def flipped(strings: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Strings ``(n, length)`` some of whose bits are the other one."""
    return strings ^ (rng.random(strings.shape) < P_FLIP)
