"""The loop of every search: ask, measure, tell."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from nastoolkit import search
from nastoolkit.history import History
from nastoolkit.objectives import Objective, check_objectives, complete
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.search.evaluation import Evaluate, Evaluation
from nastoolkit.space import SearchSpace
from nastoolkit.store import Store


def optimize(
    space: SearchSpace,
    evaluate: Evaluate | None,
    objectives: Sequence[Objective],
    algorithm: str = "linas",
    budget: int = 250,
    seed: int = 0,
    store: str | Path | None = None,
    executor: Executor | None = None,
    chunk_size: int | None = None,
    progress: bool = True,
    population: int = 50,
    **settings: Any,
) -> History:
    """Search a space, spending exactly ``budget`` evaluations, or fewer if the space holds no more sub-networks.

    With a store, run it again after any interruption: what is stored is replayed, and the search goes on to the identical
    result. Evaluations that another algorithm, seed or computer's latency table left in the store are used too.

    Args:
        space: Where to search.
        evaluate: Genotypes ``(n, d)`` to raw values ``(n, m')``, a column for each objective without ``exact``, in their
            order. Its attribute ``settings`` (a dict of JSON types), if any, belongs to the identity of the store. None
            where every objective is exact.
        objectives: What to optimise, m of them.
        algorithm: A name in :data:`nastoolkit.search.ALGORITHMS`.
        budget: Number of evaluations, replayed ones included.
        seed: Of all randomness of the algorithm.
        store: An SQLite file, made if missing; see :class:`nastoolkit.store.Store`.
        executor: Where ``evaluate`` runs, by default here. The result does not depend on it.
        chunk_size: Rows in one call of ``evaluate``. By default 1 with a store or an executor, else a whole population.
        progress: Whether to show evaluations, replayed ones and the time left.
        population: How many sub-networks the algorithm proposes at a time.
        **settings: The algorithm's own ones.

    Returns:
        The evaluations in the order in which they were asked for.

    Raises:
        ValueError: An unknown algorithm or setting, a number below 1, or values that are no finite numbers of the right
            shape. Evaluations made before are in the store.
    """
    check_objectives(objectives)
    _check_at_least_one(budget=budget, population=population, chunk_size=1 if chunk_size is None else chunk_size)
    measured = [o for o in objectives if o.exact is None]
    if measured and evaluate is None:
        raise ValueError(f"evaluate is None, but {[o.name for o in measured]} are not exact and need it")
    searcher = _build(algorithm, space, objectives, seed, population, settings)
    if chunk_size is None and (store is not None or executor is not None):
        chunk_size = 1
    with (
        nullcontext() if store is None else Store(store, space, objectives, getattr(evaluate, "settings", {})) as opened,
        tqdm(total=budget, desc=algorithm, unit="evaluation", smoothing=0, disable=not progress) as bar,
    ):
        evaluation = Evaluation(evaluate or _measure_nothing, space, measured, opened, executor, chunk_size, bar)
        if opened is None:
            return _search(searcher, evaluation, budget)
        study = opened.start_study(algorithm, seed, {"budget": budget, "population": population, **settings})
        history = _search(searcher, evaluation, budget)
        opened.finish_study(study)
        return history


def _search(searcher: Algorithm, evaluation: Evaluation, budget: int) -> History:
    genotypes, values = [np.empty((0, searcher.space.n_genes), dtype=np.int64)], [np.empty((0, len(searcher.objectives)))]
    left = budget
    while left:
        asked = searcher.ask()[:left]
        if not len(asked):
            break
        told = complete(searcher.objectives, asked, evaluation(asked))
        searcher.tell(asked, told)
        genotypes.append(asked)
        values.append(told)
        left -= len(asked)
    return History(searcher.space, searcher.objectives, np.concatenate(genotypes), np.concatenate(values))


def _build(
    algorithm: str, space: SearchSpace, objectives: Sequence[Objective], seed: int, population: int, settings: dict[str, Any]
) -> Algorithm:
    if algorithm not in search.ALGORITHMS:
        raise ValueError(f"unknown algorithm {algorithm!r}; known: {sorted(search.ALGORITHMS)}")
    common = inspect.signature(Algorithm).parameters
    known = [name for name in inspect.signature(search.ALGORITHMS[algorithm]).parameters if name not in common]
    unknown = sorted(settings.keys() - set(known))
    if unknown:
        raise ValueError(f"{algorithm!r} has no settings {unknown}; its settings are {known}")
    return search.ALGORITHMS[algorithm](space, objectives, seed=seed, population=population, **settings)


def _check_at_least_one(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")


def _measure_nothing(genotypes: np.ndarray) -> np.ndarray:
    return np.empty((len(genotypes), 0))
