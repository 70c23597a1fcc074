"""The loop of every search: ask, measure, tell."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from nastoolkit.history import History
from nastoolkit.objectives import Objective, complete
from nastoolkit.search.algorithm import Algorithm
from nastoolkit.space import SearchSpace
from nastoolkit.studies.asynchronous import AsynchronousSearch, Journal
from nastoolkit.studies.calls import Evaluate
from nastoolkit.studies.evaluation import Evaluation
from nastoolkit.studies.exact import warn_of_slow
from nastoolkit.studies.failures import Failures
from nastoolkit.studies.plan import Plan
from nastoolkit.studies.replay import packed, unpacked
from nastoolkit.studies.running import Running
from nastoolkit.studies.store import Store
from nastoolkit.support.interrupts import explain_resume

BEFORE_ALL = -1  # the number of the ask before which a journal keeps what was slow
Watch = Callable[[History], None]


def optimize(
    space: SearchSpace,
    evaluate: Evaluate | None,
    objectives: Sequence[Objective],
    algorithm: str | type[Algorithm] = "default",
    budget: int = 250,
    seed: int = 0,
    store: str | Path | None = None,
    executor: Executor | Running | None = None,
    progress: bool = True,
    population: int = 50,
    warm_start: History | np.ndarray | None = None,
    watch: Watch | None = None,
    **settings: Any,
) -> History:
    """Search a space, spending exactly ``budget`` evaluations, or fewer if the space holds no more sub-networks.

    With a store, run it again after any interruption: what is stored is replayed, and the search continues to the identical
    result. A search that ended without failures is read from the store without asking the algorithm, unless ``watch`` or calls
    in flight are given, or its algorithm or predictor is not from this package. Evaluations that were stored with another
    algorithm, seed or computer's latency table are used too.

    An evaluation fails if ``evaluate`` raises or returns NaN or infinity, or if its worker is killed or out of time. It costs
    budget and has NaN in the history; a warning says how many failed. If a call raises, all its rows count as failed. The
    algorithm is told: the default and those with predictors learn what fails and avoid it; in evolution, failed sub-networks
    never become parents. If all of the last evaluations failed, up to three sub-networks that could be measured before are
    measured again, which costs no budget: if one of them succeeds, the sub-networks are to blame, not the measurement, and the
    search continues.

    A warning also says if no sub-network keeps the bounds of the objectives, and how close the nearest one comes.

    Args:
        space: Space to search.
        evaluate: Genotypes ``(n, d)`` to raw values ``(n, m')``, a column for each objective without ``exact``, in their
            order. Its attribute ``settings`` (a dict of JSON types), if any, belongs to the identity of the store. None if
            every objective is exact.
        objectives: The m objectives to optimise. Those with ``exact`` are timed first: one that takes more than a millisecond
            per sub-network is computed only for sub-networks that are proposed, and modelled like a measured one; a warning
            says so.
        algorithm: A name in :data:`nastoolkit.search.ALGORITHMS`, ``"default"``, the best general choice, or a class.
        budget: Number of evaluations, replayed ones included.
        seed: Random seed of the algorithm.
        store: An SQLite file, made if missing; see :class:`nastoolkit.studies.store.Store`.
        executor: Where ``evaluate`` runs, by default in this process: an executor, for example
            :class:`nastoolkit.studies.processes.Processes`, or a :class:`nastoolkit.studies.running.Running`, which also says
            how large calls are and what is done when they fail.
        progress: Whether to show the number of evaluations, of replayed ones, and the time left.
        population: Number of sub-networks that the algorithm proposes at a time.
        warm_start: Sub-networks to measure first: the best of a finished search of the same space, a population of them, even
            if it was on other hardware; or all of genotypes ``(k, d)``.
        watch: Called after each generation with all evaluations so far; never if calls are kept in flight, without
            generations.
        **settings: The algorithm's own settings.

    Returns:
        The evaluations in the order in which they were asked for. Its front is empty if nothing keeps the bounds; see
        :meth:`nastoolkit.history.History.nearest_miss`.

    Raises:
        TypeError: A count or a seed is not a whole number.
        ValueError: The algorithm or a setting is unknown, the algorithm cannot take the objectives, a number is out of range,
            the warm start is from another space, or values have the wrong shape. Evaluations made before are in the store.
        EvaluationError: Too many evaluations fail, or the executor lost its workers.
    """
    running = executor if isinstance(executor, Running) else Running(executor=executor)
    _refuse_running(settings)
    plan = Plan.of(space, objectives, algorithm, budget, seed, population, warm_start, settings)
    if evaluate is None and plan.measured:
        raise ValueError(f"evaluate is None, but {[o.name for o in plan.measured]} are not exact and need it")
    with (
        explain_resume(lambda: _how_to_go_on(store)),
        nullcontext() if store is None else Store(store, space, objectives, getattr(evaluate, "settings", {})) as opened,
        tqdm(total=plan.budget, desc=plan.name, unit="evaluation", smoothing=0, disable=not progress) as bar,
    ):
        evaluation = running.evaluation(evaluate or _measure_nothing, objectives, opened, plan.population, bar)
        with nullcontext() if opened is None else _noted(opened, plan):
            history = _run(plan, evaluation, running.in_flight, watch)
            evaluation.failures.finish()
    _warn(history, evaluation.failures)
    return history


@contextmanager
def _noted(store: Store, plan: Plan) -> Iterator[None]:
    """Record in a store that a search begins and, if it does, that it ends."""
    study = store.start_study(plan.name, plan.seed, {"budget": plan.budget, **plan.identity})
    yield
    store.finish_study(study)


def _refuse_running(settings: dict[str, Any]) -> None:
    if own := [field.name for field in fields(Running) if field.name in settings]:
        raise TypeError(f"{own[0]} says how a search is run: executor=Running({own[0]}={settings[own[0]]!r})")


def _run(plan: Plan, evaluation: Evaluation, in_flight: int | None, watch: Watch | None) -> History:
    """The result of a plan's search, or what a store keeps of it."""
    store, objectives = evaluation.store, evaluation.objectives
    journal = Journal(store, plan.question)
    slow = journal.rows_before(BEFORE_ALL, plan.slow) if len(plan.measured) < len(objectives) else plan.slow
    warn_of_slow(objectives, slow)
    searcher = plan.searcher(slow)
    if in_flight is not None:
        return AsynchronousSearch(searcher, evaluation, plan.budget, in_flight, journal).run()
    if store is None or watch is not None or not plan.is_reproducible:
        return _search(searcher, evaluation, plan.budget, watch)
    return _search_once(searcher, evaluation, plan.budget, store, plan.fingerprint(slow))


def _how_to_go_on(store: str | Path | None) -> str:
    if store is None:
        return "interrupted, and nothing was kept: with store=FILE (--store FILE in a shell) a second call would go on"
    return f"interrupted: run the same again, and it goes on with the evaluations that {store} keeps"


def _search_once(searcher: Algorithm, evaluation: Evaluation, budget: int, store: Store, fingerprint: str) -> History:
    """Read what the same search found, or run it; one with failures is not kept, so that they are tried again."""
    found = unpacked(searcher.space, store.finished_search(fingerprint))
    if found is not None:
        return _history(evaluation, searcher.space, [found], [complete(evaluation.objectives, found, evaluation(found))])
    history = _search(searcher, evaluation, budget, None)
    if not history.failed.any():
        store.save_finished_search(fingerprint, packed(searcher.space, history.genotypes))
    return history


def _search(searcher: Algorithm, evaluation: Evaluation, budget: int, watch: Watch | None) -> History:
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


def _warn(history: History, failures: Failures) -> None:
    if failures.n:
        warnings.warn(f"{failures.n} of {len(history)} evaluations failed; the last error: {failures.reason}", stacklevel=3)
    bounds = [objective.bounds for objective in history.objectives if objective.is_bounded]
    if bounds and not history.feasible.any():
        nearest = ", ".join(
            f"{o.name} {value:.6g}" for o, value in zip(history.objectives, history.nearest_miss().values[0], strict=True)
        )
        warnings.warn(f"no measured sub-network has {' and '.join(bounds)}; the nearest has {nearest}", stacklevel=3)


def _measure_nothing(genotypes: np.ndarray) -> np.ndarray:
    return np.empty((len(genotypes), 0))
