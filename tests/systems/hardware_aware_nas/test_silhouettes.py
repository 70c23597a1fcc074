"""Clusters by choices, on points that lie together or apart."""

import numpy as np
import pandas as pd
import pytest

from nastoolkit.published import TransformerLatency
from nastoolkit.published.hat_latency import FEATURES
from nastoolkit.systems.hardware_aware_nas.silhouettes import silhouettes, silhouettes_of, silhouettes_of_parts


def test_options_that_lie_apart_have_a_coefficient_near_one():
    values = np.array([[0.0, 0.0], [0.1, 0.0], [10.0, 1000.0], [10.1, 1000.0]])
    choices = pd.DataFrame({"apart": [1, 1, 2, 2], "mixed": [1, 2, 1, 2], "same": [1, 1, 1, 1], "all": [1, 2, 3, 4]})
    found = silhouettes(values, choices)
    assert list(found.index) == ["apart", "mixed"] and found["apart"] > 0.95 and found["mixed"] < 0.1
    pd.testing.assert_series_equal(silhouettes(values * [1, 1e-6], choices), found)


def test_a_search_is_judged_by_choices_that_all_have():
    from nastoolkit.benchmarks.digits_mbv3_table import DigitsTable

    table = DigitsTable()
    history = table.history(table.space.sample(40, np.random.default_rng(0)))
    known = {choice.name for choice in table.space.choices if choice.when is None}
    assert set(silhouettes_of(history).index) <= known


def test_parts_have_all_transformers_once():
    features = np.zeros((12, len(FEATURES)))
    layers = FEATURES.index("decoder.layers")
    features[:, layers] = np.repeat([1, 2], 6)
    latency = features[:, layers] * 100
    transformers = TransformerLatency(features, latency, latency)
    found = silhouettes_of_parts(transformers, ["decoder.layers"], 2)
    assert [part["decoder.layers"] for part in found] == pytest.approx([1, 1])
