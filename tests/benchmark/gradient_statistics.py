"""What statistics of gradients cost: python tests/benchmark/gradient_statistics.py

Prints, on one thread, how much longer a training step takes with PA&DA's statistics (norms of operations and of logits, draws
by probabilities, and both kept) than along the same path without them, in % (goal: at most 10), for cells of digits and for
the skeleton of NAS-Bench-201. Seconds of the process, so that others on the machine matter little.
"""

import time

import numpy as np
import torch

from nastoolkit import FAMILIES, TASKS, Supernet
from nastoolkit.systems.pa_da import ImportanceSampler
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Optimizer, Recipe
from nastoolkit.training.passes import Passes

N_PAIRS = 30
N_EPOCH = 10_000
BATCH = 64


class Plain:
    """The same paths without statistics."""

    def __init__(self, sampler: ImportanceSampler) -> None:
        self.draw = sampler.draw


class Coloured(Digits):
    """Digits in three colours, all the same."""

    def batch(self, step, size, seed=0, rows=None):
        batch = super().batch(step, size, seed, rows)
        return type(batch)(batch.inputs.expand(-1, 3, -1, -1), batch.targets, batch.rows)


def seconds(passes: Passes, optimizer: Optimizer, step: int) -> float:
    """Seconds of a step with all that is done for its sampler, but without making the batch."""
    start = time.process_time()
    rows = passes.sampler.rows(step, BATCH) if hasattr(passes.sampler, "rows") else None
    drawn = time.process_time()
    batch = passes.task.batch(step, BATCH, rows=rows)
    start += time.process_time() - drawn
    _, probes = passes(step, batch)
    optimizer.step()
    if hasattr(passes.sampler, "feedback"):
        passes.sampler.feedback(step, [0.0], probes)
    return time.process_time() - start


def extra(name: str, task: Digits) -> float:
    """Median over pairs of steps."""
    supernet = Supernet(FAMILIES[name]()).train()
    recipe = Recipe(2 * N_PAIRS + 4, BATCH, optimizer="sgd", learning_rate=1e-3)
    optimizer, sampler = (
        Optimizer(supernet.parameters(), recipe),
        ImportanceSampler(supernet.family, task.n_rows, 10 * N_EPOCH, N_EPOCH),
    )
    both = [
        Passes(supernet, task, one, lambda loss: lambda step: loss(step.outputs, step.targets), recipe)
        for one in (sampler, Plain(sampler))
    ]
    pairs = []
    for step in range(N_PAIRS + 2):
        taken = {}
        for kind in (0, 1) if step % 2 else (1, 0):  # the second one finds the path's templates made
            sampler.n_taken = N_EPOCH  # rows are drawn, too, and both of a pair draw the same path
            taken[kind] = seconds(both[kind], optimizer, step)
        pairs.append((taken[0], taken[1]))
    with_statistics, without = np.array(pairs[2:]).T
    return 100 * float(np.median(with_statistics / without) - 1)


def main() -> None:
    torch.set_num_threads(1)
    for name, task in (("digits-cells", TASKS["digits"]()), ("nas-bench-201", Coloured())):
        print(f"{name}: a step takes {extra(name, task):.1f} % longer with statistics of gradients")


if __name__ == "__main__":
    main()
