import numpy as np
import pytest

from nastoolkit.predictors import PREDICTORS, kendall_tau, mape, spearman


@pytest.mark.parametrize("name", PREDICTORS)
def test_predictors_learn_an_additive_function(name):
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (300, 20)).astype(float)
    values = 70 + features @ rng.random(20)
    predictor = PREDICTORS[name]().fit(features[:200], values[:200])
    assert kendall_tau(values[200:], predictor.predict(features[200:])) > 0.9
    assert PREDICTORS[name]() is not predictor


def test_ridge_shrinks_more_where_values_are_noise():
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (80, 20)).astype(float)
    clean = PREDICTORS["ridge"]().fit(features, features @ rng.random(20))
    noise = PREDICTORS["ridge"]().fit(features, rng.normal(size=80))
    assert noise.alpha_ > 100 * clean.alpha_


def test_rank_correlations_and_relative_error():
    a = np.array([1.0, 2, 3, 4])
    assert kendall_tau(a, 10 * a) == spearman(a, a**3) == pytest.approx(1)
    assert kendall_tau(a, -a) == spearman(a, -a) == pytest.approx(-1)
    assert kendall_tau(a, np.array([1.0, 2, 4, 3])) == pytest.approx(4 / 6)
    assert mape(np.array([100.0, -50]), np.array([99.0, -52])) == pytest.approx(2.5)
