"""Files of SceneFlow are read as they are published, crops are of one place, and what is missing is told."""

import numpy as np
import pytest
import torch

from nastoolkit.tasks import TASKS
from nastoolkit.tasks.sceneflow import SceneFlow, read_pfm


@pytest.fixture
def task(stereo_files, tmp_path, monkeypatch):
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    stereo_files(tmp_path / "sceneflow", 20, 3)
    return TASKS["sceneflow"]()


@pytest.mark.parametrize(("scale", "order"), [("-1.0", "<f4"), ("1.0", ">f4")])
def test_pfm_files_begin_with_the_lowest_row(tmp_path, scale, order):
    pixels = np.arange(6, dtype=order).reshape(2, 3)
    (tmp_path / "a.pfm").write_bytes(f"Pf\n3 2\n{scale}\n".encode() + pixels.tobytes())
    assert read_pfm(tmp_path / "a.pfm").tolist() == [[3, 4, 5], [0, 1, 2]]


def test_other_files_are_told(tmp_path):
    (tmp_path / "a.pfm").write_bytes(b"PF\n1 1\n-1.0\n" + bytes(12))
    with pytest.raises(ValueError, match=r"a\.pfm begins with b'PF', and a PFM file of one channel with b'Pf'$"):
        read_pfm(tmp_path / "a.pfm")


def test_splits_and_crops(task):
    assert [len(task.split(name)) for name in ("train", "validation", "test")] == [18, 2, 3]
    assert not set(task.split("train").names) & set(task.split("validation").names)
    whole = next(task.split("test").batches(3))
    assert [part.shape for part in whole.inputs] == [(3, 3, 24, 48)] * 2 and whole.targets["disparity"].shape == (3, 24, 48)

    class Small(SceneFlow):
        crop = (8, 20)

    middle = next(Small().split("test").batches(3))
    assert torch.equal(middle.targets["disparity"], whole.targets["disparity"][:, 8:16, 14:34])
    assert all(torch.equal(part, full[..., 8:16, 14:34]) for part, full in zip(middle.inputs, whole.inputs, strict=True))
    full, drawn = next(task.split("train").batches(1)), Small().split("train").draw(np.array([0]), np.random.default_rng(1))
    windows = full.targets["disparity"].unfold(1, 8, 1).unfold(2, 20, 1)
    (place,) = (windows == drawn.targets["disparity"][:, None, None]).all(-1).all(-1)[0].nonzero().tolist()
    assert torch.equal(drawn.inputs[1], full.inputs[1][..., place[0] : place[0] + 8, place[1] : place[1] + 20])


def test_what_is_missing_is_told(task, tmp_path):
    next((tmp_path / "sceneflow" / "disparity" / "TEST").glob("**/*.pfm")).unlink()
    with pytest.raises(OSError, match="1 images have no disparities in .*sceneflow/disparity, such as TEST/A/0"):
        task.split("test")
    (tmp_path / "sceneflow").rename(tmp_path / "other")
    with pytest.raises(OSError, match="sceneflow/frames_finalpass/TRAIN has no folder 'left' with images"):
        task.split("test")
