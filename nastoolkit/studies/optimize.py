"""The loop of every search: ask, measure, tell."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from nastoolkit.history import History
from nastoolkit.objectives import Objective, check_objectives, complete
from nastoolkit.search import ALGORITHMS, DEFAULT_ALGORITHM
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.space import SearchSpace
from nastoolkit.studies.asynchronous import AsynchronousSearch, Journal
from nastoolkit.studies.calls import Calls, Evaluate
from nastoolkit.studies.evaluation import Evaluation
from nastoolkit.studies.exact import as_measured, slow_ones, warn_of_slow
from nastoolkit.studies.failures import Failures
from nastoolkit.studies.replay import has_known_code, packed, search_fingerprint, unpacked
from nastoolkit.studies.store import Store
from nastoolkit.support.counts import whole
from nastoolkit.support.interrupts import explain_resume

BEFORE_ALL = -1  # the number of the ask before which a journal keeps what was slow
LEAST_PATIENCE = 10  # evaluations that fail at the beginning end no search that would have had more


def optimize(
    space: SearchSpace,
    evaluate: Evaluate | None,
    objectives: Sequence[Objective],
    algorithm: str | type[Algorithm] = "default",
    budget: int = 250,
    seed: int = 0,
    store: str | Path | None = None,
    executor: Executor | None = None,
    chunk_size: int | None = None,
    progress: bool = True,
    population: int = 50,
    warm_start: History | np.ndarray | None = None,
    retries: int = 0,
    max_failed: float = 1.0,
    in_flight: int | None = None,
    watch: Callable[[History], None] | None = None,
    **settings: Any,
) -> History:
    """Search a space, spending exactly ``budget`` evaluations, or fewer if the space holds no more sub-networks.

    With a store, run it again after any interruption: what is stored is replayed, and the search goes on to the identical
    result. One that came to its end without failures is read, and no algorithm asked, unless ``watch`` or ``in_flight`` is
    given, or its algorithm or predictor is none of this package's. Evaluations that another algorithm, seed or computer's
    latency table left in the store are used too.

    An evaluation that fails, as ``evaluate`` raises or returns NaN or infinity, or its worker is killed or out of time, costs
    budget and has NaN in the history; a warning tells how many did. What an exception failed are all rows of that call. The
    algorithm is told: the default and those that predict learn what fails and avoid it; in evolution it is nobody's parent.
    Where all of the last evaluations failed, up to three sub-networks that could be measured before are measured again, which
    costs no budget: if one of them can be, the sub-networks are to blame, not the measurement, and the search goes on.

    A warning tells, too, if no sub-network keeps the bounds of the objectives, and how near the nearest comes.

    Args:
        space: Where to search.
        evaluate: Genotypes ``(n, d)`` to raw values ``(n, m')``, a column for each objective without ``exact``, in their
            order. Its attribute ``settings`` (a dict of JSON types), if any, belongs to the identity of the store. None
            where every objective is exact.
        objectives: What to optimise, m of them. Those with ``exact`` are timed first: one that takes more than a millisecond a
            sub-network is computed for what is proposed only, and modelled like a measured one, and a warning says so.
        algorithm: A name in :data:`nastoolkit.search.ALGORITHMS`, ``"default"``, the best general choice, or a class.
        budget: Number of evaluations, replayed ones included.
        seed: Seed of all randomness of the algorithm.
        store: An SQLite file, made if missing; see :class:`nastoolkit.studies.store.Store`.
        executor: Where ``evaluate`` runs, by default here: any of ``concurrent.futures``, of Dask's or of mpi4py's, or
            :class:`nastoolkit.studies.processes.Processes`, which outlives killed workers and has a time limit. The result
            does not depend on it.
        chunk_size: Rows in one call of ``evaluate``. By default 1 with a store or an executor, else a whole population.
        progress: Whether to show evaluations, replayed ones and the time left.
        population: How many sub-networks the algorithm proposes at a time.
        warm_start: What to measure first: a finished search of the same space, even if on other hardware, whose best are
            taken, a population of them; or genotypes ``(k, d)``, all of them.
        retries: How often an evaluation that fails is tried again before it counts as failed.
        max_failed: Share of the last evaluations, a population of them and at least 10, whose failure ends the search. At 1 it
            goes on even then as long as what was measured before can be measured again.
        in_flight: Keep so many calls of ``evaluate`` under way in the executor, as many as it has workers or one more, and do
            not wait for a whole batch before the next; see :mod:`nastoolkit.studies.asynchronous`. What is proposed then
            depends on which calls finish first: another run may have another result, but the same one, run again with its
            store, goes on as it began.
        watch: Called after each generation with all evaluations so far; never with ``in_flight``, which has no generations.
        **settings: The algorithm's own ones.

    Returns:
        The evaluations in the order in which they were asked for. Its front is empty if nothing keeps the bounds; see
        :meth:`nastoolkit.history.History.nearest_miss`.

    Raises:
        TypeError: A count or a seed that is no whole number.
        ValueError: An unknown algorithm or setting, objectives that the algorithm cannot take, a number out of range, a warm
            start from another space, or values of a wrong shape. Evaluations made before are in the store.
        EvaluationError: Too many evaluations fail, or the executor lost its workers.
    """
    name, kind = resolved(algorithm)
    check_objectives(objectives)
    budget, population = whole("budget", budget), whole("population", population)
    seed, retries = whole("seed", seed, 0), whole("retries", retries, 0)
    chunk_size = None if chunk_size is None else whole("chunk_size", chunk_size)
    in_flight = None if in_flight is None else whole("in_flight", in_flight)
    if not 0 < max_failed <= 1:
        raise ValueError(f"max_failed is a share above 0 and up to 1, got {max_failed}")
    settings = {name: value.item() if isinstance(value, np.generic) else value for name, value in settings.items()}
    measured = [o for o in objectives if o.exact is None]
    if measured and evaluate is None:
        raise ValueError(f"evaluate is None, but {[o.name for o in measured]} are not exact and need it")
    if in_flight and executor is None:
        raise ValueError(f"in_flight={in_flight} needs an executor")
    slow = slow_ones(space, objectives)
    searcher = _build(name, kind, space, as_measured(objectives, slow), seed, population, settings)
    first = _first_genotypes(space, warm_start, population)
    warm = {} if warm_start is None else {"warm_start": first.tolist()}
    if chunk_size is None and (store is not None or executor is not None):
        chunk_size = 1
    with (
        explain_resume(lambda: _how_to_go_on(store)),
        nullcontext() if store is None else Store(store, space, objectives, getattr(evaluate, "settings", {})) as opened,
        tqdm(total=budget, desc=name, unit="evaluation", smoothing=0, disable=not progress) as bar,
    ):
        failures = Failures(opened, max_failed, max(population, LEAST_PATIENCE))
        calls = Calls(evaluate or _measure_nothing, executor)
        evaluation = Evaluation(calls, objectives, opened, chunk_size, retries, failures, bar)
        identity = {"population": population, **warm, **settings}
        if opened is not None:
            study = opened.start_study(name, seed, {"budget": budget, **identity})
        goals = [(o.name, o.direction, o.at_least, o.at_most) for o in objectives]
        journal = Journal(opened, [name, seed, goals, space.allowed, identity])
        if len(measured) < len(objectives) and (before := journal.told(BEFORE_ALL, slow)) != slow:
            slow = before
            searcher = _build(name, kind, space, as_measured(objectives, slow), seed, population, settings)
        warn_of_slow(objectives, slow)
        searcher.suggest(first)
        if in_flight is not None:
            history = AsynchronousSearch(searcher, evaluation, budget, in_flight, journal).run()
        elif opened is None or watch is not None or not has_known_code(kind, settings):
            history = _search(searcher, evaluation, budget, watch)
        else:
            fingerprint = search_fingerprint(space, objectives, [name, seed, budget, identity], slow)
            history = _search_once(searcher, evaluation, budget, opened, fingerprint)
        failures.finish()
        if opened is not None:
            opened.finish_study(study)
    _warn(history, failures)
    return history


def _how_to_go_on(store: str | Path | None) -> str:
    if store is None:
        return "interrupted, and nothing was kept: with store=FILE (--store FILE in a shell) a second call would go on"
    return f"interrupted: run the same again, and it goes on with the evaluations that {store} keeps"


def _search_once(searcher: Algorithm, evaluation: Evaluation, budget: int, store: Store, fingerprint: str) -> History:
    """Read what the same search found, or make it; one with failures is not kept, as they may be tried again."""
    found = unpacked(searcher.space, store.finished_search(fingerprint))
    if found is not None:
        return _history(evaluation, searcher.space, [found], [complete(evaluation.objectives, found, evaluation(found))])
    history = _search(searcher, evaluation, budget, None)
    if not history.failed.any():
        store.save_finished_search(fingerprint, packed(searcher.space, history.genotypes))
    return history


def _search(searcher: Algorithm, evaluation: Evaluation, budget: int, watch: Callable[[History], None] | None) -> History:
    genotypes, values = [np.empty((0, searcher.space.n_genes), dtype=np.int64)], [np.empty((0, len(searcher.objectives)))]
    left = budget
    while left:
        asked = searcher.ask()[:left]
        if not len(asked):
            break
        got = complete(evaluation.objectives, asked, evaluation(asked))
        searcher.tell(asked, got)
        genotypes.append(asked)
        values.append(got)
        left -= len(asked)
        if watch is not None:
            watch(_history(evaluation, searcher.space, genotypes, values))
    return _history(evaluation, searcher.space, genotypes, values)


def _history(
    evaluation: Evaluation, space: SearchSpace, genotypes: Sequence[np.ndarray], values: Sequence[np.ndarray]
) -> History:
    return History(space, tuple(evaluation.objectives), np.concatenate(genotypes), np.concatenate(values))


def _first_genotypes(space: SearchSpace, warm_start: History | np.ndarray | None, population: int) -> np.ndarray:
    """The genotypes ``(k, d)`` of a warm start; those of another restriction of the space are moved into this one."""
    if warm_start is None:
        return np.empty((0, space.n_genes), dtype=np.int64)
    if not isinstance(warm_start, History):
        return np.atleast_2d(space.canonical(warm_start))
    if warm_start.space.fingerprint != space.fingerprint:
        raise ValueError(f"warm_start is a search of {warm_start.space}, a space with other choices than {space}")
    return space.repair(warm_start.best(population).genotypes)


def _warn(history: History, failures: Failures) -> None:
    if failures.n:
        warnings.warn(f"{failures.n} of {len(history)} evaluations failed, the last one: {failures.reason}", stacklevel=3)
    bounds = [objective.bounds for objective in history.objectives if objective.is_bounded]
    if bounds and not history.feasible.any():
        nearest = ", ".join(
            f"{o.name} {value:.6g}" for o, value in zip(history.objectives, history.nearest_miss().values[0], strict=True)
        )
        warnings.warn(f"no measured sub-network has {' and '.join(bounds)}; the nearest has {nearest}", stacklevel=3)


def resolved(algorithm: str | type[Algorithm]) -> tuple[str, type[Algorithm]]:
    """The name and the class of an algorithm; a class that is registered has its registered name."""
    if isinstance(algorithm, type):
        return next((name for name, known in ALGORITHMS.items() if known is algorithm), algorithm.__qualname__), algorithm
    name = DEFAULT_ALGORITHM if algorithm == "default" else algorithm
    if name not in ALGORITHMS:
        raise ValueError(f"unknown algorithm {algorithm!r}; known: {sorted(ALGORITHMS)}")
    return name, ALGORITHMS[name]


def _build(
    name: str,
    kind: type[Algorithm],
    space: SearchSpace,
    objectives: Sequence[Objective],
    seed: int,
    population: int,
    settings: dict[str, Any],
) -> Algorithm:
    common = inspect.signature(Algorithm).parameters
    known = [own for own in inspect.signature(kind).parameters if own not in common]
    unknown = sorted(settings.keys() - set(known))
    if unknown:
        raise ValueError(f"{name!r} has no settings {unknown}; its settings are {known}")
    return kind(space, objectives, seed=seed, population=population, **settings)


def _measure_nothing(genotypes: np.ndarray) -> np.ndarray:
    return np.empty((len(genotypes), 0))
