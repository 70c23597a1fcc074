"""The supernet that ships with the package is worth searching: what its card and its test split say."""

import numpy as np
import pytest

from nastoolkit.checkpoints import EMBEDDED, read_checkpoint
from nastoolkit.measurements import Accuracy
from nastoolkit.supernet import load_supernet
from nastoolkit.tasks import TASKS


@pytest.mark.slow
def test_the_digits_supernet_is_trained_and_its_ends_differ():
    supernet = load_supernet("digits-mbv3")
    ends = np.stack([supernet.family.space.smallest, supernet.family.space.largest])
    smallest, largest = Accuracy(supernet, TASKS["digits"](), "test")(ends)[:, 0]
    _, card = read_checkpoint(EMBEDDED / "digits-mbv3.safetensors")
    assert largest >= 80 and largest - smallest >= 5
    assert -1 <= card["kendall_tau_alone"] <= 1
