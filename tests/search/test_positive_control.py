"""On a published problem every evolutionary search finds as much as plain pymoo's with the published settings."""

import numpy as np
import plain_pymoo
import pytest

from nastoolkit.benchmarks import BENCHMARKS

SEEDS = 4


@pytest.mark.parametrize("name", plain_pymoo.PLAIN)
def test_its_mean_is_not_below_plain_pymoos_by_two_standard_deviations(name, data_folder):
    """Deviations are those of the difference of means, after 250 and 1,000 evaluations. More is welcome."""
    is_not_below(BENCHMARKS["ofa-mbv3-note10"](data_folder), name, (250, 1000), SEEDS)


@pytest.mark.slow
def test_nor_is_it_after_the_papers_ten_thousand(data_folder):
    """One algorithm; ``tests/benchmark/positive_control.py`` holds all of them against plain pymoo there."""
    is_not_below(BENCHMARKS["ofa-mbv3-note10"](data_folder), "nsga2", (10_000,), 2)


def is_not_below(benchmark, name, counts, n_seeds):
    searches = [plain_pymoo.our_search(benchmark, name, counts[-1], seed) for seed in range(n_seeds)]
    means = np.mean([plain_pymoo.scores(benchmark, name, history, counts) for history in searches], axis=0)
    for n, mean in zip(counts, means, strict=True):
        theirs = np.array(plain_pymoo.known()[name][str(n)])
        assert mean > theirs.mean() - 2 * theirs.std(ddof=1) * np.sqrt(1 / n_seeds + 1 / len(theirs))
