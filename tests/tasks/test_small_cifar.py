"""CIFAR-10 in one file: which split each image is in, where the file may be, and one that is none."""

import numpy as np
import pytest

from nastoolkit import TASKS
from nastoolkit.tasks import MissingDataError
from nastoolkit.tasks.preprocessing import MEAN, STD


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path / "nowhere"))
    monkeypatch.setenv("NASTOOLKIT_DATA", str(tmp_path))
    return tmp_path


def test_test_images_are_the_test_split_and_a_tenth_of_the_others_is_held_out(folder, small_cifar):
    small_cifar(folder / "small" / "cifar10", 10, 3)
    task = TASKS["cifar10-16"]()
    assert [len(task.split(name)) for name in ("train", "validation", "test")] == [90, 10, 30] and task.n_rows == 90
    with np.load(folder / "small" / "cifar10" / "cifar10_16.npz") as file:
        pixels, classes, is_test = file["X"], file["y"], file["test"]
    test = task.split("test")
    back = (test.inputs.permute(0, 2, 3, 1).numpy() * STD + MEAN) * 255
    found = {
        (image.round().astype(np.uint8).tobytes(), target) for image, target in zip(back, test.targets.tolist(), strict=True)
    }
    assert found == {
        (image.tobytes(), target) for image, target in zip(pixels[is_test], classes[is_test].tolist(), strict=True)
    }


def test_a_missing_file_and_one_that_is_none_are_told(folder):
    with pytest.raises(MissingDataError, match="(?s)'cifar10-16': there is no cifar10_16.npz in .*NASTOOLKIT_DATA=DIR"):
        TASKS["cifar10-16"]().split("train")
    (folder / "cifar10_16.npz").write_bytes(b"PK")
    with pytest.raises(MissingDataError, match="cifar10_16.npz has no images of 16x16 pixels"):
        TASKS["cifar10-16"]().split("train")


def test_the_published_images(data_folder, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATA", str(data_folder))
    task = TASKS["cifar10-16"]()
    assert [len(task.split(name)) for name in ("train", "validation", "test")] == [9000, 1000, 2000]
    assert task.split("test").inputs.shape[1:] == (3, 16, 16) and task.split("test").targets.bincount().tolist() == [200] * 10
