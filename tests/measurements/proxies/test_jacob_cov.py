import numpy as np
import pytest
import torch
from torch import nn

from nastoolkit.measurements.proxies.jacob_cov import LEAST, independence, input_gradients


def test_rows_without_correlation_score_as_the_identity_does():
    rows = np.array([[1.0, -1, 0, 0], [0, 0, 1, -1], [1, 1, -1, -1]])
    assert independence(rows) == pytest.approx(-3 * (np.log(1 + LEAST) + 1 / (1 + LEAST)))


def test_rows_that_go_together_score_less():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(4, 50))
    assert independence(rows) > independence(rows + rng.normal(size=50)) > independence(np.tile(rows[0], (4, 1)))


def test_constant_rows_have_no_correlation():
    assert independence(np.ones((3, 4))) == -np.inf


def test_gradients_are_those_of_the_summed_outputs():
    layer = nn.Linear(3, 2)
    network = nn.Sequential(nn.Flatten(), layer)
    found = input_gradients(network, torch.randn(4, 1, 1, 3))
    np.testing.assert_allclose(found, np.tile(layer.weight.detach().sum(0).numpy(), (4, 1)), rtol=1e-6)
