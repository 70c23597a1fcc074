import numpy as np
import pytest
from scipy.optimize import approx_fprime

from nastoolkit.transforms import LEAST_VALUES, NO_BEND, Bend, candidates, learn, leave_one_out_loss

BENDS = [NO_BEND, Bend(1, 3.0, 0.5), Bend(-1, 3.0, 0.5)]


@pytest.mark.parametrize("bend", BENDS)
def test_a_bend_increases_and_has_an_inverse_and_a_slope(bend):
    values = np.linspace(-20, 20, 201)
    assert (np.diff(bend(values)) > 0).all()
    np.testing.assert_allclose(bend.inverse(bend(values)), values, atol=1e-9)
    slopes = [approx_fprime([value], lambda v: bend(v)[0], 1e-7)[0] for value in values + 0.01]
    np.testing.assert_allclose(bend.log_slope(values + 0.01), np.log(slopes), atol=1e-4)
    np.testing.assert_array_equal(bend.excess(values) > 0, bend(values) != values)


def test_one_side_keeps_its_values_and_the_knee_is_smooth():
    bend = Bend(1, 3.0, 0.5)
    np.testing.assert_array_equal(bend(np.array([-1e6, 0, 3])), [-1e6, 0, 3])
    assert bend(np.array([1e6])) < 12
    assert np.isfinite(bend.inverse(np.array([1e9])))


def linear(n=60, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 5))
    return features, features @ np.arange(1.0, 6.0) + 0.3 * rng.normal(size=n)


def test_leave_one_out_loss_is_that_of_leaving_each_out():
    features, values = linear(15)
    covariance = features @ features.T
    size = np.trace(covariance) / 15
    losses = []
    for noise in np.logspace(-4, 1, 11):
        whole = covariance / size + 10 + noise * np.eye(15)
        errors, variances = [], []
        for row in range(15):
            rest = np.delete(np.arange(15), row)
            weights = np.linalg.solve(whole[np.ix_(rest, rest)], whole[rest, row])
            errors.append((values - values.mean())[row] - weights @ (values - values.mean())[rest])
            variances.append(whole[row, row] - weights @ whole[rest, row])
        scale = np.mean(np.square(errors) / variances)
        losses.append((15 * np.log(scale) + np.log(variances).sum()) / 2)
    assert leave_one_out_loss(values[:, None], covariance)[0] == pytest.approx(min(losses))


def test_smooth_values_are_left_alone():
    for seed in range(5):
        features, values = linear(seed=seed)
        assert learn(values, features @ features.T) == NO_BEND


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("level", [50, 1e6])
def test_outliers_at_either_end_are_pulled_in(side, level):
    features, values = linear()
    spoilt = np.where(np.arange(60) < 2, side * level, values)
    bend = learn(spoilt, features @ features.T)
    assert bend.side == side
    assert np.abs(bend(spoilt[:2])).max() < 2.5 * np.abs(values).max()
    assert learn(spoilt, features @ features.T, sides=[-side]).side in (0, -side)


def test_a_long_tail_is_pulled_in():
    features, values = linear()
    bend = learn(np.exp(values / 4), features @ features.T)
    assert bend.side == 1
    bent = bend(np.exp(values / 4))
    assert np.corrcoef(bent, values)[0, 1] > np.corrcoef(np.exp(values / 4), values)[0, 1] + 0.05


def test_the_choice_does_not_depend_on_the_unit():
    features, values = linear()
    values = np.where(np.arange(60) < 2, 1000, values)
    a, b = (learn(scale * values + offset, features @ features.T) for scale, offset in [(1, 0), (1e4, -7)])
    assert (b.side, b.knee, b.unit) == pytest.approx((a.side, 1e4 * a.knee - 7, 1e4 * a.unit))


@pytest.mark.parametrize("values", [np.zeros(30), np.arange(LEAST_VALUES - 1.0), np.repeat([0.0, 1.0], [29, 1])])
def test_constant_few_or_mostly_equal_values(values):
    bend = learn(values, np.eye(len(values)))
    assert np.isfinite(bend(values)).all()
    assert all(candidate.unit > 0 for candidate in candidates(values, (1, -1)))
