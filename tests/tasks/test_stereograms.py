"""What is seen in both images has the same colour, disparities are exact, and hidden pixels are hidden."""

import numpy as np
import pytest

from nastoolkit.tasks import TASKS
from nastoolkit.tasks.stereograms import SHIFTED, TILE, USUAL, TexturedSurface, random_surfaces, render, right_places

TEXTURES = np.random.default_rng(0).random((2, TILE, TILE, 3))


def two(ground=(1.0, 0.0, 0.0), shape=(5.0, 0.0, 0.0), place=(30.0, 16.0, 8.0, 6.0, 8.0)):
    return [TexturedSurface(ground, TEXTURES[0], 1.5), TexturedSurface(shape, TEXTURES[1], 2.5, place)]


def test_whole_disparities_move_pixels_as_they_are():
    left, right, disparity, seen = render(two(), 32, 64)
    assert set(np.unique(disparity)) == {1, 5}
    rows, columns = np.nonzero(seen)
    moved = columns - disparity[seen].astype(int)
    assert np.allclose(left[seen], right[rows, moved])
    hidden = [(row, column) for row, column in zip(*np.nonzero(~seen), strict=True) if column >= 1]
    assert hidden and all(disparity[place] == 1 for place in hidden)  # the ground, at the left of the shape
    for row, column in hidden:
        assert disparity[row, column + 4] == 5 and not np.allclose(left[row, column], right[row, column - 1])


def test_hidden_pixels_are_those_of_brute_force():
    rng = np.random.default_rng(1)
    for _ in range(5):
        surfaces = random_surfaces(rng, 16, 32, 8, USUAL)
        _, _, disparity, seen = render(surfaces, 16, 32)
        for row, column in rng.integers((16, 32), size=(100, 2)):
            at, down = column - disparity[row, column], np.array([float(row)])
            there = [one.from_right(np.array([at]), down) for one in surfaces]
            before = [one.disparity(x, down)[0] for one, x in zip(surfaces, there, strict=True) if one.covers(x, down)[0]]
            assert seen[row, column] == (at >= 0 and max(before) <= disparity[row, column] + 1e-9)


def test_a_point_of_the_right_image_is_where_its_disparity_says():
    (ground, _), x, y = two((2.0, 0.04, -0.02)), np.arange(64.0), np.arange(64.0)
    left = ground.from_right(x, y)
    assert np.allclose(left - ground.disparity(left, y), x)
    assert np.allclose(right_places([ground], x, y)[0], left)


def test_colours_are_bilinear_between_dots():
    surface = TexturedSurface((0.0, 0.0, 0.0), TEXTURES[0], 2.0)
    x, y = np.array([[4.0, 5.0, 4.0 + 2 * TILE]]), np.array([[6.0, 7.0, 6.0]])
    found, dots = surface.colours(x, y)[0], TEXTURES[0]
    assert np.allclose(found[0], dots[3, 2]) and np.allclose(found[2], dots[3, 2])
    assert np.allclose(found[1], (dots[3, 2] + dots[3, 3] + dots[4, 2] + dots[4, 3]) / 4)


@pytest.mark.parametrize("look", [USUAL, SHIFTED])
def test_disparities_fit_the_volume(look):
    rng = np.random.default_rng(2)
    for _ in range(100):
        *_, disparity, seen = render(random_surfaces(rng, 16, 32, 8, look), 16, 32)
        assert 0 <= disparity.min() and disparity.max() <= 7.2 and seen.mean() > 0.5


def test_shifted_scenes_are_others_and_training_scenes_are_the_same():
    usual, shifted = TASKS["stereograms"](), TASKS["stereograms-shifted"]()
    assert [len(usual.split(name)) for name in ("train", "validation", "test")] == [512, 64, 128]
    assert usual.split("train").inputs[0].equal(shifted.split("train").inputs[0])
    coarse, fine = shifted.split("test").inputs[0], usual.split("test").inputs[0]
    assert coarse.diff(dim=3).abs().mean() < 0.8 * fine.diff(dim=3).abs().mean()
    assert abs(fine.mean()) < 0.2 and 0.5 < fine.std() < 1.5
