"""Omniglot in one file: which split each drawing is in, which alphabets are for what, and a file that is none."""

import numpy as np
import pytest

from nastoolkit import TASKS
from nastoolkit.tasks import MissingDataError
from nastoolkit.tasks.omniglot import MEAN, STD


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path / "nowhere"))
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    return tmp_path


def test_the_last_drawings_of_every_character_are_held_out(folder, drawings):
    drawings(folder / "small" / "omniglot", 2)
    task = TASKS["omniglot"]()
    counts = [task.split(name).targets.bincount().tolist() for name in ("train", "validation", "test")]
    assert counts == [[16] * 16, [2] * 16, [2] * 16] and task.n_classes == 16
    with np.load(folder / "small" / "omniglot" / "omniglot28.npz") as file:
        pixels, alphabets = file["X"], file["alphabet"]
    test = task.split("test")
    first = np.flatnonzero(alphabets == "alphabeta")[18:20]  # alphabets are in the order of their names, not of the file
    assert first[0] == 58
    back = (test.inputs[test.targets == 0][:, 0].numpy() * STD + MEAN) * 255
    np.testing.assert_array_equal(back.round(), pixels[first])


def test_alphabets_are_for_learning_validation_or_test(folder, drawings):
    drawings(folder / "omniglot", 3)
    groups = TASKS["omniglot"]().class_groups
    assert groups == {"train": tuple(range(15)), "validation": (15, 16, 17), "test": tuple(range(18, 24))}


def test_a_missing_file_and_ones_that_are_none_are_told(folder):
    with pytest.raises(MissingDataError, match="(?s)'omniglot': there is no omniglot28.npz in .*NASTOOLKIT_DATA=DIR"):
        TASKS["omniglot"]().split("train")
    (folder / "omniglot28.npz").write_bytes(b"PK")
    with pytest.raises(MissingDataError, match="omniglot28.npz has no drawings of characters"):
        TASKS["omniglot"]().split("train")
    few = {"X": np.zeros((20, 28, 28), np.uint8), "alphabet": np.array(["a"] * 20), "character": np.ones(20, int)}
    np.savez(folder / "omniglot28.npz", **few)
    with pytest.raises(MissingDataError, match=r"no drawings of characters \(1 alphabets of 8\)"):
        TASKS["omniglot"]().split("train")


def test_the_published_drawings(data_folder, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    task = TASKS["omniglot"]()
    assert task.split("train").targets.bincount().tolist() == [16] * 242
    assert {name: len(classes) for name, classes in task.class_groups.items()} == {"train": 157, "validation": 26, "test": 59}
    assert abs(task.split("train").inputs.mean()) < 0.02 and abs(task.split("train").inputs.std() - 1) < 0.05
