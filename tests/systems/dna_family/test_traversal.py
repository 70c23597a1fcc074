"""The exact search finds what trying all networks finds, for any ratings and costs."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nastoolkit.systems.dna_family.traversal import RatedPaths, best_under, merged, rating_of


def blocks_of(rng, sizes, n_different=10**6):
    """Blocks of random paths; few different ratings and costs make ties."""
    return [
        RatedPaths(np.arange(n)[:, None], rng.integers(n_different, size=n) / 7, rng.integers(n_different, size=n))
        for n in sizes
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 6), min_size=1, max_size=4), st.sampled_from([3, 10, 10**6]))
def test_the_exact_search_is_as_good_as_trying_all(seed, sizes, n_different):
    blocks = blocks_of(np.random.default_rng(seed), sizes, n_different)
    networks = np.array(list(product(*map(range, sizes))))
    costs = sum(block.costs[networks[:, number]] for number, block in enumerate(blocks))
    ratings, front = rating_of(blocks, networks), merged(blocks)
    for limit in np.quantile(costs, [0, 0.3, 0.6, 1]):
        found = best_under(front, limit)
        (place,) = np.flatnonzero((networks == found).all(axis=1))
        assert costs[place] <= limit and ratings[place] == pytest.approx(ratings[costs <= limit].min(), abs=1e-9)


def test_only_what_may_win_is_kept():
    block = RatedPaths(np.array([[0], [1], [2]]), np.array([3.0, 1.0, 2.0]), np.array([1, 5, 9]))
    front = block.then(RatedPaths(np.array([[0]]), np.array([0.5]), np.array([2])))
    assert front.genes.tolist() == [[0, 0], [1, 0]] and front.ratings.tolist() == [3.5, 1.5] and front.costs.tolist() == [3, 7]


def test_a_limit_that_nothing_keeps_is_told():
    with pytest.raises(ValueError, match="^no network costs 5 or less: the cheapest costs 7$"):
        best_under(RatedPaths(np.array([[0]]), np.ones(1), np.array([7])), 5)


def test_ratings_are_those_of_the_paths_that_a_network_takes():
    first = RatedPaths(np.array([[0, 0], [0, 1]]), np.array([1.0, 2.0]), np.zeros(2))
    second = RatedPaths(np.array([[1], [0]]), np.array([10.0, 20.0]), np.zeros(2))
    assert rating_of([first, second], np.array([[0, 1, 0], [0, 0, 1]])).tolist() == [22.0, 11.0]
