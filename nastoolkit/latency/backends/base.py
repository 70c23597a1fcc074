"""What a backend is: something that runs a network on one batch, so that it can be timed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from time import perf_counter

import numpy as np

from nastoolkit.threads import torch_threads


class Runner(ABC):
    """A network that is ready to run on one batch, made from ``(network, inputs, threads)``.

    Attributes:
        threads: Number of threads that the backend may use.
        precision: Precision of weights and activations, such as ``float32``.
        library: Library that runs it, with its version.
        device: Device that it runs on.
    """

    threads: int
    precision: str
    library: str
    device: str

    @abstractmethod
    def __call__(self) -> object:
        """Run the batch once."""

    def elapsed_ms(self) -> float:
        """Time of one run, after another run that has filled the caches."""
        with torch_threads(self.threads):
            self()
            started = perf_counter()
            self()
            return 1e3 * (perf_counter() - started)

    def block_shares(self, names: Sequence[str], n_runs: int) -> np.ndarray | None:
        """Each block's share of the time of the whole network, for blocks by their module names.

        Alone, a block finds its weights and inputs in the cache and seems faster than it is in its network.

        Returns:
            ``(len(names),)``, adding up to 1, medians over ``n_runs`` runs; None if the library cannot time single blocks.
        """
        return None


def shares(seconds: np.ndarray) -> np.ndarray:
    """Shares ``(k,)``, adding up to 1, of blocks whose times in ``n`` runs are ``(n, k)``."""
    each_run = np.median(seconds / seconds.sum(axis=1, keepdims=True), axis=0)
    return each_run / each_run.sum()
