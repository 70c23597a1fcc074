"""Latency of networks on this machine, end to end."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn
from tqdm.auto import tqdm

from nastoolkit.blocks import Inputs, each
from nastoolkit.families import Family
from nastoolkit.latency.backends import Runner, backend_named
from nastoolkit.latency.clock import Clock, keep_heap, pinned, runs_in
from nastoolkit.latency.machine import describe_machine
from nastoolkit.randomness import drawn_from

WIDE_PERCENT = 10  # a spread above it is no measurement
N_TRIES = 3
GROUP = 8  # networks in memory at a time


@dataclass(frozen=True)
class Timing:
    """Robust statistics of repeated runs.

    Attributes:
        median_ms: Median over runs, in ms.
        iqr_ms: Interquartile range, in ms: the clock's noise.
        n_runs: Number of timed runs, without warm-up.
    """

    median_ms: float
    iqr_ms: float
    n_runs: int

    @property
    def noisy(self) -> bool:
        """Whether the runs lie too far apart to rely on."""
        return 100 * self.iqr_ms > WIDE_PERCENT * self.median_ms


@dataclass(frozen=True)
class Latency(Timing):
    """A timing, and everything that it depends on apart from the network.

    Attributes:
        backend: One of ``BACKENDS``.
        batch_size: Inputs in a batch; the latency is that of the whole batch.
        threads: Threads that the backend could use.
        precision: Precision of weights and activations.
        library: Library that ran the network, with its version.
        device: Device that it ran on.
    """

    backend: str
    batch_size: int
    threads: int
    precision: str
    library: str
    device: str


def measure(
    network: nn.Module,
    inputs: Inputs,
    batch_size: int | None = None,
    threads: int = 1,
    seconds: float = 0.2,
    backend: str = "torch",
) -> Latency:
    """Time one network. Runs that lie too far apart are repeated; if that does not help, a warning says so.

    Args:
        network: Network, which is set to evaluation mode.
        inputs: One input or a whole batch, batch dimension first.
        batch_size: Number of times that a single input is repeated; by default the inputs are the batch.
        threads: Threads that the backend may use; meanwhile, the process is limited to as many cores.
        seconds: Time to spend on timing.
        backend: One of ``BACKENDS``.
    """
    batch = inputs if batch_size is None else each(inputs, lambda part: part.expand(batch_size, *part.shape[1:]))
    with pinned(threads):
        runner = backend_named(backend)(network, batch, threads)
        timing = summary(steady(lambda: _times_ms(runner, seconds)))
    if timing.noisy:
        warnings.warn(f"the machine is not quiet: the runs are {timing.iqr_ms / timing.median_ms:.0%} apart", stacklevel=2)
    return Latency(
        timing.median_ms,
        timing.iqr_ms,
        timing.n_runs,
        backend,
        len(batch[0] if isinstance(batch, tuple) else batch),
        threads,
        runner.precision,
        runner.library,
        runner.device,
    )


def _times_ms(runner: Runner, seconds: float) -> np.ndarray:
    keep_heap()
    runner.elapsed_ms()  # warms up
    return np.array([runner.elapsed_ms() for _ in range(runs_in(seconds, runner.elapsed_ms()))])


def steady(times: Callable[[], np.ndarray]) -> np.ndarray:
    """Runs ``(n,)`` that lie close together: if they do not, they are repeated, and the closest ones are kept."""
    tries: list[np.ndarray] = []
    while len(tries) < N_TRIES and (not tries or summary(tries[-1]).noisy):
        tries.append(times())
    return min(tries, key=lambda runs: summary(runs).iqr_ms / summary(runs).median_ms)


def summary(times_ms: np.ndarray) -> Timing:
    """Median and interquartile range of runs ``(n,)``."""
    low, median, high = np.percentile(times_ms, (25, 50, 75))
    return Timing(float(median), float(high - low), len(times_ms))


@dataclass(frozen=True)
class NetworkLatency:
    """End-to-end latency of a family's sub-networks with fresh weights: a function of genotypes to search with.

    A few sub-networks at a time are timed in interleaved rounds, and each run next to runs of a reference, so that neither
    drift nor other programs favour one of them.

    Attributes:
        family: Family of the sub-networks.
        backend: One of ``BACKENDS``.
        batch_size: Inputs a batch; latencies are those of the whole batch.
        threads: Threads that the backend may use.
        seconds: How long to time each sub-network, in all rounds together.
        reference: Genotype ``(d,)`` of the reference; by default the smallest sub-network.
        reference_ms: Reference's time at the speed for which latencies are stated; by default, its median in the call.
        n_rounds: Number of rounds, each of which times every sub-network.
    """

    family: Family
    backend: str = "torch"
    batch_size: int = 1
    threads: int = 1
    seconds: float = 0.3
    reference: np.ndarray | None = None
    reference_ms: float | None = None
    n_rounds: int = 4

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to latencies ``(n, 1)``, in ms."""
        return np.array([[timing.median_ms] for timing in self.timings(np.atleast_2d(genotypes))])

    def timings(self, genotypes: np.ndarray, progress: bool = False) -> list[Timing]:
        """Timings of sub-networks ``(n, d)``."""
        runs, reference_ms = self.rounds(genotypes, progress)
        return [summary(np.concatenate(ratios) * (self.reference_ms or reference_ms)) for ratios in runs]

    def rounds(self, genotypes: np.ndarray, progress: bool = False) -> tuple[list[list[np.ndarray]], float]:
        """Runs of each genotype by round, as multiples of the reference's time, and the median of that time, in ms."""
        label = f"latency of {len(genotypes)} networks"
        with pinned(self.threads), tqdm(total=self.n_rounds * len(genotypes), desc=label, disable=not progress) as bar:
            clock = self.clock()
            groups = [genotypes[start : start + GROUP] for start in range(0, len(genotypes), GROUP)]
            return [runs for group in groups for runs in self._interleaved(group, clock, bar)], clock.typical_ms

    def _interleaved(self, genotypes: np.ndarray, clock: Clock, bar: tqdm) -> list[list[np.ndarray]]:
        runners = [self.runner(genotype) for genotype in genotypes]
        runs: list[list[np.ndarray]] = [[] for _ in runners]
        for _ in range(self.n_rounds):
            for runner, ratios in zip(runners, runs, strict=True):
                ratios.append(clock.ratios(runner, self.seconds / self.n_rounds))
                bar.update()
        return runs

    def clock(self) -> Clock:
        """A clock with the reference."""
        reference = self.family.space.smallest if self.reference is None else self.reference
        return Clock(self.runner(reference))

    def runner(self, genotype: np.ndarray) -> Runner:
        """A sub-network that is ready to run."""
        case = fresh_case(self.family, genotype, self.batch_size)
        return backend_named(self.backend)(*case, self.threads)

    @property
    def facts(self) -> dict[str, str]:
        """Precision, library and device of the backend."""
        runner = self.runner(self.family.space.smallest)
        return {"precision": runner.precision, "library": runner.library, "device": runner.device}

    @property
    def settings(self) -> dict[str, Any]:
        """What the values depend on apart from the genotype; a store keeps it with them."""
        conditions = {"backend": self.backend, "batch_size": self.batch_size, "threads": self.threads}
        return {"measurement": "latency_ms", **self.family.identity, **conditions, **describe_machine()}


def fresh_case(family: Family, genotype: np.ndarray, batch_size: int) -> tuple[nn.Module, Inputs]:
    """A sub-network with fresh weights and a batch for it, the same every time."""
    with drawn_from(0):
        return family.build(genotype), family.example_inputs(genotype, batch_size)
