"""Measurements that ship with the package, so that the page of a first visit has something to show at once.

The accuracies are those of the benchmark ``digits-mbv3-table``. The latencies of the blocks are in the file next to this
module, which ``nastoolkit profile`` made; its conditions name the machine.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from nastoolkit.benchmarks.digits_mbv3_table import FAMILY, N_CALIBRATION, DigitsTable
from nastoolkit.families import Family
from nastoolkit.history import History
from nastoolkit.latency import LookupTable
from nastoolkit.space import SearchSpace
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Task

LATENCIES = Path(__file__).with_name("digits_mbv3_latency.json")
N_DRAWN = 250  # networks besides those of the front: more would only be a grey cloud


class Stored:
    """Accuracies of 10,648 sub-networks of the shipped supernet, and the latencies of its blocks on another machine.

    Args:
        family: The family ``digits-mbv3``.

    Attributes:
        n_calibration: Number of images for batch normalisation that the accuracies were measured with.
        table: Latencies of the blocks.
    """

    n_calibration = N_CALIBRATION

    def __init__(self, family: Family) -> None:
        self._networks = DigitsTable("params")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that it is another machine's stands in its name
            self.table = LookupTable.load(LATENCIES, family)

    def fits(self, supernet: Supernet) -> bool:
        """Whether the accuracies are those of a supernet's weights."""
        return supernet.fingerprint == self._networks.conditions["weights"]

    @property
    def name(self) -> str:
        """How menus name the latencies: the hardware, and whose they are."""
        conditions = self.table.conditions
        hardware = " ".join(str(conditions[part]) for part in ("backend", "batch_size", "threads"))
        return f"{hardware} (stored: {conditions['cpu']})"

    @property
    def space(self) -> SearchSpace:
        """The part of the family's space that was measured."""
        return self._networks.space

    def accuracy(self, genotype: np.ndarray) -> float | None:
        """The measured accuracy of a sub-network ``(d,)``, in %; None if it is not among the 10,648."""
        return float(self.evaluate(genotype[None])[0, 0]) if self._holds(self.space, genotype[None])[0] else None

    def evaluate(self, genotypes: np.ndarray) -> np.ndarray:
        """Accuracies ``(n, 1)`` of sub-networks ``(n, d)`` of the space."""
        return self._networks.evaluate(genotypes)

    def worth_drawing(self, history: History) -> History:
        """The front of a history of all stored sub-networks, and some others."""
        others = np.random.default_rng(0).permutation(len(history))[:N_DRAWN]
        return history[np.union1d(np.flatnonzero(history.on_front), others)]

    def genotypes_within(self, space: SearchSpace) -> np.ndarray:
        """The stored sub-networks ``(n, d)`` that are in a space."""
        genotypes = self._networks.genotypes
        return genotypes[self._holds(space, genotypes)]

    @staticmethod
    def _holds(space: SearchSpace, genotypes: np.ndarray) -> np.ndarray:
        return (space.repair(genotypes) == genotypes).all(axis=1)


def stored_for(supernet: Supernet, task: Task) -> Stored | None:
    """What is stored for a supernet and a task; None if that is nothing."""
    if supernet.family.name != FAMILY or task.name != "digits":
        return None
    stored = Stored(supernet.family)
    return stored if stored.fits(supernet) else None
