import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator

from nastoolkit.predictors.rbf import Member, RBFEnsemble


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    features = rng.random((40, 6))
    return features, np.sin(features @ np.arange(6)), rng.random((15, 6))


def test_a_member_is_scipys_interpolant(rows):
    features, values, others = rows
    columns = np.array([0, 2, 5])
    theirs = RBFInterpolator(features[:, columns], values, kernel="cubic", degree=1)(others[:, columns])
    np.testing.assert_allclose(Member(features, values, columns).predict(others), theirs, rtol=1e-6)


def test_a_member_goes_through_its_rows(rows):
    features, values, _ = rows
    np.testing.assert_allclose(Member(features, values, np.arange(6)).predict(features), values, rtol=1e-6)


def test_equal_rows_count_once_with_their_mean(rows):
    features, values, others = rows
    columns = np.arange(6)
    twice = Member(np.vstack([features, features]), np.concatenate([values - 1, values + 1]), columns)
    np.testing.assert_allclose(twice.predict(others), Member(features, values, columns).predict(others), rtol=1e-6)


def test_redundant_features_change_nothing(rows):
    """A column that others sum up to leaves the linear tail undetermined in scipy's own system."""
    features, values, others = rows

    def with_sum(part):
        return np.column_stack([part, 1 - part.sum(axis=1)])

    found = Member(with_sum(features), values, np.arange(7)).predict(with_sum(others))
    root = np.linalg.cholesky(np.eye(6) + 1)  # the sum adds to squared distances
    theirs = RBFInterpolator(features @ root, values, kernel="cubic", degree=1)(others @ root)
    np.testing.assert_allclose(found, theirs, rtol=1e-5)


def test_the_ensemble_is_the_median_of_members_on_subsets_of_all_sizes(rows):
    features, values, others = rows
    ensemble = RBFEnsemble(n_members=301).fit(features, values)
    single = [member.predict(others) for member in ensemble.members_]
    np.testing.assert_array_equal(ensemble.predict(others), np.median(single, axis=0))
    sizes = np.bincount([len(member.columns) for member in ensemble.members_], minlength=7)[1:]
    assert (np.abs(sizes - 50) < 30).all()
    assert all(len(set(member.columns)) == len(member.columns) for member in ensemble.members_)


def test_the_seed_decides(rows):
    features, values, others = rows
    one, same, other = (RBFEnsemble(20, seed).fit(features, values).predict(others) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_rows_that_are_all_equal():
    ensemble = RBFEnsemble(5).fit(np.ones((3, 2)), np.array([1.0, 2.0, 6.0]))
    np.testing.assert_array_equal(ensemble.predict(np.zeros((4, 2))), 3.0)


@pytest.mark.parametrize("kind", [bool, np.int8, np.float32])
def test_numbers_of_any_type(kind):
    rng = np.random.default_rng(0)
    features, values = rng.integers(0, 2, (30, 5)), rng.random(30)
    expected = RBFEnsemble(20).fit(features.astype(float), values).predict(features.astype(float))
    np.testing.assert_array_equal(RBFEnsemble(20).fit(features.astype(kind), values).predict(features.astype(kind)), expected)
