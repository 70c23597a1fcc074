"""How many cascades a second are judged on stored outputs: `python tests/benchmark/cascades.py`.

Random cascades of 36 networks with made-up outputs for 2,000 images of 10 classes, right about as often as those of digits,
in as many processes as there are cores; 600,000 is ENCAS's number for one search.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from nastoolkit.answers import Answers
from nastoolkit.systems.encas import Cascades


def answers(n_networks: int = 36, n_images: int = 2000, n_classes: int = 10) -> Answers:
    rng = np.random.default_rng(0)
    targets = rng.integers(n_classes, size=n_images)
    logits = rng.normal(size=(n_networks, n_images, n_classes))
    logits[:, np.arange(n_images), targets] += np.linspace(2.0, 4.0, n_networks)[:, None]
    likely = np.exp(logits)
    return Answers(likely / likely.sum(axis=2, keepdims=True), targets, np.geomspace(0.2, 10.0, n_networks))


def judge(n: int, seed: int) -> float:
    """Mean accuracy, so that nothing is left out."""
    cascades = Cascades(answers())
    return cascades.evaluate(cascades.space.sample(n, np.random.default_rng(seed)))[:, 0].mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=600_000)
    n, n_workers = parser.parse_args().n, os.cpu_count() or 1
    started = time.perf_counter()
    with ProcessPoolExecutor(n_workers) as workers:
        list(workers.map(judge, [n // n_workers] * n_workers, range(n_workers)))
    seconds = time.perf_counter() - started
    print(f"{n:,} cascades on {n_workers} cores: {seconds:.0f} s, {n / seconds:,.0f} a second")


if __name__ == "__main__":
    main()
