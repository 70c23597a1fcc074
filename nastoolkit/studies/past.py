"""Past searches: evaluations in the stores of earlier studies, on any hardware and by any algorithm.

From a past search, a warm start takes its first sub-networks, PopDB the part of the space that is worth searching, and a
predictor its training data: only the evaluations have to be kept ([Cummings2022], Figure 1 and Section 3).

[Cummings2022] D. Cummings et al., "A Hardware-Aware System for Accelerating Deep Neural Network Optimization",
arXiv 2202.12954.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.history import History
from nastoolkit.objectives import Objective, complete
from nastoolkit.space import SearchSpace
from nastoolkit.studies.schema import quoted, value_columns
from nastoolkit.studies.store_file import StoreError, StoreFile


def past_evaluations(path: str | Path, space: SearchSpace, objectives: Sequence[Objective]) -> History:
    """All evaluations in a store, oldest first, whatever measured them, without those that failed.

    Args:
        path: The store; it may be in use.
        space: The space that was searched, or a restriction of it, outside of which nothing is returned.
        objectives: Objectives of the history: those without ``exact`` are read, the others are computed, so that a past search
            on other hardware is judged by the present costs.

    Raises:
        StoreError: There is no store, it cannot be read, it is for another space, or it lacks one of the objectives.
    """
    with StoreFile.existing(path) as file:
        problem = file.problem()
        if problem["space"] != space.fingerprint:
            owner = problem["settings"].get("family")
            whose = f", that of {owner!r}" if owner else ""
            fingerprints = f"fingerprint {problem['space']}, here {space.fingerprint}"
            raise StoreError(f"{path} is about another search space{whose}: {fingerprints}")
        columns = dict(zip(problem["objectives"], value_columns(list(problem["objectives"])), strict=True))
        measured = [objective.name for objective in objectives if objective.exact is None]
        if missing := [name for name in measured if name not in columns]:
            raise StoreError(f"{path} has no {', '.join(missing)}; it has {', '.join(columns)}")
        asked = ", ".join(["genotype", *(quoted(columns[name]) for name in measured)])
        rows = file.rows(f"SELECT {asked} FROM evaluations ORDER BY rowid")
    genotypes = _genotypes(path, [text for text, *_ in rows], space)
    inside = (space.repair(genotypes) == genotypes).all(axis=1)
    values = np.array([row for _, *row in rows], dtype=float).reshape(len(rows), len(measured))
    return History(space, tuple(objectives), genotypes[inside], complete(objectives, genotypes[inside], values[inside]))


def _genotypes(path: str | Path, texts: Sequence[str], space: SearchSpace) -> np.ndarray:
    """The genotypes ``(n, d)`` that a store writes as texts."""
    try:
        return space.check(np.array([text.split() for text in texts], dtype=np.int64).reshape(len(texts), space.n_genes))
    except ValueError as error:
        raise StoreError(f"{path} is damaged: it holds evaluations of networks that are not in its space: {error}") from None


def summary(path: str | Path) -> dict[str, Any]:
    """What a store says without knowing its space: facts, a row for each search that was begun, and why evaluations failed.

    Returns:
        ``measured`` (objectives and their units), ``settings``, ``evaluations``, ``failed``, ``seconds`` of measuring, dates
        ``first`` and ``last``, and the lists ``searches`` and ``failures``.

    Raises:
        StoreError: There is no store, or it cannot be read.
    """
    with StoreFile.existing(path) as file:
        problem = file.problem()
        query = "SELECT count(*), coalesce(sum(seconds), 0), min(created_at), max(created_at) FROM evaluations"
        ((n, seconds, first, last),) = file.rows(query)
        searches = [
            {"algorithm": algorithm, "seed": seed, **_budget(settings), "started": started, "finished": finished or "no"}
            for algorithm, seed, settings, started, finished in file.rows(
                "SELECT algorithm, seed, settings, started_at, finished_at FROM studies ORDER BY id"
            )
        ]
        reasons = Counter(reason for (reason,) in file.rows("SELECT reason FROM failures"))
    return {
        "measured": problem["objectives"],
        "settings": problem["settings"],
        "evaluations": n,
        "failed": sum(reasons.values()),
        "seconds": round(seconds, 1),
        "first": first or "",
        "last": last or "",
        "searches": searches,
        "failures": [{"times": times, "reason": reason} for reason, times in reasons.most_common()],
    }


def _budget(settings: str) -> dict[str, Any]:
    known = json.loads(settings or "{}")
    return {name: known[name] for name in ("budget", "population") if name in known}
