"""Latency of networks and of the blocks inside them, on this machine.

``torch.utils.benchmark`` drives every run (threads, warm-up, repetitions), whichever backend runs the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn
from torch.utils.benchmark import Timer
from tqdm.auto import tqdm

from nastoolkit.blocks import Inputs
from nastoolkit.measurements.backends import Runner, backend_named

LEAST_RUNS, MOST_RUNS = 4, 100  # of a network, with its blocks watched and without


@dataclass(frozen=True)
class Timing:
    """Robust statistics of repeated runs.

    Attributes:
        median_ms: Median over runs, in ms.
        iqr_ms: Interquartile range, in ms; the clock's noise.
        n_runs: Timed runs, warm-up not counted.
    """

    median_ms: float
    iqr_ms: float
    n_runs: int


def measure(network: nn.Module, inputs: Inputs, threads: int = 1, seconds: float = 0.2, backend: str = "torch") -> Timing:
    """Time one network in evaluation mode.

    Args:
        network: Set to evaluation mode.
        inputs: A whole batch; the latency is that of the batch.
        threads: Threads that the backend may use.
        seconds: How long to go on timing.
        backend: One of ``BACKENDS``.
    """
    return measure_all([(network, inputs)], threads, seconds, n_rounds=1, backend=backend)[0]


def measure_all(
    cases: Sequence[tuple[nn.Module, Inputs]],
    threads: int = 1,
    seconds: float = 0.2,
    n_rounds: int = 4,
    progress: str = "",
    backend: str = "torch",
) -> list[Timing]:
    """Time many networks in interleaved rounds, so that a drift of the machine's speed falls on all of them alike.

    Args:
        cases: Networks with their batches.
        threads: Threads that the backend may use.
        seconds: Time for each case, over all rounds.
        n_rounds: Each round times every case once.
        progress: Label of a progress bar; none where empty.
        backend: One of ``BACKENDS``.
    """
    return [
        _summary(np.concatenate(rounds)) for rounds in measure_rounds(cases, threads, seconds, n_rounds, progress, backend)
    ]


def measure_rounds(
    cases: Sequence[tuple[nn.Module, Inputs]],
    threads: int = 1,
    seconds: float = 0.2,
    n_rounds: int = 4,
    progress: str = "",
    backend: str = "torch",
) -> list[list[np.ndarray]]:
    """As :func:`measure_all`, but all times in ms, for each case and round."""
    make = backend_named(backend)
    timers = [_timer(make(network, inputs, threads), threads) for network, inputs in cases]
    runs: list[list[np.ndarray]] = [[] for _ in cases]
    with tqdm(total=n_rounds * len(cases), desc=progress, disable=not progress) as bar:
        for _ in range(n_rounds):
            for timer, times in zip(timers, runs, strict=True):
                timer.timeit(1)  # the one before has filled the caches with another network
                times.append(1e3 * np.array(timer.blocked_autorange(min_run_time=seconds / n_rounds).times))
                bar.update()
    return runs


def measure_blocks(
    network: nn.Module,
    inputs: Inputs,
    names: Iterable[str],
    threads: int = 1,
    seconds: float = 0.2,
    backend: str = "torch",
) -> dict[str, Timing]:
    """Time all blocks of a network while the whole network runs, by their module names.

    Watching blocks slows a network down, and some of its time is in no block: the blocks' times are therefore scaled, to add
    up to the latency of the network that nobody watches.
    """
    runner, names = backend_named(backend)(network, inputs, threads), list(names)
    unwatched = _median_seconds(_timer(runner, threads), seconds / 2)
    runs = runner.block_seconds(names, n_runs=int(np.clip(seconds / 2 / unwatched, LEAST_RUNS, MOST_RUNS)))
    scale = unwatched / sum(np.median(times) for times in runs.values())
    return {name: _summary(1e3 * scale * np.array(times)) for name, times in runs.items()}


def _median_seconds(timer: Timer, seconds: float) -> float:
    """Of one run, after one that warms up."""
    n_runs = int(np.clip(seconds / timer.timeit(1).median, LEAST_RUNS, MOST_RUNS))
    return float(np.median([timer.timeit(1).median for _ in range(n_runs)]))


def _timer(runner: Runner, threads: int) -> Timer:
    return Timer("run()", globals={"run": runner}, num_threads=threads)


def summarise(timings: Sequence[Timing]) -> Timing:
    """One timing for several: the median of medians, and how far these lie apart."""
    low, median, high = np.percentile([timing.median_ms for timing in timings], (25, 50, 75))
    return Timing(float(median), float(high - low), sum(timing.n_runs for timing in timings))


def _summary(times_ms: np.ndarray) -> Timing:
    low, median, high = np.percentile(times_ms, (25, 50, 75))
    return Timing(float(median), float(high - low), len(times_ms))
