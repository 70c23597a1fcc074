import numpy as np
import pytest
import torch

from nastoolkit.measurements.proxies.zico import ZiCo, steadiness
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import TASKS


def test_it_is_the_inverse_coefficient_of_variation_of_absolute_gradients():
    one, other = torch.tensor([1.0, -2.0, 3.0]), torch.tensor([3.0, -4.0, -3.0])  # the last one's size does not vary
    assert steadiness([one, other]) == pytest.approx(np.log(2 / 1 + 3 / 1))


def test_a_layer_whose_gradients_do_not_vary_counts_for_nothing():
    assert steadiness([torch.zeros(3), torch.zeros(3)]) == 0


def test_one_input_makes_no_two_batches(tiny):
    with pytest.raises(ValueError, match="n_inputs must be at least 2, got 1"):
        ZiCo(Supernet(tiny), TASKS["digits"](), 1)
