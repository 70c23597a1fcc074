"""How stores and searches bear a load: `python tests/benchmark/load.py [EVALUATIONS]`, 100,000 by default.

Prints a store's size, and what saving, finding and replaying one evaluation takes, at every power of ten; then what a loop of
LINAS (population 50, 200 generations) takes after so many evaluations, as time of the clock and of the processor.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from search import OBJECTIVES, mobilenet_like

from nastoolkit.search import ALGORITHMS
from nastoolkit.space import SearchSpace, genotype_keys
from nastoolkit.studies import optimize
from nastoolkit.studies.store import Store

SPACE = SearchSpace(mobilenet_like())


def evaluate(genotypes: np.ndarray) -> np.ndarray:
    gain, cost = np.random.default_rng(0).random((2, SPACE.one_hot(SPACE.smallest).size))
    features = SPACE.one_hot(genotypes)
    return np.stack([60 + 6 * np.sqrt(features @ (gain * cost)), features @ cost], axis=1)


def load_store(n_most: int) -> None:
    genotypes = np.unique(SPACE.sample(n_most + 200, np.random.default_rng(0)), axis=0)
    genotypes = np.random.default_rng(1).permutation(genotypes)
    values = evaluate(genotypes)
    with tempfile.TemporaryDirectory() as folder, Store(path := Path(folder) / "a.sqlite", SPACE, OBJECTIVES, {}) as store:
        n = 0
        for target in (10**power for power in range(2, 9) if 10**power <= n_most):
            store.save(genotypes[n : target - 20], values[n : target - 20], 0.1)
            n = target
            clock = time.perf_counter()
            for row in range(target - 20, target):
                store.save(genotypes[row : row + 1], values[row : row + 1], 0.1)
            saving = (time.perf_counter() - clock) / 20
            some = genotypes[np.random.default_rng(2).integers(target, size=1000)]
            clock = time.perf_counter()
            assert not np.isnan(store.lookup(some)).any()
            finding = (time.perf_counter() - clock) / 1000
            clock = time.perf_counter()
            with Store(path, SPACE, OBJECTIVES, {}):
                opening = time.perf_counter() - clock
            print(
                f"{target:9,} stored {path.stat().st_size / target:8.0f} bytes each {1e3 * saving:8.2f} ms to save one "
                f"{1e6 * finding:8.1f} us to find one {1e3 * opening:8.1f} ms to open"
            )
        clock = time.perf_counter()
        optimize(SPACE, evaluate, OBJECTIVES, "random", 1000, store=path, warm_start=genotypes[:1000], progress=False)
        print(f"{1e6 * (time.perf_counter() - clock) / 1000:9.0f} us to replay one of 1,000 in a search")


def load_linas(n: int) -> None:
    algorithm = ALGORITHMS["linas"](SPACE, OBJECTIVES, seed=0)
    genotypes = np.unique(SPACE.sample(n, np.random.default_rng(1)), axis=0)
    clock = time.perf_counter()
    algorithm.tell(genotypes, evaluate(genotypes))
    telling, loops = time.perf_counter() - clock, []
    for _ in range(3):
        clock, processor = time.perf_counter(), time.process_time()
        asked = algorithm.ask()
        assert len(set(genotype_keys(asked))) == 50
        algorithm.tell(asked, evaluate(asked))
        loops.append((time.perf_counter() - clock, time.process_time() - processor))
    seconds, processor = np.median(loops, axis=0)
    print(f"linas after {n:7,}: {1e3 * telling:8.1f} ms to tell all, {seconds:6.2f} s a loop, {processor:.2f} s of processor")


if __name__ == "__main__":
    load_store(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    for n in (500, 5000, 10_000, 20_000):
        load_linas(n)
