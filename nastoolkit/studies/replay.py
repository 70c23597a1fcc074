"""Finished searches: what each measured, in order, so that the same search is read and not run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.predictors.regressors import PREDICTORS, VERSIONS
from nastoolkit.search import ALGORITHMS, Algorithm
from nastoolkit.space import SearchSpace
from nastoolkit.support.json_types import plain

LIBRARIES = ("cma", "lightgbm", "moocore", "numpy", "optuna", "pymoo", "scikit-learn", "scipy")  # and with what
N_PROBES = 100
N_SLOW = 3
N_SUM = 8  # bytes that tell whether those behind them are whole


def search_fingerprint(
    space: SearchSpace, objectives: Sequence[Objective], asked: Sequence[Any], slow: Collection[int] = ()
) -> str:
    """Hash of everything that determines a search's proposals, except the measured values.

    It covers the arguments (algorithm, budget, seed, settings ...), the space and its restriction, the objectives with their
    bounds and, if they are exact, their values for 100 random sub-networks, the versions of all algorithms and predictors,
    which golden traces guard, and those of the libraries.

    Args:
        space: Space to search.
        objectives: Objectives to optimise.
        asked: All other arguments.
        slow: Positions of exact objectives that are slow: for these, only a few random sub-networks count.

    Raises:
        TypeError: An argument is of neither a JSON nor a numpy type.
    """
    probes = space.sample(N_PROBES, np.random.default_rng(0))
    goals = [
        (o.name, o.direction, o.at_least, o.at_most, o.exact and np.asarray(o.exact(probes[: N_SLOW if i in slow else None])))
        for i, o in enumerate(objectives)
    ]
    question = json.dumps([*asked, *slow, space.fingerprint, space.allowed, goals, code_versions()], default=plain)
    return hashlib.sha256(question.encode()).hexdigest()[:16]


def code_versions() -> list[Any]:
    """Versions of all algorithms, predictors and libraries that found what is kept."""
    return [{name: known.version for name, known in ALGORITHMS.items()}, VERSIONS, list(map(_version, LIBRARIES))]


def has_known_code(algorithm: type[Algorithm], settings: Mapping[str, Any]) -> bool:
    """Whether a search uses this package alone, whose versions are in a fingerprint; other code may change unnoticed."""
    names = [name for name in settings.values() if isinstance(name, str)]
    parts = [registry[name] for registry in (ALGORITHMS, PREDICTORS) for name in names if name in registry]
    return all(part.__module__.startswith("nastoolkit.") for part in (algorithm, *parts))


def packed(space: SearchSpace, genotypes: np.ndarray) -> bytes:
    """Genotypes ``(n, d)`` in few bytes, after a checksum."""
    genes = genotypes.astype(_smallest_type(space)).tobytes()
    return _sum(genes) + genes


def unpacked(space: SearchSpace, kept: object) -> np.ndarray | None:
    """The genotypes ``(n, d)`` of :func:`packed`; None if they are damaged or missing."""
    if not isinstance(kept, bytes) or kept[:N_SUM] != _sum(kept[N_SUM:]):
        return None
    try:
        genotypes = np.frombuffer(kept[N_SUM:], _smallest_type(space)).reshape(-1, space.n_genes)
        return space.canonical(genotypes.astype(np.int64))
    except ValueError:
        return None


@cache
def _version(library: str) -> str:
    with suppress(metadata.PackageNotFoundError):  # some are optional
        return metadata.version(library)
    return ""


def _smallest_type(space: SearchSpace) -> np.dtype[Any]:
    return np.min_scalar_type(max(len(choice.options) for choice in space.choices))


def _sum(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:N_SUM]
