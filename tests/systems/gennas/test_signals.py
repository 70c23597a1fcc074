"""Bases are their closed forms."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional

from nastoolkit.systems.gennas.signals import Dot, GDot, Resize, Signals, Sin1D, Sin2D, Stage, wave

BAND = (0.1, 0.19)
GRID = np.linspace(*BAND, 10)
IMAGES = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
ALL = [
    Sin1D(level=1.0, band=BAND),
    Sin2D(level=1.0, band=BAND),
    Dot(level=1.0, share=0.5),
    GDot(level=1.0, share=0.5),
    Resize(level=1.0),
]


def drawn(basis, seed=0, channels=6, size=8):
    return basis.target(IMAGES, channels, size, torch.Generator().manual_seed(seed)).numpy()


def frequencies(signal):
    """Cycles a pixel of sines ``(..., n)``: 2 cos(2 pi f) is what relates each value's neighbours to it."""
    middle, outer = signal[..., 1:-1], signal[..., :-2] + signal[..., 2:]
    return np.arccos(np.clip((outer * middle).sum(-1) / (middle**2).sum(-1) / 2, -1, 1)) / (2 * np.pi)


def is_on_grid(found):
    return np.abs(found[..., None] - GRID).min(-1).max() < 1e-4


def test_a_wave_is_a_sine_of_both_coordinates():
    down, across, phase = [0.1, 0.0], [0.3, 0.2], [0.5, 1.0]
    found = wave(4, *map(torch.tensor, (down, across, phase))).numpy()
    for channel in range(2):
        for y in range(4):
            for x in range(4):
                turns = down[channel] * (y + 1) + across[channel] * (x + 1)
                assert found[channel, y, x] == pytest.approx(np.sin(2 * np.pi * turns + phase[channel]), abs=1e-5)


def test_one_dimensional_sines_run_down_or_across():
    found = drawn(Sin1D(level=1.0, band=BAND), channels=20)
    down, across = (np.ptp(found, axis=axis).max(axis=-1) > 1e-6 for axis in (2, 3))
    assert (down ^ across).all() and 0.2 < down.mean() < 0.8
    lines = np.where(down[..., None], found[..., 0], found[..., 0, :])
    assert is_on_grid(frequencies(lines)) and np.abs(found).max() <= 1


def test_two_dimensional_sines_have_a_frequency_along_each_side():
    found = drawn(Sin2D(level=1.0, band=BAND), channels=20)
    across, down = found[..., 1:-1, :], found[..., 1:-1].swapaxes(-1, -2)
    for sides in (across, down):
        outer = (sides[..., :-2] + sides[..., 2:]).reshape(3, 20, -1)
        inner = sides[..., 1:-1].reshape(3, 20, -1)
        cosines = (outer * inner).sum(-1) / (inner**2).sum(-1) / 2
        assert is_on_grid(np.arccos(cosines) / (2 * np.pi))
        np.testing.assert_allclose(outer, 2 * cosines[..., None] * inner, atol=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_dots_are_as_many_as_they_should_be(share):
    found = drawn(Dot(level=1.0, share=share))
    assert set(np.unique(found)) <= {-1.0, 0.0, 1.0} and (np.abs(found).sum(axis=(2, 3)) == int(share * 64)).all()
    assert share < 1 or abs(found.mean()) < 0.2


def test_blurred_dots_are_the_dots_after_a_gaussian_filter():
    dots = drawn(Dot(level=1.0, share=0.4))
    blurred = np.array([[gaussian_filter(one, 1.0, mode="constant") for one in image] for image in dots])
    expected = blurred / np.abs(blurred).max(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(drawn(GDot(level=1.0, share=0.4)), expected, atol=1e-5)
    assert not drawn(GDot(level=1.0, share=0.0)).any()


def test_small_images_go_from_minus_one_to_one_with_their_channels_in_any_order():
    found, small = drawn(Resize(level=1.0), channels=7), functional.interpolate(IMAGES, (8, 8)).numpy()
    scaled = 2 * (small - small.min()) / np.ptp(small) - 1
    assert scaled.min() == -1 and scaled.max() == 1
    sources = [[np.abs(scaled[:, c] - found[:, k]).max() < 1e-6 for c in range(3)] for k in range(7)]
    assert [sum(row) for row in sources] == [1] * 7 and np.array(sources).any(axis=0).all()


@pytest.mark.parametrize("basis", ALL, ids=lambda basis: type(basis).__name__)
def test_a_seed_decides_and_a_level_is_a_factor(basis):
    found = drawn(basis)
    assert found.shape == (3, 6, 8, 8) and (found == drawn(basis)).all() and (found != drawn(basis, seed=1)).any()
    np.testing.assert_allclose(drawn(type(basis)(**vars(basis) | {"level": 2.5})), 2.5 * found, rtol=1e-6)


@pytest.mark.parametrize("basis", ALL[:-1], ids=lambda basis: type(basis).__name__)
def test_what_is_not_local_is_the_same_for_all_images(basis):
    shared = drawn(type(basis)(**vars(basis) | {"local": False}))
    assert (shared == shared[:1]).all() and (drawn(basis) != drawn(basis)[:1]).any()


def test_stages_add_up_and_white_noise_has_their_variance():
    stage = Stage(bases=(Sin1D(level=1.0, band=BAND), Resize(level=2.0)), width=0.5)
    (signal,), (noise,) = (
        Signals(stages=(stage,), is_white=is_white).targets(IMAGES, 8, seed=3) for is_white in (False, True)
    )
    generator = torch.Generator().manual_seed(3)
    parts = [basis.target(IMAGES, 32, 8, generator) for basis in stage.bases]
    torch.testing.assert_close(signal, parts[0] + parts[1])
    assert noise.shape == (3, 32, 8, 8) and noise.std() / signal.std() == pytest.approx(1, abs=0.05)
    neighbours = [np.corrcoef(x[..., :-1].flatten(), x[..., 1:].flatten())[0, 1] for x in (signal, noise)]
    assert abs(neighbours[1]) < 0.05 < abs(neighbours[0])


def test_a_stage_without_bases_is_to_give_out_nothing():
    assert not Signals(stages=(Stage(bases=(), width=0.25),)).targets(IMAGES, 4, 0)[0].any()
