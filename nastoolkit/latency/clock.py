"""A clock for an unsteady machine: every run is compared with runs of a reference right before and right after it.

A laptop's or a cloud machine's speed changes by tens of percent within seconds, with its temperature and its neighbours. It
changes for all networks alike, so the ratio of two neighbouring runs stays the same although each time changes.
"""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress

import numpy as np
import psutil

from nastoolkit.latency.backends import Runner
from nastoolkit.support.counts import whole
from nastoolkit.threads import torch_threads

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
HEAP_BYTES = 1 << 30
LEAST_RUNS, MOST_RUNS = 3, 100
LOOK_SECONDS = 0.1
BUSY_PERCENT = 50.0


class BusyMachineWarning(UserWarning):
    """Latencies are being measured while other programs run."""


class Clock:
    """Times runners as multiples of a reference runner.

    Args:
        reference: Reference runner, which runs between all timed runs.
    """

    def __init__(self, reference: Runner) -> None:
        keep_heap()
        self.reference = reference
        self.reference_ms: list[float] = []

    def ratios(self, runner: Runner, seconds: float) -> np.ndarray:
        """Times ``(n,)`` of a runner in this many seconds, each divided by the mean of the reference's before and after it."""
        n_runs = runs_in(seconds, runner.elapsed_ms())
        around, times = [self.reference.elapsed_ms()], []
        for _ in range(n_runs):
            times.append(runner.elapsed_ms())
            around.append(self.reference.elapsed_ms())
        self.reference_ms += around
        return np.array(times) / (np.array(around[:-1]) + around[1:]) * 2

    @property
    def typical_ms(self) -> float:
        """Median of all runs of the reference so far."""
        return float(np.median(self.reference_ms))


def runs_in(seconds: float, run_ms: float) -> int:
    """Number of runs that fill this time, within reason."""
    return int(np.clip(1e3 * seconds / run_ms, LEAST_RUNS, MOST_RUNS))


def keep_heap() -> None:
    """Make the C library keep freed memory for the rest of the process.

    glibc returns large pieces to the system and requests them again, in some networks at every run and in others never. The
    thousands of page faults can make up a third of a network's time. Servers avoid this with another allocator.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            mallopt = ctypes.CDLL(None).mallopt
            mallopt(M_TRIM_THRESHOLD, HEAP_BYTES)
            mallopt(M_MMAP_THRESHOLD, HEAP_BYTES)


def check_threads(threads: int) -> int:
    """A number of threads that this machine can run at the same time.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It is below 1, or the machine has not so many hardware threads: some would wait for others.
    """
    threads, most = whole("threads", threads), os.cpu_count() or 1
    if threads > most:
        raise ValueError(f"threads must be between 1 and {most}, this machine's, got {threads}")
    return threads


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Keep this process on this number of cores, the least busy ones, if the system allows it, and PyTorch to as many threads.

    More threads than cores would wait for each other, even while a network is being built. A warning says if other programs
    keep these cores busy.

    Raises:
        ValueError: This machine has not so many.
    """
    threads = check_threads(threads)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
    busy = use_of_cores()
    chosen = idlest(cores or busy, threads, busy)
    warn_if_busy(float(np.mean([busy.get(core, 0.0) for core in chosen])))
    if cores:
        os.sched_setaffinity(0, chosen)
    try:
        with torch_threads(threads):
            yield
    finally:
        if cores:
            os.sched_setaffinity(0, cores)


def use_of_cores() -> dict[int, float]:
    """How busy other programs currently keep each core, in %."""
    return dict(enumerate(psutil.cpu_percent(LOOK_SECONDS, percpu=True)))


def warn_if_busy(percent: float) -> None:
    """Warn if other programs use more than half of the cores on which latencies are to be measured."""
    if percent > BUSY_PERCENT:
        warnings.warn(
            f"other programs use {percent:.0f} % of the cores that latencies are measured on: they will be too long, and "
            "scatter. Close the programs, or measure later; `nastoolkit doctor` shows the load of this machine.",
            BusyMachineWarning,
            stacklevel=4,
        )


def idlest(cores: Collection[int], n: int, busy: Mapping[int, float]) -> list[int]:
    """The cores that others use least, given their use in %: two programs on one core would interrupt each other's runs."""
    return sorted(cores, key=lambda core: (busy.get(core, 0.0), -core))[:n]
