from dataclasses import replace

import numpy as np
import pytest

from nastoolkit import TASKS
from nastoolkit.families.mobilenet_v3 import MobileNetV3Family
from nastoolkit.measurements import StandAloneAccuracy, ground_truth
from nastoolkit.measurements.ground_truth import network_text
from nastoolkit.statistics import tau_ceiling
from nastoolkit.training import Recipe

RECIPE = Recipe(n_steps=2, batch_size=4)
HERE = {"n_workers": 0, "progress": False}


@pytest.fixture(scope="module")
def task():
    class Few(TASKS["digits-few"]):
        name = "few"
        n_canvases = {"train": 50, "validation": 40, "test": 40}

    return Few()


@pytest.fixture(scope="module")
def genotypes(tiny):
    return tiny.space.sample(3, np.random.default_rng(0))


def test_values_are_stand_alone_accuracies_a_row_for_each_network_and_a_column_for_each_seed(tiny, task, genotypes, tmp_path):
    values = ground_truth(tiny, task, RECIPE, genotypes, (3, 1), tmp_path, **HERE)
    alone = [StandAloneAccuracy(tiny, task, replace(RECIPE, seed=seed), progress=False)(genotypes) for seed in (3, 1)]
    np.testing.assert_array_equal(values, np.concatenate(alone, axis=1))
    assert tau_ceiling(values).reliability <= 1
    assert ground_truth(tiny, task, RECIPE, genotypes[:0], (3, 1), tmp_path, **HERE).shape == (0, 2)


def test_families_and_genotypes_with_one_plan_share_their_trainings(tiny, task, genotypes, tmp_path, monkeypatch):
    first = ground_truth(tiny, task, RECIPE, genotypes, [0], tmp_path, **HERE)
    larger = MobileNetV3Family("larger", replace(tiny.table, kernels=(3, 5, 7)))
    same = np.array([larger.space.encode(tiny.space.decode(genotype)) for genotype in genotypes])
    assert larger.fingerprint != tiny.fingerprint
    own = StandAloneAccuracy(larger, task, RECIPE, progress=False)(same)
    np.testing.assert_array_equal(own, first)
    monkeypatch.setattr(StandAloneAccuracy, "__call__", lambda *_: pytest.fail("trained again"))
    twice = np.concatenate([same, same])
    np.testing.assert_array_equal(ground_truth(larger, task, RECIPE, twice, [0], tmp_path, **HERE), [*first, *first])
    assert len(list(tmp_path.iterdir())) == 3


def test_another_recipe_task_split_seed_or_network_is_another_training(tiny, task, genotypes, tmp_path):
    asked = {"family": tiny, "task": task, "recipe": RECIPE, "genotypes": genotypes[:1], "seeds": [0], "folder": tmp_path}
    other = type(task)()
    other.name = "other"
    changes = [
        {},
        {"recipe": replace(RECIPE, clip_norm=1.0)},
        {"recipe": replace(RECIPE, momentum=0.5)},
        {"task": other},
        {"split": "test"},
        {"seeds": [1]},
        {"genotypes": genotypes[1:2]},
    ]
    for number, change in enumerate(changes, start=1):
        ground_truth(**{**asked, **change}, **HERE)
        assert len(list(tmp_path.iterdir())) == number
    ground_truth(**{**asked, "recipe": replace(RECIPE, seed=5)}, **HERE)  # seeds say which
    assert len(list(tmp_path.iterdir())) == len(changes)


def test_networks_whose_blocks_are_joined_in_other_ways_are_others(tiny, genotypes):
    class Backwards(MobileNetV3Family):
        def assemble(self, blocks):
            return super().assemble(dict(reversed(blocks.items())))

    assert network_text(Backwards("tiny", tiny.table), genotypes[0]) != network_text(tiny, genotypes[0])
