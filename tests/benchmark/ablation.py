"""What each idea of the default search is worth: `NASTOOLKIT_DATA=DIR python tests/benchmark/ablation.py [SEEDS [BUDGET]]`.

Prints, for the search as it is and with one idea at a time left out or changed, the hypervolume on `ofa-mbv3-note10` after 30,
60 and 120 evaluations and the evaluations to 611 (which DyNAS-T's LINAS has after 300): medians and their 95 % intervals.
Some minutes on one core, with 5 seeds.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from nastoolkit.benchmarks import BENCHMARKS
from nastoolkit.benchmarks.race import Curves, median_interval
from nastoolkit.history import History
from nastoolkit.objectives import Objective, complete
from nastoolkit.predictors.gaussian_process import GaussianProcess
from nastoolkit.predictors.plain_process import Features as Blocks
from nastoolkit.predictors.plain_process import Kernel
from nastoolkit.search import ALGORITHMS, Algorithm
from nastoolkit.search.bayes import Bayes, Features
from nastoolkit.search.sampling import sample_new
from nastoolkit.space import SearchSpace

TARGET = 611


class RandomStart(Bayes):
    """The first genotypes are drawn at random."""

    def _first_design(self) -> np.ndarray:
        return sample_new(self.space, self.n_first - len(self._genotypes), self.rng, self.seen)


class OtherKernels(Bayes):
    """The Gaussian process has some of its kernels only."""

    def __init__(self, *arguments: object, kept: Callable[[Kernel], bool], **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        kernels = [kernel for kernel in self._features.kernels if kept(kernel)]
        self._models = [GaussianProcess(kernels, model.bad_sides) for model in self._models]


class OneKind(Bayes):
    """All choices matter alike: one linear kernel for them together."""

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        kernels = [Kernel("", smooth=False), Kernel("", smooth=True)]
        self._models = [GaussianProcess(kernels, model.bad_sides) for model in self._models]


class WithoutOrder(Bayes):
    """Options next to each other are no more alike than others."""

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        unordered = SearchSpace(replace(choice, ordered=False) for choice in self.space.choices)
        self._features = Features(unordered, np.random.default_rng(0))


class MeanOnly(Bayes):
    """The batch has the greatest gain of expected values: what the process is unsure of does not count."""

    def _predict(self, genotypes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, sds = super()._predict(genotypes)
        return values, np.zeros_like(sds)


class WithoutOptimism(Bayes):
    """The inner search goes by expected values."""

    def _hope(self, genotypes: np.ndarray) -> np.ndarray:
        return self._predict(genotypes)[0]


class NearReference(Bayes):
    """The reference point is always near the front."""

    def _references(self, worst: np.ndarray) -> np.ndarray:
        return super()._references(worst)[:1]


class StraightProcess(GaussianProcess):
    """The process sees values as they are."""

    def learn_scales(self, features: Blocks, values: np.ndarray) -> None:
        self.process.learn_scales(features, values)


class WithoutBends(Bayes):
    """Broken networks and long tails count like all others."""

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        self._models = [StraightProcess(self._features.kernels, model.bad_sides) for model in self._models]


VARIANTS: dict[str, Callable[..., Algorithm]] = {
    "as it is": Bayes,
    "random first genotypes": RandomStart,
    "20 first genotypes": partial(Bayes, n_first=20),
    "all kinds of choices alike": OneKind,
    "no order of many options": WithoutOrder,
    "linear kernels only": partial(OtherKernels, kept=lambda kernel: not kernel.smooth),
    "smooth kernel only": partial(OtherKernels, kept=lambda kernel: kernel.smooth),
    "latency measured, not exact": Bayes,
    "gain of the mean, not expected gain": MeanOnly,
    "no optimism": WithoutOptimism,
    "values are not bent": WithoutBends,
    "no far reference point": NearReference,
    "batches of 5": partial(Bayes, batch=5),
    "batches of 20": partial(Bayes, batch=20),
    "half the inner search": partial(Bayes, generations=2),
    "twice the inner search": partial(Bayes, generations=8),
    "linas": ALGORITHMS["linas"],
}


def search(
    build: Callable[..., Algorithm], objectives: Sequence[Objective], measure: Callable, seed: int, budget: int
) -> History:
    searcher = build(SPACE, objectives, seed=seed)
    genotypes, values = [np.empty((0, SPACE.n_genes), dtype=np.int64)], [np.empty((0, len(objectives)))]
    while (left := budget - sum(map(len, genotypes))) > 0:
        asked = searcher.ask()[:left]
        values.append(complete(objectives, asked, measure(asked)))
        genotypes.append(asked)
        searcher.tell(asked, values[-1])
    return History(SPACE, tuple(objectives), np.concatenate(genotypes), np.concatenate(values))


def show(name: str, run: Curves) -> None:
    columns = [run.curves[:, n - 1] for n in (30, 60, 120) if n <= run.curves.shape[1]] + [run.evaluations_to(TARGET)]
    cells = []
    for column in columns:
        center, ends = median_interval(column)
        low, high = ("never" if end is None else f"{end:.0f}" for end in ends)
        cells.append(f"{'never' if center is None else f'{center:.0f}':>7} {f'[{low}, {high}]':14}")
    print(f"{name:38}", *cells, flush=True)


def main(seeds: int = 5, budget: int = 120) -> None:
    print(f"{'':38}", *(f"{title:22}" for title in ("after 30", "after 60", "after 120", f"evaluations to {TARGET}")))
    for name, build in VARIANTS.items():
        measured = name.startswith("latency measured")
        objectives = [replace(o, exact=None) if measured else o for o in PROBLEM.objectives]
        measure = (lambda genotypes: PROBLEM.history(genotypes).values) if measured else PROBLEM.evaluate
        histories = [search(build, objectives, measure, seed, budget) for seed in range(seeds)]
        curves = np.array([history.hypervolume_curve(PROBLEM.reference_point) for history in histories])
        show(name, Curves(curves, np.zeros(seeds)))


if __name__ == "__main__":
    PROBLEM = BENCHMARKS["ofa-mbv3-note10"]()
    SPACE = PROBLEM.space
    main(*map(int, sys.argv[1:]))
