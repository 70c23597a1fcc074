"""Regularised evolution: the oldest dies, the best of a few has the next child, and it beats random search."""

import numpy as np

from nastoolkit.objectives import Objective
from nastoolkit.search.regularised_evolution import RegularisedEvolution
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize

SPACE = SearchSpace([Choice(f"c{number}", tuple("abcd")) for number in range(8)])
BEST = [Objective("sum", "max")]


def total(genotypes):
    return genotypes.sum(axis=1, keepdims=True).astype(float)


def test_the_oldest_dies_however_good_it_is():
    search = RegularisedEvolution(SPACE, BEST, population=3, tournament=1)
    told = SPACE.sample(5, np.random.default_rng(0))
    search.tell(told, total(told))
    np.testing.assert_array_equal(search._alive, told[2:])


def test_the_parent_is_the_best_of_the_tournament():
    search = RegularisedEvolution(SPACE, BEST, population=20, tournament=20)
    told = SPACE.sample(20, np.random.default_rng(1))
    search.tell(told, total(told))
    assert search._parent().sum() == total(told).max()
    children = search._children(np.zeros(8))
    assert 0 < (children != 0).mean() < 0.3  # a gene is drawn anew with a probability of 0.2, and may stay as it was


def test_it_finds_more_than_random_search_does():
    settings = {"budget": 80, "progress": False, "population": 15}
    best = {
        name: [optimize(SPACE, total, BEST, name, seed=seed, **settings).values.max() for seed in range(5)]
        for name in ("regularised_evolution", "random")
    }
    assert np.mean(best["regularised_evolution"]) > np.mean(best["random"]) + 1
