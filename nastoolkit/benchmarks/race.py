"""Races: several algorithms on one benchmark, over seeds; evaluations needed to reach a hypervolume, with intervals."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from nastoolkit.benchmarks.base import Benchmark, Problem
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.statistics import Censored, counted, median_interval
from nastoolkit.studies import optimize
from nastoolkit.studies.plan import resolved
from nastoolkit.studies.replay import N_PROBES, has_known_code, packed, search_fingerprint, unpacked
from nastoolkit.support.files import atomically, check_output_folder


@dataclass(frozen=True)
class Curves:
    """The searches of one algorithm, a row for each seed.

    Attributes:
        curves: Hypervolume ``(seeds, evaluations)`` after each evaluation.
        seconds: Seconds of each search ``(seeds,)``, including evaluations; empty if they were not timed.
    """

    curves: np.ndarray
    seconds: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def final(self) -> np.ndarray:
        """Hypervolumes ``(seeds,)`` at the end."""
        return self.curves[:, -1]

    def evaluations_to(self, hypervolume: float | np.ndarray) -> np.ndarray:
        """Evaluations after which each seed reached this hypervolume ``(seeds,)``, or its own one of ``(seeds, 1)``.

        Infinity if it never did.
        """
        reached = self.curves >= hypervolume
        return np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)

    def counts_to(self, hypervolume: float | np.ndarray) -> Censored:
        """The same, but if a seed never reached this hypervolume, its count is only known to be above the budget."""
        return counted(self.evaluations_to(hypervolume), self.curves.shape[1])

    def to_frame(self, evaluations: Sequence[int]) -> pd.DataFrame:
        """The hypervolume of each seed after some numbers of evaluations: ``evaluations``, ``seed`` and ``hypervolume``."""
        rows = [(k, seed, volume) for k in evaluations for seed, volume in enumerate(self.curves[:, k - 1])]
        return pd.DataFrame(rows, columns=["evaluations", "seed", "hypervolume"])

    def times_fewer(self, other: Curves, evaluations: int | None = None) -> Censored:
        """How many times fewer evaluations than another run each seed needed ``(seeds,)`` for the same hypervolume.

        Args:
            other: Curves of the other run, with the same seeds.
            evaluations: Number of evaluations after which the other's hypervolume is taken; by default all.

        Returns:
            Ratios, below 1 if it took more; those of seeds that never reached that hypervolume lie between 0 and an upper end.
        """
        volume = other.curves[:, :evaluations][:, -1:]
        return other.counts_to(volume) / self.counts_to(volume)


def run_race(
    problem: Benchmark, algorithm: str, seeds: int = 10, budget: int = 250, progress: bool = True, **settings: Any
) -> Curves:
    """Run one algorithm with seeds 0, 1, ...; further keyword arguments go to :func:`nastoolkit.studies.optimize`."""
    where = (problem.space, problem.evaluate, problem.objectives)
    curves, seconds = [], []
    for seed in tqdm(range(seeds), desc=algorithm, unit="seed", disable=not progress):
        started = time.perf_counter()
        history = optimize(*where, algorithm, budget, seed, progress=False, **settings)
        seconds.append(time.perf_counter() - started)
        curves.append(history.hypervolume_curve(problem.reference_point))
    return Curves(np.array(curves), np.array(seconds))


def replayed_search(
    folder: str | Path,
    problem: Benchmark,
    algorithm: str,
    budget: int,
    seed: int = 0,
    objectives: Sequence[Objective] | None = None,
    **settings: Any,
) -> np.ndarray:
    """A search that is kept in a file, and read from there if the same search of the same problem is asked for with the same
    code.

    Args:
        folder: Folder with a file for each search of any problem; made if missing. Several processes may use it.
        problem: Problem whose evaluations cost nothing; the values of 100 sub-networks identify it.
        algorithm: See :func:`nastoolkit.studies.optimize`, also for the next arguments.
        budget: Number of evaluations.
        seed: Random seed.
        objectives: Objectives, for example the problem's with bounds; by default the problem's.
        **settings: Arguments of :func:`nastoolkit.studies.optimize` that change its result; a warm start as genotypes.

    Returns:
        Measured genotypes ``(n, d)`` in order, which ``problem.history`` turns into the search's history.
    """
    space, objectives = problem.space, problem.objectives if objectives is None else objectives
    how = {"budget": budget, "seed": seed, "progress": False, **settings}
    if not has_known_code(resolved(algorithm)[1], settings):
        return optimize(space, problem.evaluate, objectives, algorithm, **how).genotypes
    check_output_folder(folder)
    values = problem.evaluate(space.sample(N_PROBES, np.random.default_rng(0)))
    question = search_fingerprint(space, objectives, [algorithm, sorted(how.items()), values])
    file = Path(folder) / f"{question}.search"
    genotypes = unpacked(space, file.read_bytes()) if file.exists() else None
    if genotypes is None:
        genotypes = optimize(space, problem.evaluate, objectives, algorithm, **how).genotypes
        with atomically(file) as new:
            new.write_bytes(packed(space, genotypes))
    return genotypes


def replayed_history(
    folder: str | Path,
    problem: Problem,
    algorithm: str,
    budget: int,
    seed: int = 0,
    store: str | Path | None = None,
    executor: Executor | None = None,
    **settings: Any,
) -> History:
    """A search's history, which is made only once: with a store if it has one, else by :func:`replayed_search`.

    Args:
        folder: See :func:`replayed_search`.
        problem: Problem to search.
        algorithm: See :func:`nastoolkit.studies.optimize`, also for the next arguments.
        budget: Number of evaluations.
        seed: Random seed.
        store: Store for evaluations that take a while; None if they cost nothing.
        executor: Executor of such evaluations.
        **settings: Arguments of :func:`nastoolkit.studies.optimize` that change its result.
    """
    if store is None:
        return problem.history(replayed_search(folder, problem, algorithm, budget, seed, **settings))
    where = (problem.space, problem.measure, problem.objectives)
    return optimize(*where, algorithm, budget, seed, store, executor, progress=False, **settings)


def read_targets(text: str, algorithms: Sequence[str]) -> list[float | str]:
    """Targets from a text with commas: hypervolumes and names of algorithms; ValueError for anything else."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    return [word if word in algorithms else _number(word, algorithms) for word in words]


def _number(word: str, algorithms: Sequence[str]) -> float:
    try:
        return float(word)
    except ValueError:
        known = ", ".join(algorithms)
        raise ValueError(f"a target is a hypervolume or an algorithm of this race ({known}), got {word!r}") from None


def find_targets(problem: Benchmark, runs: Mapping[str, Curves], further: Sequence[float | str]) -> dict[str, float]:
    """Hypervolumes to reach, by name, the easiest first: the benchmark's own and others.

    Args:
        problem: Problem, which has targets of its own.
        runs: Curves of all algorithms, by name.
        further: Hypervolumes, or names of algorithms, which stand for the median of their final hypervolumes.
    """
    found = dict(problem.targets)
    for target in further:
        found[str(target)] = float(np.median(runs[target].final)) if isinstance(target, str) else target
    return dict(sorted(found.items(), key=lambda item: item[1]))


def summary(runs: Mapping[str, Curves], targets: Mapping[str, float]) -> list[dict[str, Any]]:
    """Final hypervolume, seconds, and evaluations to each target of each algorithm, as JSON types; medians over seeds."""
    rows = []
    for algorithm, run in runs.items():
        volume, interval = median_interval(run.final)
        reached = [_to_target(run, name, target) for name, target in targets.items()]
        numbers = {"hypervolume": volume, "hypervolume_interval": interval, "seconds": float(np.median(run.seconds))}
        rows.append({"algorithm": algorithm, **numbers, "targets": reached})
    return rows


def _to_target(run: Curves, name: str, hypervolume: float) -> dict[str, Any]:
    evaluations = run.evaluations_to(hypervolume)
    median, interval = median_interval(evaluations)
    found = {"evaluations": median, "interval": interval, "seeds_that_reach_it": int(np.isfinite(evaluations).sum())}
    return {"target": name, "hypervolume": hypervolume, **found}


def as_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A summary as a table with a column for each algorithm, because there are many targets."""
    columns = {}
    for row in rows:
        cells = {"hypervolume at the end": _with_interval(row["hypervolume"], row["hypervolume_interval"])}
        cells["seconds a search"] = f"{row['seconds']:.2f}"
        for to in row["targets"]:
            cells[f"evaluations to {to['hypervolume']:.2f} ({to['target']})"] = _with_interval(
                to["evaluations"], to["interval"]
            )
        columns[row["algorithm"]] = cells
    return pd.DataFrame(columns)


def _with_interval(value: float | None, interval: Sequence[float | None]) -> str:
    """A number with its interval, or a dash if it was not reached."""
    center, low, high = ("-" if number is None else f"{number:.6g}" for number in (value, *interval))
    return f"{center} [{low}, {high}]" if low != "-" else "-"
