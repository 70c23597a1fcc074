"""Latency of PyTorch modules on this machine.

``torch.utils.benchmark`` drives every run (threads, warm-up, repetitions); blocks inside a network are timed by hooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch
from torch import nn
from torch.utils.benchmark import Timer
from tqdm.auto import tqdm

from nastoolkit.blocks import Inputs, each


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


def measure(network: nn.Module, inputs: Inputs, threads: int = 1, seconds: float = 0.2) -> Timing:
    """Time one network in evaluation mode.

    Args:
        network: Set to evaluation mode.
        inputs: A whole batch ``(n, ...)``; the latency is that of the batch.
        threads: Threads that PyTorch may use.
        seconds: How long to go on timing.
    """
    return measure_all([(network, inputs)], threads, seconds, n_rounds=1)[0]


@torch.inference_mode()
def measure_all(
    cases: Sequence[tuple[nn.Module, Inputs]],
    threads: int = 1,
    seconds: float = 0.2,
    n_rounds: int = 4,
    progress: str = "",
) -> list[Timing]:
    """Time many networks in interleaved rounds, so that a drift of the machine's speed falls on all of them alike.

    Args:
        cases: Networks with their batches.
        threads: Threads that PyTorch may use.
        seconds: Time for each case, over all rounds.
        n_rounds: Each round times every case once.
        progress: Label of a progress bar; none where empty.
    """
    timers = [_timer(network, inputs, threads) for network, inputs in cases]
    runs: list[list[float]] = [[] for _ in cases]
    with tqdm(total=n_rounds * len(cases), desc=progress, disable=not progress) as bar:
        for _ in range(n_rounds):
            for timer, times in zip(timers, runs, strict=True):
                times += timer.blocked_autorange(min_run_time=seconds / n_rounds).times
                bar.update()
    return [_summary(np.array(times) * 1e3) for times in runs]


@torch.inference_mode()
def measure_blocks(
    network: nn.Module, inputs: Inputs, names: Iterable[str], threads: int = 1, seconds: float = 0.2
) -> dict[str, Timing]:
    """Time the blocks of a network while the whole network runs, by their module names.

    Alone, a block finds its weights and inputs in the cache and seems faster than it is in its network.
    """
    blocks = {name: network.get_submodule(name) for name in names}
    timer = _timer(network, inputs, threads)
    timer.timeit(2)
    with _stopwatches(blocks) as runs:
        timer.blocked_autorange(min_run_time=seconds)
    return {name: _summary(np.array(times) * 1e3) for name, times in runs.items()}


@contextmanager
def _stopwatches(blocks: dict[str, nn.Module]) -> Iterator[dict[str, list[float]]]:
    """Collect the seconds of every forward pass of each module."""
    runs: dict[str, list[float]] = {name: [] for name in blocks}
    started = 0.0

    def start(*_: object) -> None:
        nonlocal started
        started = perf_counter()

    handles = [block.register_forward_pre_hook(start) for block in blocks.values()]
    for name, block in blocks.items():
        handles.append(block.register_forward_hook(lambda *_, times=runs[name]: times.append(perf_counter() - started)))
    try:
        yield runs
    finally:
        for handle in handles:
            handle.remove()


def _timer(network: nn.Module, inputs: Inputs, threads: int) -> Timer:
    network.eval()
    batch = each(inputs, lambda part: part.to(memory_format=torch.channels_last) if part.dim() == 4 else part)
    return Timer("network(batch)", globals={"network": network, "batch": batch}, num_threads=threads)


def summarise(timings: Sequence[Timing]) -> Timing:
    """One timing for several: the median of medians, and how far these lie apart."""
    low, median, high = np.percentile([timing.median_ms for timing in timings], (25, 50, 75))
    return Timing(float(median), float(high - low), sum(timing.n_runs for timing in timings))


def _summary(times_ms: np.ndarray) -> Timing:
    low, median, high = np.percentile(times_ms, (25, 50, 75))
    return Timing(float(median), float(high - low), len(times_ms))
