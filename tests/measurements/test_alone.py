import numpy as np
import pytest

from nastoolkit import FAMILIES, TASKS
from nastoolkit.measurements import StandAloneAccuracy
from nastoolkit.measurements.alone import train_alone
from nastoolkit.training import Recipe


def test_a_job_is_the_stand_alone_accuracy_of_one_sub_network(tiny, monkeypatch):
    monkeypatch.setitem(FAMILIES, "tiny", lambda: tiny)
    genotype, recipe = tiny.space.sample(1, np.random.default_rng(0))[0], {"n_steps": 2, "batch_size": 4, "seed": 3}
    (row,) = train_alone("tiny", "digits-few", genotype.tolist(), recipe)
    measure = StandAloneAccuracy(tiny, TASKS["digits-few"](), Recipe(**recipe), progress=False)
    assert row == {"alone": pytest.approx(measure(genotype).item())}
