"""Speed of the supernet side: python tests/benchmark/supernet.py

Prints the training step of a supernet over that of the same static network (goal: at most 1.2), the time to extract a
sub-network, and how many genotypes a second the exact costs take (goal: at least 200,000).
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from nastoolkit import FAMILIES, LookupTable, Supernet
from nastoolkit.families import Family
from nastoolkit.measurements import Timing

N_PAIRS = 15
N_GENOTYPES = 200_000


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def train_step(forward: Callable[[], torch.Tensor], module: nn.Module) -> None:
    module.zero_grad()
    forward().square().mean().backward()


def step_ratio(supernet: Supernet, genotype: np.ndarray, batch_size: int = 128) -> float:
    """Median over paired runs of the supernet's step over the static network's."""
    network = supernet.train().extract(genotype)
    x = supernet.family.example_inputs(genotype, batch_size)
    ratios = []
    for _ in range(N_PAIRS + 2):
        shared = seconds(lambda: train_step(lambda: supernet(x, genotype), supernet))
        ratios.append(shared / seconds(lambda: train_step(lambda: network(x), network)))
    return float(np.median(ratios[2:]))


def rates(family: Family) -> dict[str, float]:
    """Genotypes a second of each additive cost, tables built beforehand."""
    genotypes = family.space.sample(N_GENOTYPES, np.random.default_rng(0))
    table = LookupTable(family, {spec: Timing(1.0, 0.0, 1) for spec in family.block_specs}, {})
    costs = {"params": family.params, "macs": family.macs, "latency_ms": table.latency_ms}
    for cost in costs.values():
        cost(genotypes[:1])
    return {name: N_GENOTYPES / seconds(lambda cost=cost: cost(genotypes)) for name, cost in costs.items()}


def main() -> None:
    torch.set_num_threads(1)
    supernet = Supernet(FAMILIES["digits-mbv3"]())
    space = supernet.family.space
    random = space.sample(1, np.random.default_rng(0))[0]
    for name, genotype in {"smallest": space.smallest, "random": random, "largest": space.largest}.items():
        print(f"digits-mbv3, {name}: training step {step_ratio(supernet, genotype):.3f} times the static network's")
    extract = np.median([seconds(lambda: supernet.extract(random)) for _ in range(N_PAIRS)])
    print(f"digits-mbv3: extraction {1e3 * extract:.1f} ms")
    for name in ("digits-mbv3", "ofa-mbv3-w1.0"):
        text = ", ".join(f"{cost} {rate:,.0f}" for cost, rate in rates(FAMILIES[name]()).items())
        print(f"{name}: genotypes a second: {text}")


if __name__ == "__main__":
    main()
