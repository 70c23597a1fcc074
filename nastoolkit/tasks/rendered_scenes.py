"""Rendered scenes: spheres, tilted planes and cylinders, whose classes and normals are known exactly.

A scene is seen from far above, so that all rays are parallel: x grows to the right, y to the bottom and z towards the
viewer, and the image shows -1..1 of x and y. Light, colours, textures and places are random.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
import torch

from nastoolkit.tasks.base import SPLITS, Split
from nastoolkit.tasks.scenes import CLASSES, NORMALS, Scenes

KINDS = ("ground", "plane", "sphere", "cylinder")  # the classes
AMBIENT, NOISE = 0.3, 0.03
Surface = tuple[np.ndarray, np.ndarray]  # heights (h, w), -infinity where there is none, and normals (h, w, 3)


class RenderedScenes(Scenes):
    """What is at a pixel, and which way does it face? Inputs ``(n, 3, 32, 32)``, about standardised.

    Attributes:
        size: Height and width in pixels.
        n_scenes: Number of scenes in each split.
        n_objects: Fewest and most objects on the ground.
    """

    size = 32
    n_scenes: Mapping[str, int] = MappingProxyType({"train": 800, "validation": 200, "test": 400})
    n_objects = (3, 5)

    def __init__(self) -> None:
        super().__init__("rendered-scenes", "")

    @property
    def n_classes(self) -> int:
        """Number of ``KINDS``."""
        return len(KINDS)

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        sizes = tuple(self.n_scenes[name] for name in SPLITS)
        return dict(zip(SPLITS, _splits(sizes, self.size, self.n_objects), strict=True))


@cache
def _splits(sizes: tuple[int, ...], size: int, n_objects: tuple[int, int]) -> list[Split]:
    streams = [np.random.default_rng([number, size]) for number in range(len(sizes))]
    return [_joined([render(rng, size, n_objects) for _ in range(n)]) for n, rng in zip(sizes, streams, strict=True)]


def _joined(scenes: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Split:
    colours, classes, normals = (np.stack(parts) for parts in zip(*scenes, strict=True))
    images, directions = (torch.from_numpy(part.transpose(0, 3, 1, 2).astype(np.float32)) for part in (colours, normals))
    targets = {CLASSES: torch.from_numpy(classes), NORMALS: directions.contiguous()}
    return Split(((images - 0.35) / 0.25).contiguous(), targets)


def render(rng: np.random.Generator, size: int, n_objects: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A scene.

    Args:
        rng: Draws everything about it.
        size: Height and width in pixels.
        n_objects: Fewest and most objects.

    Returns:
        Colours ``(size, size, 3)`` from 0, classes ``(size, size)``, and normals ``(size, size, 3)`` of length 1.
    """
    rays = pixels(size)
    kinds = [0, *rng.integers(1, len(KINDS), rng.integers(n_objects[0], n_objects[1] + 1))]
    surfaces = [SURFACES[KINDS[kind]](rays, rng) for kind in kinds]
    first = np.argmax([heights for heights, _ in surfaces], axis=0)  # what is nearest to the viewer at each pixel
    points = np.concatenate([rays, np.zeros_like(rays[..., :1])], axis=-1)
    normals, albedo = np.zeros_like(points), np.zeros_like(points)
    for number, (heights, directions) in enumerate(surfaces):
        seen = first == number
        points[seen, 2] = heights[seen]
        normals[seen] = directions[seen]
        albedo[seen] = texture(points[seen], rng)
    return shade(normals, albedo, rng), np.array(kinds)[first], normals


def pixels(size: int) -> np.ndarray:
    """Centres x, y ``(size, size, 2)`` of all pixels in -1..1."""
    centres = (np.arange(size) + 0.5) / size * 2 - 1
    return np.stack(np.meshgrid(centres, centres), axis=-1)


def sphere(rays: np.ndarray, centre: np.ndarray, radius: float) -> Surface:
    """The upper half of a sphere."""
    across = rays - centre[:2]
    squared = radius**2 - (across**2).sum(-1)
    up = np.sqrt(np.maximum(squared, 0))
    return np.where(squared > 0, centre[2] + up, -np.inf), np.concatenate([across, up[..., None]], axis=-1) / radius


def plane(rays: np.ndarray, centre: np.ndarray, axes: np.ndarray, half: float) -> Surface:
    """A square of a plane: ``axes`` ``(3, 3)`` are its two sides' directions and its normal, which has z above 0."""
    across = rays - centre[:2]
    up = -(across @ axes[2, :2]) / axes[2, 2]
    places = np.concatenate([across, up[..., None]], axis=-1) @ axes[:2].T
    is_inside = (np.abs(places) < half).all(-1)
    return np.where(is_inside, centre[2] + up, -np.inf), np.broadcast_to(axes[2], (*up.shape, 3))


def cylinder(rays: np.ndarray, centre: np.ndarray, axis: np.ndarray, radius: float, half: float) -> Surface:
    """A cylinder with both ends; ``axis`` ``(3,)`` has length 1 and z between 0 and 1."""
    start = np.concatenate([rays - centre[:2], np.zeros_like(rays[..., :1])], axis=-1)
    ray = np.array([0.0, 0.0, 1.0]) - axis[2] * axis  # both without their parts along the axis
    apart = start - (start @ axis)[..., None] * axis
    a, b, c = ray @ ray, apart @ ray, (apart**2).sum(-1) - radius**2
    up = (-b + np.sqrt(np.maximum(b**2 - a * c, 0))) / a
    along = start @ axis + up * axis[2]
    is_side = (b**2 - a * c > 0) & (np.abs(along) < half)
    normals = (apart + up[..., None] * ray) / radius
    on_end = (half - start @ axis) / axis[2]  # where rays meet the plane of the end that is seen
    is_end = ((apart + on_end[..., None] * ray) ** 2).sum(-1) < radius**2
    heights = np.where(is_end, centre[2] + on_end, np.where(is_side, centre[2] + up, -np.inf))
    return heights, np.where(is_end[..., None], axis, normals)


def turned(rng: np.random.Generator, least: float, most: float) -> np.ndarray:
    """Three random axes ``(3, 3)`` at right angles, the last one tilted from z by ``least`` to ``most`` degrees."""
    tilt, turn, roll = np.deg2rad(rng.uniform(least, most)), *rng.uniform(0, 2 * np.pi, 2)
    normal = np.array([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt)])
    side = np.array([-np.sin(turn), np.cos(turn), 0.0])
    other = np.cross(normal, side)
    return np.stack([np.cos(roll) * side + np.sin(roll) * other, np.cos(roll) * other - np.sin(roll) * side, normal])


def _place(rng: np.random.Generator) -> np.ndarray:
    return np.array([*rng.uniform(-0.8, 0.8, 2), rng.uniform(0.5, 1.5)])


def _random_ground(rays: np.ndarray, rng: np.random.Generator) -> Surface:
    return plane(rays, np.array([0, 0, -3.0]), turned(rng, 0, 20), np.inf)


def _random_plane(rays: np.ndarray, rng: np.random.Generator) -> Surface:
    return plane(rays, _place(rng), turned(rng, 10, 60), rng.uniform(0.3, 0.5))


def _random_sphere(rays: np.ndarray, rng: np.random.Generator) -> Surface:
    return sphere(rays, _place(rng), rng.uniform(0.2, 0.45))


def _random_cylinder(rays: np.ndarray, rng: np.random.Generator) -> Surface:
    return cylinder(rays, _place(rng), turned(rng, 30, 85)[2], rng.uniform(0.15, 0.3), rng.uniform(0.3, 0.6))


SURFACES: dict[str, Callable[[np.ndarray, np.random.Generator], Surface]] = {
    "ground": _random_ground,
    "plane": _random_plane,
    "sphere": _random_sphere,
    "cylinder": _random_cylinder,
}


def texture(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours ``(n, 3)`` of points ``(n, 3)``: one colour, with waves through space."""
    waves = np.sin(points @ rng.normal(0, 6, 3) + rng.uniform(0, 2 * np.pi))
    return rng.uniform(0.2, 1, 3) * (1 - rng.uniform(0, 0.5) * (waves[:, None] + 1) / 2)


def shade(normals: np.ndarray, albedo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours ``(h, w, 3)`` of matt surfaces under one light from a random side, with some noise."""
    light = turned(rng, 10, 60)[2]
    bright = AMBIENT + (1 - AMBIENT) * np.maximum(normals @ light, 0)
    return albedo * bright[..., None] + rng.normal(0, NOISE, albedo.shape)
