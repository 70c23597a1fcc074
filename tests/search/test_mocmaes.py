"""The step sizes and covariances of MO-CMA-ES, by their closed forms, and what they are good for."""

import numpy as np
import pytest

from nastoolkit.objectives import Objective
from nastoolkit.search.mocmaes import SPREAD, TARGET, Strategy
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.studies import optimize


def test_the_step_size_rests_at_the_target_rate_and_follows_successes():
    strategy = Strategy.fresh(8)
    assert strategy.after(True).sigma > SPREAD > strategy.after(False).sigma
    rng, sigmas = np.random.default_rng(0), []
    for _ in range(4000):
        strategy = strategy.after(bool(rng.random() < TARGET))
        sigmas.append(np.log(strategy.sigma))
    assert strategy.success == pytest.approx(TARGET, abs=0.15)
    assert abs(np.mean(sigmas) - np.log(SPREAD)) < 1.0


def test_the_first_update_is_that_of_the_paper():
    step = np.array([1.0, 0.0, -2.0])
    memory, learning = 2 / 5, 2 / 15
    path = np.sqrt(memory * (2 - memory)) * step
    strategy = Strategy.fresh(3).along(step)
    np.testing.assert_allclose(strategy.path, path)
    np.testing.assert_allclose(strategy.covariance, (1 - learning) * np.eye(3) + learning * np.outer(path, path))


def test_steps_far_too_small_teach_no_direction_and_keep_the_covariance():
    strategy = Strategy(0.1, np.eye(3), np.zeros(3), success=0.9).along(np.ones(3))
    np.testing.assert_array_equal(strategy.path, 0.0)
    memory, learning = 2 / 5, 2 / 15
    np.testing.assert_allclose(strategy.covariance, (1 - learning + learning * memory * (2 - memory)) * np.eye(3))


def test_steps_have_the_covariance_after_many_of_one_direction():
    strategy, direction = Strategy.fresh(4), np.array([1.0, 1.0, 0.0, 0.0])
    for _ in range(200):
        strategy = strategy.along(direction)
    steps = strategy.steps(20000, np.random.default_rng(0))
    np.testing.assert_allclose(np.cov(steps.T), strategy.covariance, atol=0.1 * strategy.covariance.max())
    along, across = steps @ direction, steps @ np.array([1.0, -1.0, 0.0, 0.0])
    assert along.std() > 3 * across.std()


def test_it_comes_nearer_than_random_search_where_genes_depend_on_each_other():
    space = SearchSpace([Choice(f"gene{i}", range(20)) for i in range(8)])
    valley = np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2)

    def evaluate(genotypes):
        turned = (genotypes.reshape(len(genotypes), 4, 2) @ valley).reshape(len(genotypes), 8)
        weights = np.tile([1.0, 0.05], 4)
        return np.stack([(weights * (turned - goal) ** 2).sum(axis=1) for goal in (2.0, 9.0)], axis=1)

    objectives = [Objective("near", "min"), Objective("far", "min")]

    def volume(algorithm, seed):
        history = optimize(space, evaluate, objectives, algorithm, 1200, seed, population=20, progress=False)
        return history.hypervolume((500.0, 500.0))

    ours, random = ([volume(name, seed) for seed in range(5)] for name in ("mocmaes", "random"))
    assert min(ours) > max(random)
