"""Speed of the supernet side: python tests/benchmark/supernet.py

Prints, on one thread: the training step of a supernet over that of the same static network, both channels-last, for images
and for sentences (goal: at most 1.1); the static network's step in PyTorch's usual layout over the supernet's, a lower bound
of what elastic layers in that layout cost (goal: at least 1.5); seconds to extract, calibrate and evaluate a sub-network, and
the split (extraction: at most 15 ms); and how many genotypes a second the exact costs take (goal: at least 200,000).
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from nastoolkit import FAMILIES, LookupTable, Supernet, calibrate_batchnorm
from nastoolkit.families import Family
from nastoolkit.latency import Timing

N_PAIRS = 15
N_SUBNETWORKS = 100
N_IMAGES = 64  # for calibration, and as many for evaluation; the published scale is 2,000 and 50,000
N_GENOTYPES = 200_000


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def train_step(forward: Callable[[], torch.Tensor], module: nn.Module) -> None:
    module.zero_grad()
    forward().square().mean().backward()


def step_ratios(supernet: Supernet, genotype: np.ndarray, batch_size: int) -> tuple[float, float]:
    """Medians over runs side by side: supernet over static network, and static network in NCHW over supernet."""
    static, usual = supernet.train().extract(genotype), supernet.extract(genotype).to(memory_format=torch.contiguous_format)
    x = supernet.family.example_inputs(genotype, batch_size)
    last = x.to(memory_format=torch.channels_last) if isinstance(x, torch.Tensor) else x
    runs = []
    for _ in range(N_PAIRS + 2):
        runs.append(
            (
                seconds(lambda: train_step(lambda: supernet(last, genotype), supernet)),
                seconds(lambda: train_step(lambda: static(last), static)),
                seconds(lambda: train_step(lambda: usual(x), usual)),
            )
        )
    shared, alone, nchw = np.array(runs[2:]).T
    return float(np.median(shared / alone)), float(np.median(nchw / shared))


def evaluation_seconds(supernet: Supernet, n: int) -> dict[str, float]:
    """Mean seconds of the parts of an evaluation, over random sub-networks at the highest resolution."""
    space = supernet.eval().family.space
    space = space.restrict({"resolution": [max(space.choices[0].options)]})
    images = torch.randn(N_IMAGES, *supernet.family.input_shape(space.largest)).to(memory_format=torch.channels_last)
    totals = dict.fromkeys(("extract", "calibrate", "evaluate"), 0.0)
    for genotype in space.sample(n, np.random.default_rng(0)):
        started = time.perf_counter()
        network = supernet.extract(genotype)
        extracted = time.perf_counter()
        calibrate_batchnorm(network, images.split(32))
        calibrated = time.perf_counter()
        with torch.inference_mode():
            for batch in images.split(32):
                network(batch)
        for name, spent in zip(
            totals, (extracted - started, calibrated - extracted, time.perf_counter() - calibrated), strict=True
        ):
            totals[name] += spent / n
    return totals


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
    for family, batch_size, pixels in (("digits-mbv3", 128, 32), ("ofa-mbv3-w1.0", 8, 128)):
        supernet = Supernet(FAMILIES[family]())
        space = supernet.family.space.restrict({"resolution": [pixels]})
        random = space.sample(1, np.random.default_rng(0))[0]
        for name, genotype in {"smallest": space.smallest, "random": random, "largest": space.largest}.items():
            ratio, usual = step_ratios(supernet, genotype, batch_size)
            print(
                f"{family}, {name}, {pixels} px, batch {batch_size}: training step {ratio:.3f} of the static network's,",
                end=" ",
            )
            print(f"static in NCHW {usual:.2f} of the supernet's")
        extract = np.median([seconds(lambda net=supernet, g=random: net.extract(g)) for _ in range(N_PAIRS)])
        print(f"{family}: extraction {1e3 * extract:.1f} ms")
    for name in ("text-bert", "text-bert-words"):
        text = Supernet(FAMILIES[name]())
        space = text.family.space
        random = space.sample(1, np.random.default_rng(0))[0]
        for end, genotype in {"smallest": space.smallest, "random": random, "largest": space.largest}.items():
            ratio, _ = step_ratios(text, genotype, 32)
            print(f"{name}, {end}, batch 32: training step {ratio:.3f} of the static network's")
    parts = evaluation_seconds(supernet, N_SUBNETWORKS)
    split = ", ".join(f"{name} {spent:.3f} s" for name, spent in parts.items())
    print(
        f"ofa-mbv3-w1.0, 224 px, {N_SUBNETWORKS} sub-networks: {sum(parts.values()):.2f} s each ({N_IMAGES} images): {split}"
    )
    for name in ("digits-mbv3", "ofa-mbv3-w1.0"):
        text = ", ".join(f"{cost} {rate:,.0f}" for cost, rate in rates(FAMILIES[name]()).items())
        print(f"{name}: genotypes a second: {text}")


if __name__ == "__main__":
    main()
