"""Exact objectives that are too slow to compute for the thousands of sub-networks that a search merely considers.

The time is measured once, before a search begins. The decision depends on the machine; therefore the threshold is far from
what tables (microseconds) and building networks (tenths of a second) take, a single slow call decides nothing, and a store
keeps the decision, so that the search stays the same when it is run again, even on another machine. To decide yourself, let
``evaluate`` measure the objective.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.space import SearchSpace

SLOW = 1e-3  # seconds a sub-network: the default asks for a thousand between two measurements
PATIENCE = 1.0  # seconds after which the time is known well enough
SIZES = (1, 1, 2, 4, 8, 16, 32, 64)  # rows of the calls that are timed: the first may fill tables, the last share a fixed cost


def slow_ones(space: SearchSpace, objectives: Sequence[Objective]) -> list[int]:
    """Positions of the objectives whose ``exact`` is slow."""
    genotypes = space.sample(max(SIZES), np.random.default_rng(0))
    return [i for i, o in enumerate(objectives) if o.exact is not None and seconds_each(o.exact, genotypes) > SLOW]


def seconds_each(exact: Callable[[np.ndarray], np.ndarray], genotypes: np.ndarray) -> float:
    """Seconds for one of genotypes ``(n, d)``: from the first call if these are few, else from a larger one."""
    each = spent = 0.0
    for number, n in enumerate(SIZES):
        begin = perf_counter()
        exact(genotypes[:n])
        seconds = perf_counter() - begin
        each, spent = seconds / n, spent + seconds * (number > 0)
        if each <= SLOW or spent > PATIENCE:
            break
    return each


def as_measured(objectives: Sequence[Objective], slow: Collection[int]) -> list[Objective]:
    """Objectives as an algorithm should see them: the slow ones are no longer exact, so that it models them."""
    return [replace(o, exact=None) if i in slow else o for i, o in enumerate(objectives)]


def warn_of_slow(objectives: Sequence[Objective], slow: Collection[int]) -> None:
    """Warn once which objectives are slow, and what is done about it."""
    if slow:
        names = ", ".join(repr(objectives[i].name) for i in slow)
        how = f"exact objectives that take more than {1000 * SLOW:g} ms a sub-network: {names}"
        warnings.warn(f"{how}; they are computed only for what is proposed, and modelled as if measured", stacklevel=4)
