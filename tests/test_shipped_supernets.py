"""The supernets that ship with the package are worth searching: what their cards and their test splits say."""

import numpy as np
import pytest

from nastoolkit.checkpoints import EMBEDDED, embedded_names, read_checkpoint
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import load_supernet
from nastoolkit.tasks import TASKS


@pytest.mark.slow
@pytest.mark.parametrize("name", embedded_names())
def test_a_shipped_supernet_is_as_good_as_its_card_says_and_its_ends_differ(name):
    supernet, (_, card) = load_supernet(name), read_checkpoint(EMBEDDED / f"{name}.safetensors")
    task, space = TASKS[card["task"]](), supernet.family.space
    scores = Accuracy(supernet, task, "test")(np.stack([space.smallest, space.largest]))[:, 0]
    measured = dict(zip(("smallest", "largest"), scores, strict=True))
    assert measured == pytest.approx(card[task.metric]["test"], abs=0.5)
    assert measured["largest"] >= 80 and measured["largest"] - measured["smallest"] >= 5
