"""Predicted accuracies, on the shipped table and on few measured sub-networks."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.predictors import learning_curve
from nastoolkit.systems.hardware_aware_nas.accuracies import (
    CONTROL,
    DIGITS,
    IMAGENET,
    accuracy_scores,
    agreement,
    intel_taus,
    networks_from,
    predicted_networks,
    published_networks,
    spread_of_values,
)

TABLE = {"name": DIGITS, "data_folder": "", "at_least": 10}


def test_published_sub_networks_are_enough_or_missing(tmp_path):
    assert len(networks_from(TABLE).values) == 10648 and networks_from(dict(TABLE)) is networks_from(TABLE)
    with pytest.raises(ValueError, match="20,500 sub-networks are needed .* has 10,648"):
        published_networks(DIGITS, "", 20500)
    with pytest.raises(FileNotFoundError):
        published_networks(IMAGENET, str(tmp_path), 1)


def test_random_sub_networks_are_measured_once(tmp_path, monkeypatch):
    problem = SupernetProblem(family_name="digits-mbv3", task_name="digits", folder=str(tmp_path), n_calibration=50)
    source = {"problem": problem.as_argument(), "n": 2, "seed": 0}
    (row,) = spread_of_values("digits-mbv3", source)
    networks = networks_from(source)
    assert row["n"] == 2 and row["greatest"] == networks.values.max() and networks.features.shape[0] == 2
    np.testing.assert_array_equal(networks.values, problem.accuracy()(networks.genotypes)[:, 0])


def test_the_control_learns_from_the_same_sub_networks():
    scores = accuracy_scores(DIGITS, TABLE, [5, 9], 6, ["ridge"], trial=1, seed=3)
    networks = networks_from(TABLE)
    for name, features in (("ridge", networks.features), (CONTROL, networks.log_macs)):
        curve = learning_curve(features, networks.values, [5, 9], 6, 2, ["ridge"], seed=3)
        expected = curve[curve.trial == 1].assign(predictor=name).reset_index(drop=True)
        pd.testing.assert_frame_equal(scores[scores.predictor == name].reset_index(drop=True), expected)


def test_predictions_are_of_sub_networks_that_were_not_seen():
    points = predicted_networks(DIGITS, TABLE, "ridge", 200, 40, trial=0, seed=0)
    assert list(points) == ["measured", "predicted", "macs"] and len(points) == 40
    found = agreement(points)
    scores = accuracy_scores(DIGITS, TABLE, [200], 40, ["ridge"], trial=0, seed=0).set_index("predictor")
    assert found["tau"] == scores.kendall_tau["ridge"] and found["MAPE in %"] == scores.mape_percent["ridge"]
    assert found["tau"] > found["tau of MACs"] == pytest.approx(scores.kendall_tau[CONTROL])


def test_a_perfect_order_has_a_tau_of_one_among_the_best_too():
    points = pd.DataFrame({"measured": range(10), "predicted": range(1, 11), "macs": range(10, 0, -1)}, dtype=float) + 1
    found = agreement(points)
    assert found["tau"] == pytest.approx(1) and found["tau of MACs"] == pytest.approx(-1)
    assert found["tau among the best fifth"] == pytest.approx(1)


def test_intels_numbers_are_those_of_the_kind():
    assert intel_taus("digits-mbv3-table")[100] == 0.865 and intel_taus("number-words-transformer")[100] == 0.819
    assert intel_taus("bert") == {}
