"""Stereograms: pairs of rendered images whose disparities and hidden pixels are known exactly.

A scene is a tilted ground and tilted shapes before it. Every surface has a disparity that is linear in the left image, and a
texture that is glued to it, so that the right image is rendered from the same surfaces, not warped. Gain, offset and noise of
both images differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
import torch

from nastoolkit.tasks.base import SPLITS, Split
from nastoolkit.tasks.stereo import DISPARITY, SEEN, Stereo

TILE = 64  # sides of a texture, in its own dots; it repeats beyond them
GAIN, OFFSET, NOISE = 0.02, 0.01, 0.01  # standard deviations, of colours in 0..1


@dataclass(frozen=True)
class SceneLook:
    """What scenes look like.

    Attributes:
        n_shapes: Fewest and most shapes.
        powers: A shape is where ``|u|^p + |v|^p`` is below 1, for one of these p: 1 is a diamond, 2 an ellipse.
        dots: Smallest and largest size of a texture's dots, in pixels.
        contrasts: Lowest and highest contrast of a texture.
    """

    n_shapes: tuple[int, int]
    powers: tuple[float, ...]
    dots: tuple[float, float]
    contrasts: tuple[float, float]


USUAL = SceneLook((2, 4), (2.0, 8.0), (1.5, 4.0), (0.5, 0.9))
SHIFTED = SceneLook((4, 6), (1.0, 0.6), (3.0, 8.0), (0.3, 0.6))


@dataclass(frozen=True, eq=False)
class TexturedSurface:
    """A plane or a shape of one.

    Attributes:
        plane: Disparity at x = y = 0, and its slopes along x and y of the left image; the one along x is below 1.
        texture: Colours ``(TILE, TILE, 3)``.
        dot: Size of a dot of the texture in pixels.
        place: Centre x and y, both radii, and the power of a shape; None for a plane without an end.
    """

    plane: tuple[float, float, float]
    texture: np.ndarray
    dot: float
    place: tuple[float, float, float, float, float] | None = None

    def disparity(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Disparities at points of the left image."""
        return self.plane[0] + self.plane[1] * x + self.plane[2] * y

    def from_right(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Where points of the right image are in the left one, along x: solves ``x_left - disparity(x_left, y) = x``."""
        return (x + self.plane[0] + self.plane[2] * y) / (1 - self.plane[1])

    def covers(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Whether points of the left image belong to the surface, were it alone."""
        if self.place is None:
            return np.ones(np.broadcast_shapes(x.shape, y.shape), bool)
        centre_x, centre_y, radius_x, radius_y, power = self.place
        return np.abs((x - centre_x) / radius_x) ** power + np.abs((y - centre_y) / radius_y) ** power < 1

    def colours(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Colours of points, bilinear between the dots of the texture."""
        u, v = x / self.dot, y / self.dot
        left, top = np.floor(u).astype(int), np.floor(v).astype(int)
        right_share, low_share = (u - left)[..., None], (v - top)[..., None]
        rows = [self._dots(left, row) * (1 - right_share) + self._dots(left + 1, row) * right_share for row in (top, top + 1)]
        return rows[0] * (1 - low_share) + rows[1] * low_share

    def _dots(self, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        return self.texture[row % TILE, column % TILE]


def nearest(surfaces: Sequence[TexturedSurface], places: Sequence[np.ndarray], y: np.ndarray) -> np.ndarray:
    """Number of the surface that is seen at each point: of those that cover it, the one with the largest disparity.

    Args:
        surfaces: Surfaces, the first of which covers everything.
        places: For each surface, where the points would be in the left image, along x.
        y: Rows of the points.
    """
    pairs = zip(surfaces, places, strict=True)
    return np.argmax([np.where(one.covers(x, y), one.disparity(x, y), -np.inf) for one, x in pairs], axis=0)


def right_places(surfaces: Sequence[TexturedSurface], x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """For each surface, where points of the right image would be in the left one, along x."""
    return [one.from_right(x, y) for one in surfaces]


def picked(parts: Sequence[np.ndarray], first: np.ndarray) -> np.ndarray:
    """At each point ``(h, w)``, the value ``(h, w, ...)`` of the surface that is first."""
    return np.stack(parts)[first, np.arange(first.shape[0])[:, None], np.arange(first.shape[1])]


def render(
    surfaces: Sequence[TexturedSurface], height: int, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Left and right colours ``(h, w, 3)``, disparities ``(h, w)``, and whether left pixels are seen in the right image."""
    y, x = np.mgrid[:height, :width].astype(float)
    here, there = [x] * len(surfaces), right_places(surfaces, x, y)
    first, first_right = nearest(surfaces, here, y), nearest(surfaces, there, y)
    views = [
        picked([one.colours(columns, y) for one, columns in zip(surfaces, places, strict=True)], winner)
        for places, winner in ((here, first), (there, first_right))
    ]
    disparity = picked([one.disparity(x, y) for one in surfaces], first)
    columns = x - disparity
    is_first = nearest(surfaces, right_places(surfaces, columns, y), y) == first
    return views[0], views[1], disparity, is_first & (columns >= 0)


def random_surfaces(
    rng: np.random.Generator, height: int, width: int, max_disparity: int, look: SceneLook
) -> list[TexturedSurface]:
    """A ground and shapes, all with disparities from 0 to below ``max_disparity`` in the image."""
    surfaces = [_random_surface(rng, (0.05, 0.3), max_disparity, (height, width), look, None)]
    for _ in range(rng.integers(look.n_shapes[0], look.n_shapes[1] + 1)):
        centre = rng.uniform(0, width), rng.uniform(0, height)
        radii = rng.uniform(0.08, 0.25) * width, rng.uniform(0.15, 0.4) * height
        place = (*centre, *radii, float(rng.choice(look.powers)))
        surfaces.append(_random_surface(rng, (0.3, 0.85), max_disparity, (height, width), look, place))
    return surfaces


def _random_surface(
    rng: np.random.Generator,
    shares: tuple[float, float],
    max_disparity: int,
    size: tuple[int, int],
    look: SceneLook,
    place: tuple[float, float, float, float, float] | None,
) -> TexturedSurface:
    """A surface whose disparity in the middle of the image is such a share of the largest, and differs little elsewhere."""
    height, width = size
    middle, slopes = rng.uniform(*shares) * max_disparity, rng.uniform(-0.05, 0.05, 2) * max_disparity
    plane = (middle - slopes.sum() / 2, slopes[0] / width, slopes[1] / height)
    colour, contrast = rng.uniform(0.3, 0.7, 3), rng.uniform(*look.contrasts)
    texture = colour + contrast * rng.uniform(-1, 1, (TILE, TILE, 1)) + 0.1 * rng.uniform(-1, 1, (TILE, TILE, 3))
    return TexturedSurface(plane, texture, rng.uniform(*look.dots), place)


class Stereograms(Stereo):
    """Random scenes, 32x64 pixels; colours are about standardised.

    Attributes:
        size: Height and width in pixels.
        n_scenes: Number of scenes in each split.
        looks: How scenes of each split look.
    """

    max_disparity = 8
    size = (32, 64)
    n_scenes: Mapping[str, int] = MappingProxyType({"train": 512, "validation": 64, "test": 128})
    looks: Mapping[str, SceneLook] = MappingProxyType(dict.fromkeys(SPLITS, USUAL))

    def __init__(self, name: str = "stereograms") -> None:
        super().__init__(name, "")

    def read(self) -> dict[str, Split]:
        """See :class:`nastoolkit.tasks.data_sets.StoredTask`."""
        settings = ((name, self.n_scenes[name], self.looks[name], *self.size, self.max_disparity) for name in SPLITS)
        return {name: _rendered(name, *others) for name, *others in settings}


class ShiftedStereograms(Stereograms):
    """The same scenes for training; those for validation and tests have other shapes, coarser textures and less contrast."""

    looks: Mapping[str, SceneLook] = MappingProxyType({"train": USUAL, "validation": SHIFTED, "test": SHIFTED})

    def __init__(self) -> None:
        super().__init__("stereograms-shifted")


@cache
def _rendered(split: str, n: int, look: SceneLook, height: int, width: int, max_disparity: int) -> Split:
    rng = np.random.default_rng([SPLITS.index(split), height, width])
    scenes = [render(random_surfaces(rng, height, width, max_disparity, look), height, width) for _ in range(n)]
    *views, disparity, seen = (np.stack(parts) for parts in zip(*scenes, strict=True))
    left, right = (_developed(colours, rng) for colours in views)
    return Split((left, right), {DISPARITY: torch.from_numpy(disparity.astype(np.float32)), SEEN: torch.from_numpy(seen)})


def _developed(colours: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Images ``(n, 3, h, w)`` from colours ``(n, h, w, 3)``, with a gain, an offset and noise of their own."""
    gain, offset = (rng.normal(0, one, (len(colours), 1, 1, 1)) for one in (GAIN, OFFSET))
    seen = colours * (1 + gain) + offset + rng.normal(0, NOISE, colours.shape)
    return torch.from_numpy(((seen - 0.5) / 0.25).transpose(0, 3, 1, 2).astype(np.float32)).contiguous()
