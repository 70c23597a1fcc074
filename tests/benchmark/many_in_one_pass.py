"""What many sub-networks in one pass save: python tests/benchmark/many_in_one_pass.py

Prints, on one thread, how many times longer a forward and backward pass takes for each of 4, 8 and 16 random sub-networks, one
after the other and each on its own rows of a batch of 64, than one pass of all of them by masks (goal: at least 1.5 for 8),
for the multi-stage ViT for digits. Both have the same gradients. Seconds of the process, medians of runs side by side.
"""

import time
from collections.abc import Callable

import numpy as np
import torch

from nastoolkit import FAMILIES, TASKS
from nastoolkit.systems.vit_resnas import RowMasked

N_PAIRS = 15
BATCH = 64


def seconds(call: Callable[[], None]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def ratio(n_paths: int) -> float:
    """Median over pairs."""
    supernet, task = RowMasked(FAMILIES["digits-multi-stage-vit"]()).train(), TASKS["digits"]()
    paths, batch = supernet.family.space.sample(n_paths, np.random.default_rng(0)), task.batch(0, BATCH)

    def together() -> None:
        supernet.zero_grad()
        task.loss(supernet(batch.inputs, paths), batch.targets).backward()

    def in_turn() -> None:
        supernet.zero_grad()
        for place, path in enumerate(paths):
            own = batch[np.arange(place, BATCH, n_paths)]
            (task.loss(supernet(own.inputs, path), own.targets) / n_paths).backward()

    pairs = [(seconds(in_turn), seconds(together)) for _ in range(N_PAIRS + 2)]
    return float(np.median([one / other for one, other in pairs[2:]]))


def main() -> None:
    torch.set_num_threads(1)
    for n_paths in (4, 8, 16):
        print(f"{n_paths} sub-networks: one pass of all is {ratio(n_paths):.2f} times as fast as one after the other")


if __name__ == "__main__":
    main()
