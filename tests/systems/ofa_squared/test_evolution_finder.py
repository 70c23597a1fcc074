"""Once-for-All's own search: within the limit, better than chance, and kernels and expansions mutate together."""

import numpy as np
import pytest

from nastoolkit import BENCHMARKS
from nastoolkit.systems.ofa_squared.authors import N_BLOCKS, POPULATION, AuthorsProblem
from nastoolkit.systems.ofa_squared.evolution_finder import EvolutionFinder
from nastoolkit.systems.ofa_squared.one_search import authors_search, least_error


@pytest.fixture(scope="module")
def note10(data_folder):
    return AuthorsProblem(BENCHMARKS["ofa-mbv3-note10"](data_folder))


def test_it_keeps_the_limit_and_beats_random_networks_within_it(note10):
    latency, error = EvolutionFinder(note10, 30.0, 0).run(10)
    assert latency <= 30
    found = note10.costs(np.random.default_rng(0).integers(note10.n_options, size=(10 * POPULATION, len(note10.n_options))))
    assert error < found[found[:, 0] <= 30, 1].min()


def test_a_kernel_and_its_expansion_are_drawn_again_together(note10):
    parents = np.full((400, len(note10.n_options)), -1)
    drawn = EvolutionFinder(note10, 30.0, 0)._mutated(parents) >= 0
    np.testing.assert_array_equal(drawn[:, :N_BLOCKS], drawn[:, N_BLOCKS : 2 * N_BLOCKS])
    assert drawn.mean(axis=0) == pytest.approx(0.1, abs=0.06)


def test_jobs_of_the_authors_searches(data_folder):
    front = authors_search("ofa-mbv3-note10", str(data_folder), "smsemoa", 500, 1)
    assert front.evaluations.tolist() == [100, 200, 300, 400, 500] + 100 * [500] and front.hypervolume.is_monotonic_increasing
    assert f"{front.hypervolume[0]:.4f}" == "555.6247" and least_error(front, 30.0) < 19
    alone = authors_search("ofa-mbv3-note10", str(data_folder), "ofa_evolution", 500, 1, limit=30.0)
    assert alone.cost.item() <= 30 and least_error(alone, 30.0) == alone.error.item()
