"""Measures of classes and normals are those of brute force, and pixels without labels do not count."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nastoolkit.tasks import TASKS
from nastoolkit.tasks.nyuv2 import Nyuv2
from nastoolkit.tasks.scenes import angles, check_scenes


@pytest.fixture
def answered():
    """Random outputs and targets of rendered scenes, some pixels without a class, and others without a normal."""
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(3, 7, 5, 6, generator=generator)
    classes = torch.randint(-1, 4, (3, 5, 6), generator=generator)
    normals = functional.normalize(torch.randn(3, 3, 5, 6, generator=generator), dim=1)
    normals[:, :, 0] = 0
    return TASKS["rendered-scenes"](), outputs, {"classes": classes, "normals": normals}


def test_measures_are_those_of_brute_force(answered):
    task, outputs, targets = answered
    found, true = outputs[:, :4].argmax(1).numpy(), targets["classes"].numpy()
    known = true >= 0
    ious = [(known & (found == c) & (true == c)).sum() / (known & ((found == c) | (true == c))).sum() for c in range(4)]
    assert task.mean_iou(outputs, targets) == pytest.approx(100 * np.mean(ious))
    directions = outputs[:, 4:] / outputs[:, 4:].norm(dim=1, keepdim=True)
    degrees = (directions * targets["normals"]).sum(1)[:, 1:].flatten().double().arccos().rad2deg()
    assert np.allclose(np.sort(angles(outputs[:, 4:], targets["normals"])), np.sort(degrees), atol=1e-3)
    assert task.mean_angle(outputs, targets) == pytest.approx(degrees.mean().item(), abs=1e-4)
    expected = (100 * np.mean(ious) + 100 * (degrees <= 11.25).double().mean().item()) / 2
    assert task.score(outputs, targets) == pytest.approx(expected)


def test_pixels_without_labels_do_not_count(answered):
    task, outputs, targets = answered
    other = outputs.clone()
    other[:, :4][(targets["classes"] == -1)[:, None].expand(-1, 4, -1, -1)] = 9.0
    other[:, 4:, 0] = 9.0
    for measure in (task.loss, task.mean_iou, task.mean_angle, task.score):
        assert float(measure(other, targets)) == pytest.approx(float(measure(outputs, targets)))


def test_the_length_of_a_direction_does_not_matter(answered):
    task, outputs, targets = answered
    longer = torch.cat([outputs[:, :4], 5 * outputs[:, 4:]], 1)
    assert torch.allclose(task.loss(longer, targets), task.loss(outputs, targets))


def test_other_tasks_are_refused():
    with pytest.raises(
        ValueError, match="^a class and a normal of every pixel are needed, and task 'digits' has no such labels$"
    ):
        check_scenes(TASKS["digits"]())


def test_rooms_are_read_as_they_are(scene_files, tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    scene_files(tmp_path / "nyuv2", 20, 4)
    task = Nyuv2()
    assert [len(task.split(name)) for name in ("train", "validation", "test")] == [18, 2, 4] and task.n_classes == 3
    (first,) = task.split("test").batches(10, n=1)
    image = np.load(tmp_path / "nyuv2" / "val" / "image" / "0.npy")
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    assert np.allclose(first.inputs[0].permute(1, 2, 0), (image - mean) / std, atol=1e-5)
    assert np.array_equal(first.targets["classes"][0], np.load(tmp_path / "nyuv2" / "val" / "label" / "0.npy"))
    assert np.array_equal(
        first.targets["normals"][0].permute(1, 2, 0), np.load(tmp_path / "nyuv2" / "val" / "normal" / "0.npy")
    )


def test_rooms_that_lack_something_are_told(scene_files, tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    with pytest.raises(OSError, match="nyuv2/train has no arrays of image, label, normal"):
        Nyuv2().split("train")
    scene_files(tmp_path / "nyuv2", 4, 2)
    (tmp_path / "nyuv2" / "val" / "normal" / "1.npy").unlink()
    with pytest.raises(OSError, match="nyuv2/val has not the same files for image, label, normal"):
        Nyuv2().split("train")
