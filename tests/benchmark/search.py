"""How fast spaces and searches are: `python tests/benchmark/search.py [ALGORITHM ...]`; set OMP_NUM_THREADS=1 for one core.

Prints genotypes a second for the operations of a space of 45 genes, and the seconds that each algorithm adds to 250
evaluations of a free measurement (population 50), with their hypervolume as a share of the best one; those that optimise one
objective have a bound on the other.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.space import Choice, SearchSpace, genotype_keys
from nastoolkit.studies import optimize

OBJECTIVES = [Objective("accuracy_top1", "max", "%"), Objective("latency_ms", "min", "ms")]


def mobilenet_like() -> Iterator[Choice]:
    for stage in range(5):
        yield Choice(f"stage{stage}.depth", (2, 3, 4))
        for block in range(4):
            when = (f"stage{stage}.depth", tuple(range(max(2, block + 1), 5)))
            yield Choice(f"stage{stage}.block{block}.kernel", (3, 5, 7), when)
            yield Choice(f"stage{stage}.block{block}.expansion", (3, 4, 6), when)


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def main() -> None:
    space = SearchSpace(mobilenet_like())
    print(space)
    genotypes = space.sample(20_000, np.random.default_rng(0))
    operations = {
        "sample": lambda: space.sample(20_000, np.random.default_rng(0)),
        "canonical": lambda: space.canonical(genotypes),
        "repair": lambda: space.repair(genotypes),
        "one_hot": lambda: space.one_hot(genotypes),
        "genotype_keys": lambda: genotype_keys(genotypes),
    }
    for name, work in operations.items():
        print(f"{name:15} {20_000 / seconds(work):12,.0f} genotypes/s")

    gain, cost = np.random.default_rng(0).random((2, space.one_hot(space.smallest).size))

    def evaluate(genotypes: np.ndarray) -> np.ndarray:
        features = space.one_hot(genotypes)
        return np.stack([60 + 6 * np.sqrt(features @ (gain * cost)), features @ cost], axis=1)

    def search(algorithm: str, **arguments: object) -> float:
        one_goal = ALGORITHMS[algorithm].n_goals[1] == 1
        objectives = [OBJECTIVES[0], replace(OBJECTIVES[1], at_most=15.0)] if one_goal else OBJECTIVES
        history = optimize(space, evaluate, objectives, algorithm, progress=False, **arguments)  # type: ignore[arg-type]
        return history.hypervolume((70.0, 25.0))

    names = sys.argv[1:] or list(ALGORITHMS)
    volumes = {name: median(search(name, seed=seed) for seed in range(3)) for name in names}
    for name, volume in volumes.items():
        overhead = seconds(lambda name=name: search(name), repeats=3)
        print(
            f"{name:15} {overhead:12.3f} s for 250 evaluations, hypervolume {volume / max(volumes.values()):.1%} of the best"
        )
    generation = seconds(lambda: search("nsga2", budget=5000), repeats=3) / 100
    print(f"{'nsga2':15} {1e3 * generation:12.2f} ms a generation of 50")
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "a.sqlite"
        saving = seconds(lambda: search("random", budget=100, store=store), repeats=1) / 100
        replay = seconds(lambda: search("random", budget=100, store=store)) / 100
    print(f"{'store':15} {1e3 * saving:12.2f} ms to save one evaluation, {1e3 * replay:.3f} ms to replay one")


if __name__ == "__main__":
    main()
