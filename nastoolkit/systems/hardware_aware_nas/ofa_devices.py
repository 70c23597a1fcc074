"""Two devices with published latencies of Once-for-All's MobileNetV3, as hardware between which fronts may transfer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nastoolkit.history import History
from nastoolkit.objectives import Objective, complete
from nastoolkit.space import SearchSpace
from nastoolkit.systems.hardware_aware_nas.problems import DESKTOP, PHONE, PublishedTables


@dataclass(frozen=True, kw_only=True)
class OfaDevices:
    """A desktop processor and a phone; each has only one table, so fronts are judged by the table that guided the search.

    Attributes:
        folder: Folder that keeps finished searches.
        data_folder: Folder of the published files; empty means the usual places.
    """

    folder: str
    data_folder: str = ""

    @property
    def made(self) -> PublishedTables:
        """The problem."""
        return PublishedTables(folder=self.folder, data_folder=self.data_folder)

    @property
    def tables(self) -> list[str]:
        """Names of the devices.

        Raises:
            FileNotFoundError: The published files are not on this machine.
        """
        self.made.as_argument(DESKTOP, PHONE)
        return [DESKTOP, PHONE]

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        return self.made.space

    @property
    def quality(self) -> Objective:
        """The objective in addition to latency."""
        return self.made.quality

    @property
    def reference_quality(self) -> float:
        """Accuracy of the reference point, in %."""
        return 75.0

    def latency(self, name: str, use: str, genotypes: np.ndarray) -> np.ndarray:
        """Latencies ``(n,)`` on a device, in ms, or MMACs; the same for every use."""
        return complete([self.made.cost(name)], genotypes, np.empty((len(genotypes), 0)))[:, 0]

    def search(self, name: str, algorithm: str, budget: int, population: int, seed: int) -> History:
        """A search by predicted accuracy and a latency, or MMACs, read from its file if it was made before."""
        return self.made.search(name, algorithm, budget, seed, population=population)

    def tested(self, front: History) -> np.ndarray:
        """Predicted accuracies ``(n,)`` of a front, in %."""
        return front.values[:, 0]
