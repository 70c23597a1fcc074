"""Grids of jobs: arms x seeds x problems, side by side in worker processes; each result is kept, and all make a data frame."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass
from inspect import isfunction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from nastoolkit.studies.processes import Processes
from nastoolkit.studies.replay import code_versions
from nastoolkit.studies.results import Row, as_text, file_of, read, write
from nastoolkit.support.counts import whole
from nastoolkit.support.interrupts import explain_resume
from nastoolkit.support.json_types import plain

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Failure:
    """A job that failed.

    Attributes:
        job: Its arguments.
        error: Kind and message of its error.
        traceback: Where in the function the error happened; empty if the job's process died.
    """

    job: Row
    error: str
    traceback: str = ""

    def __str__(self) -> str:
        return f"{', '.join(f'{name}={value!r}' for name, value in self.job.items())}: {self.error}"


Call = tuple[Path, Row, Row]  # file of a result, its job, and the function's arguments
Finished = Generator[tuple[int, Failure | None], None, None]  # numbers of jobs, and what failed


class JobsError(RuntimeError):
    """Some jobs of a grid failed; this is raised when all others have finished.

    Attributes:
        failures: Jobs that failed, in their order.
        n_jobs: Total number of jobs.
    """

    def __init__(self, failures: Sequence[Failure], n_jobs: int) -> None:
        super().__init__(failures, n_jobs)
        self.failures, self.n_jobs = failures, n_jobs

    def __str__(self) -> str:
        first = (
            f"{len(self.failures)} of {self.n_jobs} jobs failed; the others are kept, and run again, these alone are tried:"
        )
        traces = [f"\n{failure.traceback}" for failure in self.failures if failure.traceback]
        return "\n".join([first, *(f"  {failure}" for failure in self.failures), *traces[:1]])


def jobs(**axes: Any) -> list[Row]:
    """All combinations of the arguments' values; the last argument changes fastest.

    Args:
        **axes: Several values of an argument (a list, a tuple, a range or an array), or a single value for all jobs.
    """
    values = [axis if isinstance(axis, list | tuple | range | np.ndarray) else [axis] for axis in axes.values()]
    return [plain(dict(zip(axes, chosen, strict=True))) for chosen in product(*values)]


def run_grid(
    function: Callable[..., Any],
    jobs: Iterable[Row],
    folder: str | Path,
    *,
    version: int | str,
    n_workers: int = 1,
    progress: bool = True,
    given: Iterable[Row] | None = None,
) -> pd.DataFrame:
    """Call a function for each job, unless the result of an earlier call is kept.

    Args:
        function: Function of a module, called with a job as keyword arguments; it returns rows as a list of dicts or a data
            frame, and depends on its arguments alone.
        jobs: Keyword arguments of each call, of JSON types; all different.
        folder: Folder with a file for each result. A grid that was killed continues when it is run again.
        version: Version of what the function does; results of different versions are kept apart, as are those of different
            versions of an algorithm, a predictor or a library.
        n_workers: Number of worker processes, of one thread each; 0 runs all jobs in this process.
        progress: Whether to show a progress bar.
        given: Keyword arguments of each call instead of its job, of any type that can be pickled. A job then only names
            everything that its result depends on.

    Returns:
        The rows of all jobs in their order, with the jobs' arguments as columns; the same for any number of workers.

    Raises:
        JobsError: A job raised an error, or its process died. All others are finished first.
        ValueError: Two jobs are the same, there are not as many as given arguments, or worker processes cannot import the
            function.
        TypeError: A job is not of JSON types.
        OSError: Something else removed a result before it was read.
    """
    _check(function, n_workers)
    asked = [plain(job) for job in jobs]
    if len({as_text(job) for job in asked}) < len(asked):
        raise ValueError("some jobs are the same, so their rows would count twice")
    versions = [version, *code_versions()]
    files = [file_of(Path(folder), function.__name__, versions, job) for job in asked]
    calls = zip(files, asked, asked if given is None else given, strict=True)
    left = [(file, job, arguments) for file, job, arguments in calls if read(file, job) is None]
    bar = tqdm(total=len(asked), initial=len(asked) - len(left), desc=function.__name__, unit="job", disable=not progress)
    with bar, explain_resume(lambda: f"what is finished is kept in {folder}; run it again to go on"):
        failures = _run_all(function, left, n_workers, bar)
    if failures:
        raise JobsError(failures, len(asked))
    results = [read(file, job) for file, job in zip(files, asked, strict=True)]
    if lost := [str(file) for file, rows in zip(files, results, strict=True) if rows is None]:
        raise OSError(f"these files of results cannot be read: {', '.join(lost)}")
    rows = [row for rows in results for row in rows or []]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=list(asked[0]) if asked else [])


def _check(function: Callable[..., Any], n_workers: int) -> None:
    """Refuse functions that workers cannot import, or that depend on more than their arguments."""
    whole("n_workers", n_workers, 0)
    if not isfunction(function) or function.__qualname__ != function.__name__ or function.__name__ == "<lambda>":
        raise ValueError(
            f"a grid needs a function of a module; got {function!r}; everything else belongs in the jobs' arguments"
        )
    in_notebook = function.__module__ == "__main__" and not hasattr(sys.modules["__main__"], "__file__")
    if n_workers and in_notebook:
        raise ValueError(
            f"worker processes cannot import {function.__name__}, which is defined in a notebook: "
            "move it to a module, or run it here with n_workers=0"
        )


def _run_all(function: Callable[..., Any], left: Sequence[Call], n_workers: int, bar: tqdm) -> list[Failure]:
    """Run the jobs that are left; returns the failures in the jobs' order."""
    finished = _side_by_side(function, left, n_workers) if n_workers else _here(function, left)
    failures: dict[int, Failure] = {}
    with _one_thread(), closing(finished):
        for number, failure in finished:
            bar.update()
            failures |= {number: failure} if failure else {}
    return [failures[number] for number in sorted(failures)]


def _side_by_side(function: Callable[..., Any], left: Sequence[Call], n_workers: int) -> Finished:
    """Run jobs in workers; if it is closed early, it starts no more jobs and does not wait for running ones."""
    executor, is_done = Processes(n_workers), False
    try:
        calls = {executor.submit(_run, function, *one): number for number, one in enumerate(left)}
        for call in as_completed(calls):
            died = call.exception()
            yield calls[call], Failure(left[calls[call]][1], _described(died)) if died else call.result()
        is_done = True
    finally:
        executor.shutdown(wait=is_done, cancel_futures=True)


def _here(function: Callable[..., Any], left: Sequence[Call]) -> Finished:
    for number, one in enumerate(left):
        yield number, _run(function, *one)


def _run(function: Callable[..., Any], file: Path, job: Row, arguments: Row) -> Failure | None:
    """Run a job and keep its result; errors are returned as texts, because not every error can be sent from a worker."""
    try:
        with threadpool_limits(1):
            write(file, job, function(**arguments))
    except Exception as error:
        return Failure(job, _described(error), traceback.format_exc())
    return None


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """Make libraries that are loaded from now on, here or in a worker, use one thread."""
    before = dict(os.environ)
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name in ONE_THREAD:
            os.environ.pop(name)
            os.environ.update({name: before[name]} if name in before else {})
