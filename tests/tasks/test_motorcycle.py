"""The real pair: made smaller in closed form, unknown pixels do not count, and it is for tests alone."""

import numpy as np
import pytest
import torch
from PIL import Image

from nastoolkit.tasks import TASKS
from nastoolkit.tasks.data_sets import MissingDataError
from nastoolkit.tasks.motorcycle import FILES, SCALE, Motorcycle
from nastoolkit.tasks.stereo import DISPARITY, check_stereo


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Images of 140x210 pixels, of which 128x192 are used: bright on the left; disparities of 16, 40 and some unknown."""
    place = tmp_path / "motorcycle"
    place.mkdir()
    pixels = np.zeros((140, 210, 3), np.uint8)
    pixels[:, :105] = 255
    for file in FILES[:2]:
        Image.fromarray(pixels).save(place / file)
    disparity = np.full((140, 210), 16, np.float32)
    disparity[:70] = 40
    disparity[6:10, 9:13] = np.inf  # a part of the first square
    disparity[6 : 6 + SCALE, 9 + SCALE : 9 + 2 * SCALE] = np.nan  # all of the second
    np.savez(place / FILES[2], disparity)
    monkeypatch.setenv("NASTOOLKIT_DATASETS", str(tmp_path))
    return place


def test_it_is_an_eighth_as_high_and_wide_and_so_are_its_disparities(folder):
    task = check_stereo(Motorcycle(), 8)
    pair = task.split("test")
    left, right = pair.inputs
    assert left.shape == (1, 3, 16, 24) and torch.equal(left, right)
    assert set(left[..., :12].flatten().tolist()) == {2.0} and set(left[..., 12:].flatten().tolist()) == {-2.0}
    disparity = pair.targets[DISPARITY]
    assert disparity[0, 0, :3].tolist() == [5, 8, 5] and disparity[0, 8:].unique().tolist() == [2]
    assert len(task.errors(disparity + 1, pair.targets)) == 16 * 24 - 1 and task.score(disparity + 1, pair.targets) == 100


def test_it_is_for_tests_alone(folder):
    assert "motorcycle" not in TASKS
    with pytest.raises(ValueError, match="'motorcycle' is one pair for tests, and has no split 'train'"):
        Motorcycle().split("train")


def test_where_it_comes_from_is_said_if_it_is_not_here(folder, monkeypatch):
    monkeypatch.setattr("nastoolkit.tasks.motorcycle.find_spec", lambda name: None)
    (folder / FILES[1]).unlink()
    with pytest.raises(MissingDataError, match="pip install scikit-image, which has them, or put motorcycle_left.png"):
        Motorcycle().split("test")
