"""What a backend offers for timing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Runner(Protocol):
    """A network that is ready to run on one batch, made from ``(network, inputs, threads)``."""

    def __call__(self) -> object:
        """Run the batch once."""

    def block_seconds(self, names: Sequence[str], n_runs: int) -> dict[str, list[float]]:
        """Seconds of blocks in each of ``n_runs`` runs of the whole network, by their module names.

        Alone, a block finds its weights and inputs in the cache and seems faster than it is in its network.
        """
