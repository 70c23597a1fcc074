"""What every entry of PREDICTORS keeps; a new one is tested by being there."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from nastoolkit.predictors import (
    DEFAULT_PREDICTOR,
    PREDICTORS,
    RobustRidge,
    final_scores,
    kendall_tau,
    learning_curve,
    mape,
    score_table,
    spearman,
    splits,
)

TRACE = """
import hashlib
import numpy as np
from nastoolkit.predictors import PREDICTORS
rng = np.random.default_rng(0)
features = rng.integers(0, 2, (80, 20)).astype(float)
values = features @ rng.random(20) + features[:, 0] * features[:, 1] + rng.normal(size=80) / 10
before = str(np.random.get_state())
for name, make in PREDICTORS.items():
    predicted = make().fit(features[:60], values[:60]).predict(features[60:])
    assert str(np.random.get_state()) == before, f"{name} used the global random state"
    print(name, hashlib.sha256(predicted.tobytes()).hexdigest())
"""


@pytest.fixture(params=PREDICTORS)
def name(request):
    return request.param


@pytest.mark.parametrize(
    ("function", "tau"),
    [
        (lambda features: 70 + features @ np.arange(1, 21) / 20, 0.8),
        (lambda features: -3 * features[:, 0] * features[:, 1] + features[:, 2] + 1e-3 * features[:, 3], 0.4),
    ],
    ids=["additive", "interacting"],
)
def test_predictors_learn(name, function, tau):
    features = np.random.default_rng(0).integers(0, 2, (400, 20)).astype(float)
    values = function(features)
    predicted = PREDICTORS[name]().fit(features[:300], values[:300]).predict(features[300:])
    assert predicted.shape == (100,) and kendall_tau(values[300:], predicted) > tau
    errors, spread = np.abs(values[300:] - predicted), np.abs(values[300:] - values[:300].mean())
    assert errors.mean() < 0.8 * spread.mean()


@pytest.mark.parametrize(
    "rescale",
    [
        lambda features: features * np.logspace(-3, 3, features.shape[1]) + np.arange(features.shape[1]),
        lambda features: features.astype(np.float32),
        lambda features: features.astype(np.uint8),
    ],
    ids=["each its own", "float32", "uint8"],
)
def test_the_scale_and_type_of_features_do_not_matter(name, rescale):
    rng = np.random.default_rng(0)
    features = np.hstack([rng.integers(0, 5, (80, 6)), rng.integers(0, 2, (80, 4))]).astype(float)
    values = 5 + features @ rng.random(10) + 0.1 * rng.normal(size=80)
    plain = PREDICTORS[name]().fit(features[:60], values[:60]).predict(features[60:])
    scaled = PREDICTORS[name]().fit(rescale(features[:60]), values[:60]).predict(rescale(features[60:]))
    np.testing.assert_allclose(scaled, plain, rtol=1e-3)


def test_indicators_may_be_bools_and_values_of_any_type_and_scale(name):
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (80, 6))
    values = 500 + features @ rng.integers(1, 50, 6)
    plain = PREDICTORS[name]().fit(features[:60].astype(float), values[:60].astype(float)).predict(features[60:].astype(float))
    for kind in (np.int32, np.float32):
        found = (
            PREDICTORS[name]().fit(features[:60].astype(bool), values[:60].astype(kind)).predict(features[60:].astype(bool))
        )
        np.testing.assert_allclose(found, plain, rtol=1e-6)
    scaled = PREDICTORS[name]().fit(features[:60], 1e-3 * values[:60]).predict(features[60:])
    np.testing.assert_allclose(scaled, 1e-3 * plain, rtol=1e-3)


@pytest.mark.parametrize("n", [2, 3, 5, 9, 10, 11, 25])
def test_few_rows_are_enough(name, n):
    # LINAS asks for predictions as soon as two sub-networks are measured, with more features than rows.
    rng = np.random.default_rng(n)
    features = rng.integers(0, 2, (n, 40)).astype(float)
    predicted = PREDICTORS[name]().fit(features, 70 + rng.random(n)).predict(rng.integers(0, 2, (30, 40)).astype(float))
    assert predicted.shape == (30,) and (np.abs(predicted - 70.5) < 3).all()


@pytest.mark.parametrize("n", [2, 40])
@pytest.mark.parametrize("constant", [0.0, 71.5])
def test_constant_values_are_predicted(name, n, constant):
    features = np.random.default_rng(0).integers(0, 2, (n, 8)).astype(float)
    predictor = PREDICTORS[name]().fit(features, np.full(n, constant))
    np.testing.assert_allclose(predictor.predict(1 - features), constant, atol=1e-3)


def test_constant_features_do_no_harm(name):
    rng = np.random.default_rng(0)
    features = np.hstack([rng.random((60, 3)), np.full((60, 2), 6.0)])
    values = features @ np.arange(1, 6)
    assert kendall_tau(values[40:], PREDICTORS[name]().fit(features[:40], values[:40]).predict(features[40:])) > 0.5


def test_predictors_are_silent(name, capfd, recwarn):
    rng = np.random.default_rng(0)
    PREDICTORS[name]().fit(rng.random((12, 4)), rng.random(12)).predict(rng.random((3, 4)))
    assert not recwarn.list and capfd.readouterr() == ("", "")


def test_a_fitted_predictor_can_be_fitted_again(name):
    rng = np.random.default_rng(0)
    features, values = rng.random((30, 4)), rng.random(30)
    predictor = PREDICTORS[name]()
    predictor.fit(features[:20], 5 * values[:20]).predict(features)
    np.testing.assert_array_equal(
        predictor.fit(features, values).predict(features), PREDICTORS[name]().fit(features, values).predict(features)
    )
    assert PREDICTORS[name]() is not predictor


def test_predictions_are_the_same_in_another_process():
    def trace(hash_seed):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        run = subprocess.run([sys.executable, "-c", TRACE], env=environment, capture_output=True, text=True, check=True)
        return run.stdout.splitlines()

    first = trace("1")
    assert trace("2") == first and len(set(first)) == len(PREDICTORS)


def test_the_default_is_one_of_them():
    assert DEFAULT_PREDICTOR in PREDICTORS


def test_ridge_shrinks_more_where_values_are_noise():
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (80, 20)).astype(float)
    clean = PREDICTORS["ridge"]().fit(features, features @ rng.random(20))
    noise = PREDICTORS["ridge"]().fit(features, rng.normal(size=80))
    assert noise.alpha_ > 100 * clean.alpha_


def test_outliers_do_not_bend_what_is_robust():
    # A clock that is sometimes interrupted: a tenth of the training rows are three times too slow.
    rng = np.random.default_rng(0)
    features = rng.random((400, 6))
    true = 10 + features @ np.arange(1, 7)
    measured = true * np.where(rng.random(400) < 0.1, 3, 1) + rng.normal(scale=0.05, size=400)
    robust, stacked, ridge = (
        mape(true[300:], make().fit(features[:300], measured[:300]).predict(features[300:]))
        for make in (RobustRidge, PREDICTORS["stacked"], PREDICTORS["ridge"])
    )
    assert robust < 1 and stacked < 2 < ridge


def test_rank_correlations_and_relative_error():
    a = np.array([1.0, 2, 3, 4])
    assert kendall_tau(a, 10 * a) == spearman(a, a**3) == pytest.approx(1)
    assert kendall_tau(a, -a) == spearman(a, -a) == pytest.approx(-1)
    assert kendall_tau(a, np.array([1.0, 2, 4, 3])) == pytest.approx(4 / 6)
    assert mape(np.array([100.0, -50]), np.array([99.0, -52])) == pytest.approx(2.5)


def test_splits_are_disjoint_and_differ_between_trials():
    (test, rest), (other, _) = splits(20, 5, 2, seed=1)
    assert sorted([*test, *rest]) == list(range(20)) and len(test) == 5
    assert set(test) != set(other)
    np.testing.assert_array_equal(test, splits(20, 5, 1, seed=1)[0][0])


def test_every_row_is_in_one_test_set_before_any_is_in_two():
    trials = splits(11, 5, 4, seed=1)
    assert len({*trials[0][0], *trials[1][0]}) == len({*trials[2][0], *trials[3][0]}) == 10
    assert set(trials[0][0]) != set(trials[2][0]) and list(trials[0][1]) != sorted(trials[0][1])


def linear(n=60):
    features = np.random.default_rng(0).random((n, 4))
    return features, 10 + features @ np.arange(1, 5)


def test_a_learning_curve_has_a_row_for_every_fit():
    curve = learning_curve(*linear(), [3, 30], n_test=20, n_trials=2, predictors=["ridge", "svr"])
    assert curve[["trial", "n_train", "predictor"]].values.tolist() == [
        [trial, size, name] for trial in (0, 1) for size in (3, 30) for name in ("ridge", "svr")
    ]
    assert curve[curve.n_train == 30].kendall_tau.min() > 0.9 and curve[curve.n_train == 30].mape_percent.max() < 2
    best = final_scores(curve, "mape_percent").loc["ridge"]
    rows = curve[(curve.n_train == 30) & (curve.predictor == "ridge")].mape_percent
    assert best.tolist() == pytest.approx([rows.mean(), rows.std()])


def test_scores_do_not_depend_on_the_file(tmp_path):
    features, values = linear()
    how = {"sizes": [10], "n_test": 10, "n_trials": 2, "predictors": ["ridge"]}
    here = learning_curve(features, values, **how)
    file = tmp_path / "scores.csv"
    for _ in range(2):
        pd.testing.assert_frame_equal(learning_curve(features, values, **how, file=file), here)
    file.write_text(file.read_text().replace("ridge", "kept"))
    assert set(learning_curve(features, values, **how, file=file).predictor) == {"kept"}
    assert set(learning_curve(features, 2 * values, **how, file=file).predictor) == {"ridge"}


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"predictors": ["magic"]}, "unknown predictors .'magic'.; known: .'ridge', "),
        ({"n_test": 51}, "60 rows are too few"),
        ({"n_trials": 0}, "^n_trials must be at least 1, got 0$"),
    ],
)
def test_a_learning_curve_that_cannot_be_made(wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        learning_curve(*linear(), **{"sizes": [10], "n_test": 10} | wrong)


def test_a_table_of_scores_is_the_papers():
    def curve(*taus):
        return pd.DataFrame({"trial": [0, 1, 0], "n_train": [9, 9, 3], "predictor": "ridge", "kendall_tau": [*taus, 0.0]})

    curves = {("mbv3", "torch"): curve(0.5, 0.7), ("mbv3", "cuda"): curve(0.9, 0.9), ("bert", "cuda"): curve(0.1, 0.1)}
    table = score_table(curves, "kendall_tau", {"MACs": dict.fromkeys(curves, 0.25)}, digits=2)
    assert table.index.tolist() == [("mbv3", "ridge"), ("mbv3", "MACs"), ("bert", "ridge"), ("bert", "MACs")]
    assert table["torch"].tolist() == ["0.60 ± 0.14", "0.25", "", ""]
    assert table["cuda"].tolist() == ["0.90 ± 0.00", "0.25", "0.10 ± 0.00", "0.25"]


@pytest.mark.parametrize("name", ["ridge", "ridge_or_svr"])
def test_broken_networks_do_not_bend_what_squares_errors(name):
    """A tail of 5 % of the networks, wherever two choices meet, must not cost the ranks of the others."""
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (500, 12)).astype(float)
    good, broken = 30 + features @ rng.random(12), features[:, :4].sum(axis=1) == 4

    def tau(error):
        values, seen = np.where(broken, error, good), np.arange(500) < 100
        predicted = PREDICTORS[name]().fit(features[seen], values[seen]).predict(features[~seen & ~broken])
        return kendall_tau(good[~seen & ~broken], predicted)

    assert tau(99.0) > 0.85
