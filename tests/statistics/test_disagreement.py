"""Tasks that agree and that do not, with noise of a known size."""

import numpy as np
import pytest

from nastoolkit.statistics import disagreement

NETWORKS = np.arange(8.0)


def test_tasks_that_rank_alike_agree_and_opposite_ones_do_not():
    same, opposite = (np.stack([NETWORKS, order])[:, :, None] + np.zeros(2) for order in (3 * NETWORKS, -NETWORKS))
    assert disagreement(same).agreement == pytest.approx(1) and disagreement(same).reliability == pytest.approx(1)
    found = disagreement(opposite)
    assert found.agreement == pytest.approx(-1) and found.is_enough
    assert found.spread == pytest.approx(NETWORKS.std(ddof=1))
    assert not disagreement(same).is_enough
    assert not disagreement(0.5 * opposite).is_enough  # networks differ by too little


def test_reliability_is_that_of_the_mean_of_all_repeats():
    rng = np.random.default_rng(0)
    true, noise = rng.standard_normal((2, 4000, 1)), rng.standard_normal((2, 4000, 3))
    assert disagreement(true + noise).reliability == pytest.approx(3 / 4, abs=0.02)  # 1 / (1 + 1 / 3)
    assert not disagreement(10 * (true + noise)).is_enough  # it is too unreliable, and enough otherwise
    assert disagreement(10 * (true + 0.3 * noise)).is_enough


def test_networks_that_do_not_differ_have_no_ranking():
    found = disagreement(np.ones((2, 3, 2)))
    assert (found.spread, found.agreement, found.reliability) == (0, 0, 0)


@pytest.mark.parametrize("shape", [(1, 5, 2), (2, 2, 2), (2, 5, 1), (2, 5)])
def test_too_few_measurements_are_told(shape):
    with pytest.raises(ValueError, match="disagreement needs two tasks, three networks and two repeats, and got"):
        disagreement(np.ones(shape))
