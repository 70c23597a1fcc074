"""How much of the best known hypervolume searches have after 25 to 200 evaluations: `python tests/benchmark/goals.py`.

On public tables with broken networks or long tails; each line has a benchmark, an algorithm and, for 25, 50, 100 and 200
evaluations, the median over seeds, and for how many seeds the default search is at least as good. `NASTOOLKIT_DATA` names the
folder of the published files; arguments are benchmarks, and `--seeds 10`.
"""

import argparse

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import BENCHMARKS, Benchmark
from nastoolkit.benchmarks.race import run_race
from nastoolkit.benchmarks.tables import Table
from nastoolkit.objectives import Objective
from nastoolkit.published import nas_bench_201_short
from nastoolkit.published.sources import find_made

BUDGETS = (25, 50, 100, 200)
ALGORITHMS = ("default", "linas", "nsga2", "random")


class ShortTrainings(Table):
    """NAS-Bench-201's cells, CIFAR-10 after twelve epochs against the FLOPs of the published table."""

    quality = (Objective("cifar10_val_12ep", "max", "%"), 50.0)
    costs = {"mflops": (Objective("mflops", "min", "MFLOPs"), 230.0)}

    def __init__(self, cost: str = "mflops") -> None:
        cells = nas_bench_201_short()
        flops = pd.read_csv(find_made("nas_bench_201_mini.csv", "nas-bench-201-mini", "", None))["flops_m_cifar100"]
        super().__init__(cells.space, cells.genotypes, {**cells.measured, "mflops": flops.to_numpy()}, cost)


def problem(name: str) -> Benchmark:
    return ShortTrainings() if name == "nas-bench-201-short" else BENCHMARKS[name]()


def best(benchmark: Benchmark) -> float:
    """Hypervolume of the best known front."""
    found = getattr(benchmark, "best_found", None)
    return found[benchmark.cost] if found else max(benchmark.targets.values()) / 0.99


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("benchmarks", nargs="*", default=["nas-bench-macro", "nas-bench-201-short", "nas-bench-mr"])
    parser.add_argument("--seeds", type=int, default=10)
    chosen = parser.parse_args()
    columns = np.array(BUDGETS) - 1
    for name in chosen.benchmarks:
        benchmark = problem(name)
        runs = {
            algorithm: run_race(benchmark, algorithm, chosen.seeds, max(BUDGETS), progress=False).curves[:, columns]
            for algorithm in ALGORITHMS
        }
        for algorithm, curves in runs.items():
            shares = " ".join(f"{share:.4f}" for share in np.median(curves, axis=0) / best(benchmark))
            won = " ".join(f"{n:2d}" for n in (runs["default"] >= curves).sum(axis=0))
            print(f"{name:20} {algorithm:8} {shares}   default at least as good: {won} of {chosen.seeds}", flush=True)


if __name__ == "__main__":
    main()
