"""What the playground plays, computed once: races of algorithms, and what networks read in a dozen digits.

python -m nastoolkit.explorer.played

It writes the file next to this module, in about two minutes. Numbers are integers in base64, as those of the playground.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from nastoolkit.benchmarks.digits_mbv3_table import DigitsTable
from nastoolkit.benchmarks.race import run_race
from nastoolkit.explorer.packing import packed
from nastoolkit.explorer.readers import Readers
from nastoolkit.explorer.stored import Stored
from nastoolkit.measurements import Accuracy
from nastoolkit.pareto import non_dominated
from nastoolkit.supernets import load_supernet
from nastoolkit.support.display_names import algorithm_name
from nastoolkit.support.files import atomically
from nastoolkit.tasks import load_task

FILE = Path(__file__).with_name("digits_mbv3_played.json")
ALGORITHMS = ("default", "linas", "nsga2", "random")
SEEDS, BUDGET, N_DIGITS = 3, 150, 12
SHARE = 1e-4  # step of the shares of hypervolumes


def races() -> dict[str, str]:
    """Hypervolume after each evaluation as a share of the whole front's, ``(SEEDS, BUDGET)``, for each algorithm's name."""
    table = DigitsTable()
    whole = table.front.hypervolume(table.reference_point)
    return {algorithm_name(name): packed(curves_of(name) / whole / SHARE, np.uint16) for name in ALGORITHMS}


def curves_of(algorithm: str) -> np.ndarray:
    """Hypervolumes ``(SEEDS, BUDGET)`` of an algorithm on the shipped table."""
    return run_race(DigitsTable(), algorithm, SEEDS, BUDGET, progress=False).curves


def networks(stored: Stored) -> np.ndarray:
    """The networks ``(n, d)`` that read: the smallest, those of the front, the largest."""
    genotypes = stored.genotypes_within(stored.space)
    costs = np.stack([-stored.evaluate(genotypes)[:, 0], stored.table.latency_ms(genotypes)], axis=1)
    ends = np.stack([stored.space.smallest, stored.space.largest])
    return np.concatenate([ends[:1], genotypes[non_dominated(costs)], ends[1:]])


def digits(readers: Readers, genotypes: np.ndarray) -> list[dict[str, Any]]:
    """For each digit its ink ``(32, 32)``, which one it is, and probabilities ``(n, 10)`` of the networks ``(n, d)``."""
    found = []
    for number in range(N_DIGITS):
        ink, truth = readers.take(number)
        answers = np.array([readers.read(genotype, ink).probabilities for genotype in genotypes])
        found.append(
            {"ink": packed(255 * ink.clip(0, 1), np.uint8), "truth": truth, "answers": packed(255 * answers, np.uint8)}
        )
    return found


def played() -> dict[str, Any]:
    """Everything that the file holds."""
    supernet = load_supernet("digits-mbv3")
    stored = Stored(supernet.family)
    readers = Readers(Accuracy(supernet, load_task("digits"), n_calibration=stored.n_calibration, progress=False))
    genotypes = networks(stored)
    return {
        "seeds": SEEDS,
        "budget": BUDGET,
        "share": SHARE,
        "races": races(),
        "readers": genotypes.tolist(),
        "digits": digits(readers, genotypes),
    }


if __name__ == "__main__":
    with atomically(FILE) as new:
        new.write_text(json.dumps(played(), indent=1) + "\n")
    print(FILE)
