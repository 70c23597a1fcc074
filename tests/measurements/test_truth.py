import numpy as np

from nastoolkit import TASKS
from nastoolkit.measurements import StandAloneAccuracy, ground_truth
from nastoolkit.statistics import tau_ceiling
from nastoolkit.training import Recipe


def test_every_run_is_made_once(tiny, tmp_path, monkeypatch):
    task, recipe = TASKS["digits-few"](), Recipe(n_steps=2, batch_size=4)
    genotypes = tiny.space.sample(3, np.random.default_rng(0))
    values = ground_truth(tiny, task, recipe, genotypes, [0, 1], tmp_path)
    alone = StandAloneAccuracy(tiny, task, Recipe(n_steps=2, batch_size=4, seed=1), progress=False)
    assert values.shape == (3, 2) and values[1, 1] == alone(genotypes[1]).item()
    assert -1 <= tau_ceiling(values).reliability <= 1
    monkeypatch.setattr(StandAloneAccuracy, "__call__", lambda measure, genotype: np.array([[-1.0]]))
    again = ground_truth(tiny, task, recipe, genotypes[::-1], [1, 0, 2], tmp_path)
    np.testing.assert_array_equal(again[:, :2], values[::-1, ::-1])
    assert (again[:, 2] == -1).all()
    assert (ground_truth(tiny, task, Recipe(n_steps=3, batch_size=4), genotypes, [0], tmp_path) == -1).all()
