"""Measure every network of the benchmark ``digits-mbv3-table`` and write the file that ships with the package.

    python experiments/digits_table.py --table runs/quickstart/laptop/table_digits-mbv3_torch_16_1.json

It needs one core, 0.8 GB of memory and about half an hour. If it is killed, it continues when it is run again.

Networks that begin with the same blocks share these blocks' outputs, so every block in the tree of all networks is calibrated
and run once. The accuracies equal those of ``Accuracy(supernet, task, n_calibration=500)``, to the last image.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from nastoolkit import TASKS, LookupTable, load_supernet
from nastoolkit.benchmarks.digits_mbv3_table import FAMILY, FILE, N_CALIBRATION, N_IMAGES, WITHIN
from nastoolkit.benchmarks.members import members
from nastoolkit.supernets import Supernet, calibrate_batchnorm
from nastoolkit.support.files import atomically, check_output
from nastoolkit.taps import taps
from nastoolkit.tasks import Task

Features = list[list[Any]]  # batches, tensors, of the calibration images and of each split


class Tree:
    """Accuracies of networks, fast if a network begins like the one before it.

    Args:
        supernet: Supernet of the networks, all of which take images of one size.
        task: Gives images and metric.
        n_calibration: Number of training images for batch normalisation.
        batch_size: Number of images in a batch.
    """

    def __init__(self, supernet: Supernet, task: Task, n_calibration: int = N_CALIBRATION, batch_size: int = 250) -> None:
        self.supernet, self.task = supernet, task
        shape = supernet.family.input_shape(supernet.family.space.smallest)
        wanted = {"train": n_calibration, **dict.fromkeys(N_IMAGES)}
        batches = {name: list(task.split(name).batches(batch_size, shape, n)) for name, n in wanted.items()}
        self._inputs: Features = [[batch.inputs for batch in batches[name]] for name in wanted]
        self._targets = [torch.cat([batch.targets for batch in batches[name]]) for name in N_IMAGES]
        self._path: list[tuple[str, Any]] = []  # of the last network: name and spec of each block
        self._features: list[Features] = []  # behind each of these blocks

    def accuracies(self, genotype: np.ndarray) -> list[float]:
        """The metric on each of ``N_IMAGES``."""
        plan = list(self.supernet.family.plan(genotype))
        n_shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self._path, plan, strict=False)))
        network, self._path = self.supernet.extract(genotype), plan
        del self._features[n_shared:]
        for name, _ in plan[n_shared:]:
            before = self._features[-1] if self._features else self._inputs
            self._features.append(run_block(network.get_submodule(name), before))
        _, *outputs = self._features[-1]
        return [self.task.score(torch.cat(out), targets) for out, targets in zip(outputs, self._targets, strict=True)]


@torch.no_grad()
def run_block(block: nn.Module, features: Features) -> Features:
    """Outputs of a calibrated block for features; those for calibration images are as in :func:`calibrate_batchnorm`."""
    calibration, *splits = features
    seen: list[torch.Tensor] = []
    with taps({"block": block}, lambda _, outputs: seen.append(outputs)):
        calibrate_batchnorm(block, calibration)
    return [seen or [block(batch) for batch in calibration], *([block(batch) for batch in batches] for batches in splits)]


def in_tree_order(supernet: Supernet, genotypes: np.ndarray) -> np.ndarray:
    """Genotypes ``(n, d)``, sorted so that networks with the same beginning follow each other."""
    paths = [[f"{name}{spec}" for name, spec in supernet.family.plan(genotype)] for genotype in genotypes]
    return genotypes[sorted(range(len(genotypes)), key=paths.__getitem__)]


def measured(file: Path) -> Iterator[tuple[tuple[int, ...], list[float]]]:
    """Genotypes and accuracies of the complete lines of a file."""
    for line in file.read_text().splitlines(keepends=True) if file.exists() else []:
        if line.endswith("\n"):
            genotype, accuracies = json.loads(line)
            yield tuple(genotype), accuracies


def measure_all(supernet: Supernet, task: Task, genotypes: np.ndarray, file: Path) -> np.ndarray:
    """Accuracies ``(n, 2)`` of genotypes ``(n, d)``; a file keeps them, one per line."""
    done, tree = dict(measured(file)), Tree(supernet, task)
    missing = [genotype for genotype in in_tree_order(supernet, genotypes) if tuple(genotype.tolist()) not in done]
    with atomically(file) as new:
        new.write_text("".join(f"{json.dumps(entry)}\n" for entry in done.items()))  # without a line that a kill cut off
    with file.open("a", buffering=1) as out:
        for genotype in tqdm(missing, unit="network"):
            done[tuple(genotype.tolist())] = tree.accuracies(genotype)
            out.write(f"{json.dumps([genotype.tolist(), done[tuple(genotype.tolist())]])}\n")
    return np.array([done[tuple(genotype.tolist())] for genotype in genotypes])


def main() -> None:
    """Measure what is missing, then write the package's file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, help="latencies, from nastoolkit profile")
    arguments = parser.parse_args()
    check_output(FILE)
    torch.set_num_threads(1)
    supernet, task = load_supernet(FAMILY), TASKS["digits"]()
    table = LookupTable.load(arguments.table, supernet.family)
    genotypes = members(supernet.family.space.restrict(WITHIN))
    finished = Path("runs") / f"digits_table_{supernet.fingerprint}_{N_CALIBRATION}.jsonl"
    accuracies = measure_all(supernet, task, genotypes, finished)
    n_correct = np.rint(accuracies / 100 * list(N_IMAGES.values())).astype(np.uint16)
    conditions = {"weights": supernet.fingerprint, "latency": table.conditions}
    latency_ms = table.latency_ms(genotypes).astype(np.float32)
    with atomically(FILE) as new, new.open("wb") as file:
        np.savez_compressed(file, n_correct=n_correct, latency_ms=latency_ms, conditions=np.array(json.dumps(conditions)))


if __name__ == "__main__":
    main()
