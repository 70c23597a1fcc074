import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
import torch

from nastoolkit.families import FAMILIES, cells
from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.measurements import Accuracy, StandAloneAccuracy
from nastoolkit.objectives import Objective
from nastoolkit.studies import Store, optimize
from nastoolkit.studies.store import StoreError
from nastoolkit.supernets import Supernet, calibrate_batchnorm, load_supernet
from nastoolkit.tasks.digits import Digits
from nastoolkit.training import Recipe

OBJECTIVES = [Objective("accuracy_top1", "max", "%")]
ELSEWHERE = """
import numpy as np
from nastoolkit import TASKS, Accuracy, load_supernet

accuracy = Accuracy(load_supernet("digits-mbv3"), TASKS["digits"](), n_calibration=250)
genotypes = accuracy.supernet.family.space.sample(2, np.random.default_rng(5))
print(accuracy(genotypes).tobytes().hex())
"""


class Few(Digits):
    """Of its canvases as many as are soon classified."""

    n_canvases = {"train": 300, "validation": 500, "test": 500}  # noqa: RUF012


class Forbidden:
    """Has an accuracy's settings, but must not be called: the store knows all."""

    def __init__(self, accuracy):
        self.settings = accuracy.settings

    def __call__(self, genotypes):
        raise AssertionError(f"measured again: {genotypes}")


@pytest.fixture
def accuracy(tiny, supernet_of):
    return Accuracy(supernet_of(tiny), Few(), n_calibration=200)


@pytest.fixture
def genotypes(tiny):
    return tiny.space.sample(3, np.random.default_rng(0))


def test_it_is_the_share_of_right_answers_after_calibration(accuracy, genotypes, tiny):
    task, expected = Few(), []
    for genotype in genotypes:
        network = tiny.build(genotype)
        network.load_state_dict(accuracy.supernet.extract(genotype).state_dict())
        calibrate_batchnorm(network, [task.split("train").inputs[:200]])
        with torch.no_grad():
            answers = network(task.split("validation").inputs).argmax(1)
        expected.append([100 * np.mean(answers.numpy() == task.split("validation").targets.numpy())])
    measured = accuracy(genotypes)
    assert measured.shape == (3, 1) and len(np.unique(measured)) > 1
    np.testing.assert_allclose(measured, expected, atol=0.2)  # one of 500 canvases: rounding depends on the batch size


def test_the_network_that_a_supernet_hands_out_scores_what_was_measured():
    supernet, task = load_supernet("digits-mbv3"), Few()
    genotype = supernet.family.space.sample(1, np.random.default_rng(0))[0]
    network = supernet.train().network(genotype, task, n_calibration=200)
    examples = task.split("validation").at(supernet.family.input_shape(genotype))
    with torch.no_grad():
        answers = [task.predict(one, examples.inputs) for one in (network, supernet.eval().extract(genotype))]
    calibrated, raw = (task.score(predictions, examples.targets) for predictions in answers)
    measured = Accuracy(supernet, task, n_calibration=200)(genotype)[0, 0]
    assert abs(calibrated - measured) <= 0.4  # two of 500 canvases: rounding depends on the batch size
    assert raw < measured - 5
    assert not network.training


def test_predictions_are_what_it_scores(accuracy, genotypes):
    logits, targets = accuracy.predictions(genotypes)
    assert len(logits) == len(genotypes) and logits.shape[1:] == (len(targets), 10)
    metric = [[accuracy.task.score(of_network, targets)] for of_network in logits]
    np.testing.assert_array_equal(metric, accuracy(genotypes))


def test_it_may_be_measured_on_the_first_images_only(accuracy, genotypes):
    logits, targets = accuracy.predictions(genotypes)
    first = [[accuracy.task.score(of_network[:250], targets[:250])] for of_network in logits]
    np.testing.assert_array_equal(replace(accuracy, n_images=250)(genotypes), first)
    np.testing.assert_array_equal(replace(accuracy, n_images=10**6)(genotypes[:1]), accuracy(genotypes[:1]))


def test_repeating_it_gives_the_same_and_changes_nothing(accuracy, genotypes):
    before = accuracy.supernet.fingerprint
    first = accuracy(genotypes)
    np.testing.assert_array_equal(accuracy(genotypes[::-1])[::-1], first)
    np.testing.assert_array_equal(accuracy(genotypes[0]), first[:1])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(accuracy))(genotypes[1]), first[1:2])
    assert accuracy.supernet.fingerprint == before


def test_another_process_gives_the_same():
    accuracy = Accuracy(load_supernet("digits-mbv3"), Digits(), n_calibration=250)
    measured = accuracy(accuracy.supernet.family.space.sample(2, np.random.default_rng(5)))
    environment = os.environ | {"PYTHONHASHSEED": "3"}
    ran = subprocess.run([sys.executable, "-c", ELSEWHERE], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert np.frombuffer(bytes.fromhex(ran.stdout.strip())).reshape(2, 1).tolist() == measured.tolist()


def test_the_split_and_the_calibration_matter(accuracy, genotypes):
    others = (accuracy, replace(accuracy, split="test"), replace(accuracy, n_calibration=20))
    assert len({other(genotypes).tobytes() for other in others}) == 3


def test_settings_tell_all_that_values_depend_on(accuracy, tiny, supernet_of):
    settings = accuracy.settings
    assert settings["weights"] == accuracy.supernet.fingerprint and settings["task"] == "digits"
    others = [
        replace(accuracy, split="test"),
        replace(accuracy, n_calibration=100),
        replace(accuracy, batch_size=50),
        replace(accuracy, n_images=100),
        replace(accuracy, supernet=supernet_of(tiny, seed=1)),
    ]
    assert all(other.settings != settings for other in others)
    assert replace(accuracy, supernet=supernet_of(tiny)).settings == settings
    with torch.no_grad():
        accuracy.supernet.shared.classifier.linear.bias[0] += 1
    changed = {name for name, value in accuracy.settings.items() if value != settings[name]}
    assert changed == {"weights"}


def test_a_search_measures_it_and_replays_it(accuracy, tiny, tmp_path):
    settings = {"algorithm": "random", "budget": 3, "store": tmp_path / "store.sqlite", "progress": False}
    history = optimize(tiny.space, accuracy, OBJECTIVES, **settings)
    np.testing.assert_array_equal(history.values, accuracy(history.genotypes))
    replayed = optimize(tiny.space, Forbidden(accuracy), OBJECTIVES, **settings)
    np.testing.assert_array_equal(replayed.genotypes, history.genotypes)
    np.testing.assert_array_equal(replayed.values, history.values)
    with torch.no_grad():
        accuracy.supernet.shared.classifier.linear.bias[0] += 1
    with pytest.raises(ValueError, match=r"another problem; it differs in settings\['weights'\]"):
        optimize(tiny.space, accuracy, OBJECTIVES, **settings)


def test_training_alone_starts_afresh_for_every_network(tiny, genotypes):
    alone = StandAloneAccuracy(tiny, Few(), Recipe(n_steps=3, batch_size=16))
    genotypes = genotypes[:2]
    values = alone(genotypes)
    assert values.shape == (2, 1) and (values >= 0).all() and (values <= 100).all()
    np.testing.assert_array_equal(alone(genotypes[::-1]), values[::-1])
    assert replace(alone, recipe=Recipe(n_steps=4, batch_size=16))(genotypes).tolist() != values.tolist()


def test_settings_of_training_alone_hold_the_recipe(tiny):
    alone = StandAloneAccuracy(tiny, Few(), Recipe(n_steps=3, batch_size=16))
    assert alone.settings["n_steps"] == 3 and alone.settings["family"] == "tiny" and "weights" not in alone.settings
    others = [replace(alone, split="test"), *(replace(alone, recipe=Recipe(3, 16, **{k: 1})) for k in ("seed", "clip_norm"))]
    assert all(other.settings != alone.settings for other in others)


@pytest.mark.slow
def test_networks_are_trained_alone_in_other_processes(tiny, tmp_path):
    alone = StandAloneAccuracy(tiny, Digits(), Recipe(n_steps=3, batch_size=16))
    settings = {"algorithm": "random", "budget": 3, "population": 3, "progress": False}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as workers:
        store = tmp_path / "alone.sqlite"
        history = optimize(tiny.space, alone, OBJECTIVES, store=store, executor=workers, **settings)
    np.testing.assert_array_equal(history.values, alone(history.genotypes))
    replayed = optimize(tiny.space, Forbidden(alone), OBJECTIVES, store=store, **settings)
    np.testing.assert_array_equal(replayed.values, history.values)


def test_a_task_with_other_images_than_the_family_is_refused():
    with pytest.raises(ValueError, match=r"'ofa-mbv3-w1.0' takes inputs \(3, 128, 128\), task 'digits' has \(1, 32, 32\)"):
        Accuracy(Supernet(FAMILIES["ofa-mbv3-w1.0"]()), Digits())


@pytest.mark.parametrize("name", ["n_calibration", "batch_size", "n_images"])
def test_no_images_are_not_all_images(accuracy, name):
    with pytest.raises(ValueError, match=f"^{name} must be at least 1, got 0$"):
        replace(accuracy, **{name: 0})


def test_a_bar_is_shown_only_of_what_takes_long(accuracy, tiny, monkeypatch, capsys):
    genotypes = tiny.space.sample(3, np.random.default_rng(0))
    values = replace(accuracy, progress=False)(genotypes)
    for patience, progress, shown in ((1e9, True, False), (0.0, False, False), (0.0, True, True)):
        monkeypatch.setattr("nastoolkit.measurements.accuracy.PATIENCE", patience)
        np.testing.assert_array_equal(replace(accuracy, progress=progress)(genotypes), values)
        assert ("sub-networks" in capsys.readouterr().err) is shown


def test_families_of_one_name_with_other_tables_are_told_apart(tmp_path):
    narrow = replace(DIGITS, stages=(*DIGITS.stages[:-1], replace(DIGITS.stages[-1], channels=32)))
    ours, other = (MobileNetV3Family("digits-mbv3", table) for table in (DIGITS, narrow))
    assert ours.space.fingerprint == other.space.fingerprint
    assert ours.fingerprint == FAMILIES["digits-mbv3"]().fingerprint != other.fingerprint
    truth, others = (StandAloneAccuracy(family, Digits(), Recipe(n_steps=1)).settings for family in (ours, other))
    with Store(tmp_path / "a.sqlite", ours.space, OBJECTIVES, truth):
        pass
    with pytest.raises(StoreError, match="family_fingerprint"), Store(tmp_path / "a.sqlite", other.space, OBJECTIVES, others):
        pass


def test_networks_with_noise_are_measured_twice_alike():
    table = replace(cells.DIGITS, channels=2, image_size=8, n_stages=1, operations=("noise", "skip_connect"))
    accuracy = Accuracy(Supernet(cells.CellsFamily("noisy", table)), Digits(), n_calibration=20, n_images=20, progress=False)
    (one, _), (same, _) = (accuracy.predictions(np.array([1, 1, 0, 0, 1, 1])) for _ in range(2))
    assert torch.equal(one, same) and one[0].std(0).min() > 0
