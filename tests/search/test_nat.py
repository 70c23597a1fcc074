"""NSGA-III's niching as a function, and NAT's search on predictions."""

import numpy as np
import pytest

from nastoolkit import pareto
from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS
from nastoolkit.search.nat import NAT
from nastoolkit.search.nsga3 import spread
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize

SPACE = SearchSpace([Choice(f"c{i}", tuple(range(4))) for i in range(10)])
OBJECTIVES = [Objective("f0", "max"), Objective("f1", "min", exact=lambda genotypes: genotypes @ np.arange(1.0, 11))]


def measure(genotypes):
    return np.sqrt(genotypes @ np.arange(10, 0, -1) + 1)[:, None]


def test_of_a_line_those_at_the_directions_are_kept():
    """101 points on a straight front, five directions: the ends, the quarters and the middle."""
    x = np.linspace(0, 1, 101)
    assert spread(np.stack([x, 1 - x], axis=1), 5).tolist() == [0, 25, 50, 75, 100]


def test_of_a_crowd_and_a_lone_point_the_lone_one_is_kept():
    x = np.append(np.linspace(0, 0.1, 50), [0.5, 1.0])
    kept = spread(np.stack([x, 1 - x], axis=1), 3)
    assert {50, 51} < set(kept)


def test_better_fronts_come_first():
    costs = np.random.default_rng(0).random((60, 3))
    rank, kept = pareto.ranks(costs), np.zeros(60, dtype=bool)
    kept[spread(costs, 25)] = True
    assert kept.sum() == 25 and rank[kept].max() <= rank[~kept].min()


@pytest.mark.parametrize("m", [1, 2, 3, 12])
@pytest.mark.parametrize("n", [1, 7, 40, 90])
def test_as_many_as_asked_for_each_once(m, n):
    costs = np.random.default_rng(m).random((40, m))
    kept = spread(costs, n)
    assert len(kept) == min(n, 40) and (np.diff(kept) > 0).all()
    np.testing.assert_array_equal(kept, spread(costs, n))


def test_equal_and_constant_costs_do_no_harm():
    assert len(spread(np.ones((9, 2)), 4)) == 4
    assert spread(np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]]), 1).tolist() == [0]
    assert spread(np.empty((0, 2)), 4).tolist() == []


def test_bounds_come_before_fronts():
    costs, violations = np.array([[0.0, 0.0], [3.0, 3.0], [1.0, 1.0], [2.0, 2.0]]), np.array([0.5, 0.0, 0.1, 0.0])
    assert spread(costs, 2, violations).tolist() == [1, 3]
    assert spread(costs, 3, violations).tolist() == [1, 2, 3]


def test_predictors_learn_from_rows_spread_over_the_front(monkeypatch):
    learnt = []
    genotypes = SPACE.sample(200, np.random.default_rng(0))
    values = np.concatenate([measure(genotypes), OBJECTIVES[1].exact(genotypes)[:, None]], axis=1)
    search = NAT(SPACE, OBJECTIVES, population=10, generations=2, n_rows=30)
    monkeypatch.setattr(search._predictors[0], "fit", lambda *rows: learnt.append(rows))
    monkeypatch.setattr(search._predictors[0], "predict", lambda features: np.zeros(len(features)))
    search.tell(genotypes, values)
    search.ask()
    ((features, told),) = learnt
    rows = spread(search.costs(values), 30, seed=int(np.random.default_rng(0).integers(2**63)))
    np.testing.assert_array_equal(told, values[rows, 0])
    np.testing.assert_array_equal(features, SPACE.features(genotypes[rows]))


@pytest.mark.parametrize("m", [2, 3, 12])
def test_it_gains_on_random_search_in_two_to_twelve_objectives(m):
    weights = np.random.default_rng(1).random((10, m))
    objectives = [Objective(f"f{i}", "max" if i % 2 else "min") for i in range(m)]

    def gain(name, **settings):
        history = optimize(SPACE, lambda g: g @ weights, objectives, name, 60, 2, progress=False, population=20, **settings)
        scaled = history.costs / (3 * weights.sum(axis=0))
        return np.sort(scaled.sum(axis=1))[:20].mean() if m > 3 else -pareto.hypervolume(scaled, np.ones(m))

    assert gain("nat", generations=10, predictor="ridge") < gain("random")


def test_too_few_rows_are_told():
    with pytest.raises(ValueError, match="n_rows must be at least 2, got 1"):
        NAT(SPACE, OBJECTIVES, n_rows=1)
    assert ALGORITHMS["nat"] is NAT
