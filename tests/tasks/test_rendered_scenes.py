"""Surfaces are where geometry says, normals are those of the heights, and light falls on them."""

import numpy as np
import pytest

from nastoolkit.tasks.rendered_scenes import KINDS, RenderedScenes, cylinder, pixels, plane, render, shade, sphere, turned

RAYS = pixels(256)
AXES, FLAT = (turned(np.random.default_rng(0), tilt, tilt) for tilt in (35, 85))
SHAPES = {
    "sphere": lambda rays: sphere(rays, np.array([0.2, -0.1, 1.0]), 0.6),
    "plane": lambda rays: plane(rays, np.array([0.1, 0.1, 0.5]), AXES, 0.5),
    "cylinder": lambda rays: cylinder(rays, np.array([-0.1, 0.0, 1.0]), AXES[2], 0.4, 0.5),
    "flat cylinder": lambda rays: cylinder(
        rays, np.array([0.0, 0.0, 1.0]), turned(np.random.default_rng(1), 85, 85)[2], 0.3, 0.6
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_normals_are_those_of_the_heights(name):
    heights, normals = SHAPES[name](RAYS)
    seen = np.isfinite(heights)
    assert 0.05 < seen.mean() < 0.7 and np.allclose((normals[seen] ** 2).sum(-1), 1) and (normals[seen][:, 2] > 0).all()
    step, flat = RAYS[0, 1, 0] - RAYS[0, 0, 0], np.where(seen, heights, np.nan)
    down, right = (np.gradient(flat, step, axis=axis) for axis in (0, 1))
    slopes = np.stack([-right, -down, np.ones_like(right)], -1)
    slopes /= np.linalg.norm(slopes, axis=-1, keepdims=True)
    gentle = np.isfinite(slopes).all(-1) & (normals[..., 2] > 0.5)
    cosines = (slopes * normals).sum(-1)[gentle]
    assert gentle.sum() > 1000 and np.quantile(cosines, 0.03) > 0.999  # the rest lies across an edge


def test_surfaces_have_their_size():
    heights, _ = SHAPES["sphere"](RAYS)
    assert np.isfinite(heights).mean() * 4 == pytest.approx(np.pi * 0.36, rel=0.01) and heights.max() == pytest.approx(
        1.6, abs=1e-3
    )
    heights, _ = SHAPES["plane"](RAYS)
    assert np.isfinite(heights).mean() * 4 == pytest.approx(np.cos(np.deg2rad(35)), rel=0.02)
    seen = np.isfinite(SHAPES["cylinder"](RAYS)[0]).mean() * 4
    assert seen == pytest.approx(np.pi * 0.16 * np.cos(np.deg2rad(35)) + 0.8 * np.sin(np.deg2rad(35)), rel=0.02)


def test_the_ends_of_a_cylinder_face_along_the_axis():
    heights, normals = SHAPES["cylinder"](RAYS)
    on_end = np.isfinite(heights) & np.isclose(normals, AXES[2]).all(-1)
    assert on_end.mean() * 4 == pytest.approx(np.pi * 0.16 * np.cos(np.deg2rad(35)), rel=0.02)
    sides = np.isfinite(heights) & ~on_end
    assert np.allclose(normals[sides] @ AXES[2], 0, atol=1e-9)


def test_axes_are_tilted_as_asked():
    rng = np.random.default_rng(3)
    for _ in range(20):
        axes = turned(rng, 20, 50)
        assert np.allclose(axes @ axes.T, np.eye(3)) and 20 <= np.rad2deg(np.arccos(axes[2, 2])) <= 50


def test_the_nearest_surface_is_seen():
    _, classes, normals = render(np.random.default_rng(5), 32, (4, 4))
    assert 0 < (classes == 0).mean() < 1 and classes.max() < len(KINDS)
    assert np.allclose((normals**2).sum(-1), 1) and (normals[..., 2] > 0).all()


def test_what_faces_the_light_is_brighter():
    normals = np.stack([turned(np.random.default_rng(seed), 60, 60)[2] for seed in range(200)])[None]
    colours = shade(normals, np.ones((1, 200, 3)), np.random.default_rng(0)).mean(-1)[0]
    light = turned(np.random.default_rng(0), 10, 60)[2]
    lit = normals[0] @ light
    assert np.corrcoef(colours[lit > 0], lit[lit > 0])[0, 1] > 0.95 and colours[lit < 0].mean() == pytest.approx(0.3, abs=0.02)


def test_splits_have_all_classes_and_are_half_a_thousand_pixels_or_more():
    task = RenderedScenes()
    assert [len(task.split(name)) for name in ("train", "validation", "test")] == [800, 200, 400]
    shares = np.bincount(task.split("test").targets["classes"].flatten()) / (400 * 32 * 32)
    assert len(shares) == task.n_classes == 4 and shares.min() > 0.05
    assert abs(task.split("train").inputs.mean()) < 0.5 and 0.5 < task.split("train").inputs.std() < 1.5
