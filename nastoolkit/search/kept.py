"""Searches that came to their end: what each measured, in order, so that the same one is read, and not made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.space import SearchSpace
from nastoolkit.store import Store

CODE = ("objectives.py", "pareto.py", "predictors.py", "rbf.py", "space.py", "search/*.py")  # what searches are made of
N_PROBES = 100


def search_fingerprint(space: SearchSpace, objectives: Sequence[Objective], asked: Sequence[Any]) -> str:
    """Of all that decides what a search proposes, but the measured values.

    That is what is asked (algorithm, budget, seed, settings ...), the space as it is restricted, the objectives with their
    bounds and, where they are exact, their values of some sub-networks, and the code that would answer.
    """
    probes = space.sample(N_PROBES, np.random.default_rng(0))
    exact = [np.asarray(o.exact(probes)).tolist() for o in objectives if o.exact is not None]
    goals = [(o.name, o.direction, o.at_least, o.at_most) for o in objectives]
    question = json.dumps([*asked, goals, space.allowed, probes.tolist(), exact], default=repr)
    return hashlib.sha256(question.encode() + _code()).hexdigest()[:16]


@cache
def _code() -> bytes:
    package = Path(__file__).parents[1]
    return b"".join(file.read_bytes() for pattern in CODE for file in sorted(package.glob(pattern)))


class KeptSearch:
    """One finished search in a store.

    Args:
        store: Keeps it beside its evaluations.
        space: What the genotypes mean.
        fingerprint: Its :func:`search_fingerprint`.
    """

    def __init__(self, store: Store, space: SearchSpace, fingerprint: str) -> None:
        self._store, self._space, self._fingerprint = store, space, fingerprint

    def read(self) -> np.ndarray | None:
        """Genotypes ``(n, d)`` in the order in which they were asked for; None where there is no such search."""
        text = self._store.finished_search(self._fingerprint)
        try:
            return None if text is None else self._space.canonical(np.array(json.loads(text)))
        except (ValueError, RecursionError):  # damaged: it is made again
            return None

    def write(self, genotypes: np.ndarray) -> None:
        """Keep genotypes ``(n, d)``."""
        self._store.save_finished_search(self._fingerprint, json.dumps(genotypes.tolist(), separators=(",", ":")))
