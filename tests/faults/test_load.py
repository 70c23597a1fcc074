"""Stores and searches under a load; tests/benchmark/load.py prints the numbers."""

import time

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies.store import Store

OBJECTIVES = [Objective("accuracy_top1", "max", "%"), Objective("latency_ms", "min", "ms")]
SPACE = SearchSpace(Choice(f"stage{i // 9}.block{i % 9}.kernel", (3, 5, 7)) for i in range(45))


def values(genotypes):
    return np.stack([70 + (genotypes**2) @ np.sqrt(np.arange(45)), 3 + genotypes @ np.arange(45) / 3], axis=1)


def seconds(work):
    """Of the processor, the least of three: other processes do not count."""
    times = []
    for _ in range(3):
        clock = time.process_time()
        work()
        times.append(time.process_time() - clock)
    return min(times)


@pytest.mark.slow
def test_a_store_of_100_000_evaluations_stays_quick_and_small(tmp_path):
    genotypes = SPACE.sample(100_000, np.random.default_rng(0))
    some = genotypes[::2000]
    with (
        Store(tmp_path / "few.sqlite", SPACE, OBJECTIVES, {}) as few,
        Store(tmp_path / "a.sqlite", SPACE, OBJECTIVES, {}) as many,
    ):
        few.save(some, values(some), 0.1)
        many.save(genotypes, values(genotypes), 0.1)
        assert len(many) == 100_000 and (tmp_path / "a.sqlite").stat().st_size < 400 * 100_000
        np.testing.assert_array_equal(many.lookup(some), values(some))
        assert seconds(lambda: [many.lookup(some) for _ in range(20)]) < 5 * seconds(
            lambda: [few.lookup(some) for _ in range(20)]
        )
        opening = seconds(lambda: Store(tmp_path / "a.sqlite", SPACE, OBJECTIVES, {}).__exit__())
        assert opening < seconds(lambda: many.lookup(genotypes[::10]))


@pytest.mark.slow
def test_a_loop_of_linas_after_5000_evaluations_is_not_much_longer_than_after_500():
    def loop_after(n):
        linas = ALGORITHMS["linas"](SPACE, OBJECTIVES)
        genotypes = np.unique(SPACE.sample(n, np.random.default_rng(0)), axis=0)
        linas.tell(genotypes, values(genotypes))

        def loop():
            asked = linas.ask()
            linas.tell(asked, values(asked))

        return seconds(loop)

    assert loop_after(5000) < 4 * loop_after(500)


def test_telling_takes_time_in_proportion():
    def tell(n):
        linas = ALGORITHMS["linas"](SPACE, OBJECTIVES)
        genotypes = SPACE.sample(n, np.random.default_rng(0))
        measured = values(genotypes)
        return seconds(lambda: linas.tell(genotypes, measured))

    assert tell(40_000) < 30 * tell(4_000) + 0.05
