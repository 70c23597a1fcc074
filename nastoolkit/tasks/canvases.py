"""Canvases: small images, turned and enlarged, placed on a noisy canvas, alone or among pieces of others.

[Mnih2014] V. Mnih et al., "Recurrent Models of Visual Attention", NIPS 2014, Section 4: the idea of cluttered canvases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

SIZE = 32  # pixels of a canvas
NOISE = 0.2  # standard deviation, where ink is 1
MEAN, STD = 0.2, 0.35  # of all pixels, about


@dataclass(frozen=True)
class Canvas:
    """How images ``(n, 1, 8, 8)`` in 0..1 are placed on canvases.

    Attributes:
        turn: Largest rotation in either direction, in radians.
        reach: Largest distance of an image from its place, in half canvases; at 1, half of it is outside.
        place: Place of the image, in half canvases to the right of the middle.
        scale: Smallest and largest enlargement.
        n_clutter: Number of pieces of other images around it.
    """

    turn: float = 0.5
    reach: float = 0.6
    place: float = 0.0
    scale: tuple[float, float] = (1.4, 2.6)
    n_clutter: int = 6

    def ink(self, images: torch.Tensor, others: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """Images ``(n, 1, 8, 8)``, with clutter from ``others`` ``(m, 1, 8, 8)`` around them: ``(n, 1, 32, 32)`` in 0..1."""
        n = len(images)
        image_and_box = torch.cat([images, torch.ones(n, 1, 8, 8)], dim=1)
        canvas, box = self._placed(image_and_box, rng, self.turn, self.reach).split(1, dim=1)
        for _ in range(self.n_clutter):
            pieces = _pieces(others[rng.integers(len(others), size=n)], rng)
            canvas = torch.maximum(canvas, (1 - box) * self._placed(pieces, rng, turn=np.pi, reach=1.0))
        return canvas

    def _placed(self, images: torch.Tensor, rng: np.random.Generator, turn: float, reach: float) -> torch.Tensor:
        """Images ``(n, channels, 8, 8)`` on empty canvases, enlarged, turned by up to ``turn`` radians, moved."""
        n, channels = images.shape[:2]
        angle, zoom = rng.uniform(-turn, turn, n), SIZE / 8 / rng.uniform(*self.scale, n)
        cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
        x, y = zoom * (rng.uniform(-reach, reach, (2, n)) - [[self.place], [0.0]])
        theta = np.stack([[cos, -sin, x], [sin, cos, y]]).transpose(2, 0, 1)
        shape = [n, channels, SIZE, SIZE]
        grid = functional.affine_grid(torch.from_numpy(theta.astype(np.float32)), shape, align_corners=False)
        return functional.grid_sample(images, grid, align_corners=False)


def noisy(ink: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Ink in 0..1 as a network sees it: noise is added everywhere, and values are about standardised."""
    noise = torch.from_numpy(rng.standard_normal(ink.shape, dtype=np.float32))
    return (ink + NOISE * noise - MEAN) / STD


def _pieces(images: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Keep a random 4x4 window of each image ``(n, 1, 8, 8)``."""
    corner = torch.from_numpy(rng.integers(0, 5, size=(len(images), 2, 1)))
    inside = (torch.arange(8) >= corner) & (torch.arange(8) < corner + 4)
    return images * (inside[:, 0, :, None] & inside[:, 1, None, :])[:, None]
