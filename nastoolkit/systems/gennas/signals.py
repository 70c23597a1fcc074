"""Synthetic signals that the stages of a network learn to produce ([Li2021], Section 3; see the package).

Frequencies are in cycles per pixel. A local basis is drawn for each image, any other once for all images of the batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import pi

import torch
from torch.nn import functional

WIDTH = 64  # channels at a stage's width of 1
N_FREQUENCIES = 10


def wave(size: int, down: torch.Tensor, across: torch.Tensor, phase: torch.Tensor) -> torch.Tensor:
    """The sine of 2 pi (down y + across x) + phase at pixels y, x = 1 to size: ``(..., size, size)``.

    Args:
        size: Height and width.
        down: Frequencies from one row to the next ``(...)``.
        across: Frequencies from one column to the next ``(...)``.
        phase: Phases ``(...)``.
    """
    pixels = torch.arange(1.0, size + 1)
    angles = down[..., None, None] * pixels[:, None] + across[..., None, None] * pixels
    return torch.sin(2 * pi * angles + phase[..., None, None])


@dataclass(frozen=True, kw_only=True)
class Basis(ABC):
    """One kind of signal.

    Attributes:
        level: Factor of the signal.
        local: Whether it is drawn for each image.
    """

    level: float
    local: bool = True

    def target(self, images: torch.Tensor, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
        """The signal ``(n, channels, size, size)`` for images ``(n, c, h, w)``."""
        drawn = self._draw(images if self.local else images[:1], channels, size, generator)
        return self.level * drawn.expand(len(images), -1, -1, -1)

    @abstractmethod
    def _draw(self, images: torch.Tensor, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
        """The signal at level 1."""


@dataclass(frozen=True, kw_only=True)
class Sin1D(Basis):
    """Sines that run down or across, with ten frequencies in a band and random phases."""

    band: tuple[float, float]

    def _draw(self, images: torch.Tensor, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
        shape = len(images), channels
        frequency, runs_down = self._frequency(shape, generator), torch.rand(shape, generator=generator) < 0.5
        none = torch.zeros(shape)
        return wave(size, frequency.where(runs_down, none), none.where(runs_down, frequency), _phase(shape, generator))

    def _frequency(self, shape: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
        grid = torch.linspace(*self.band, N_FREQUENCIES)
        return grid[torch.randint(N_FREQUENCIES, shape, generator=generator)]


@dataclass(frozen=True, kw_only=True)
class Sin2D(Sin1D):
    """Sines that run down and across at once, half of them upside down."""

    def _draw(self, images: torch.Tensor, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
        shape = len(images), channels
        down, across = self._frequency(shape, generator), self._frequency(shape, generator)
        sign = 2.0 * torch.randint(2, shape, generator=generator) - 1
        return wave(size, sign * down, across, _phase(shape, generator))


def _phase(shape: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    return 2 * pi * torch.rand(shape, generator=generator)


@dataclass(frozen=True, kw_only=True)
class Dot(Basis):
    """A share of the pixels are 1 or -1, the others are 0."""

    share: float = 1.0

    def _draw(self, images: torch.Tensor, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
        shape = len(images), channels, size * size
        order = torch.rand(shape, generator=generator).argsort(dim=-1).argsort(dim=-1)
        signs = 2.0 * torch.randint(2, shape, generator=generator) - 1
        return (signs * (order < int(self.share * size * size))).unflatten(-1, (size, size))


@dataclass(frozen=True, kw_only=True)
class GDot(Dot):
    """Dots blurred by a Gaussian of one pixel; the largest value of each channel is 1 or -1."""

    def _draw(self, images: torch.Tensor, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
        offsets = torch.arange(-4.0, 5)
        kernel = torch.exp(-(offsets**2) / 2)
        kernel = kernel / kernel.sum()
        dots = super()._draw(images, channels, size, generator).flatten(0, 1)[:, None]
        blurred = functional.conv2d(dots, kernel[None, None, :, None] * kernel, padding=4)[:, 0]
        largest = blurred.abs().amax(dim=(-2, -1), keepdim=True).clamp_min(torch.finfo().tiny)
        return (blurred / largest).unflatten(0, (-1, channels))


@dataclass(frozen=True, kw_only=True)
class Resize(Basis):
    """The images themselves, shrunk and scaled to -1..1, with their channels repeated in random order."""

    def _draw(self, images: torch.Tensor, channels: int, size: int, generator: torch.Generator) -> torch.Tensor:
        small = functional.interpolate(images, (size, size))
        low, high = small.min(), small.max()
        scaled = 2 * (small - low) / (high - low).clamp_min(torch.finfo().tiny) - 1
        repeated = -(-channels // images.shape[1])
        order = torch.randperm(repeated * images.shape[1], generator=generator)[:channels]
        return scaled.repeat(1, repeated, 1, 1)[:, order]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The signals that one stage has to produce.

    Attributes:
        bases: Signals that are added up.
        width: Number of channels, as a share of ``WIDTH``.
    """

    bases: tuple[Basis, ...]
    width: float = 1.0

    def target(self, images: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
        """The sum ``(n, channels, size, size)`` for images ``(n, c, h, w)``."""
        nothing = torch.zeros(len(images), channels := round(self.width * WIDTH), size, size)
        return sum((basis.target(images, channels, size, generator) for basis in self.bases), nothing)


@dataclass(frozen=True, kw_only=True)
class Signals:
    """A regression task.

    Attributes:
        stages: Signals for each stage to produce, the first stage first.
        noise: Level of the uniform noise added to the images, new in every step.
        is_white: Whether the targets are white noise instead, with the variance of each stage's signals: the control.
    """

    stages: tuple[Stage, ...]
    noise: float = 0.0
    is_white: bool = False

    def targets(self, images: torch.Tensor, size: int, seed: int) -> list[torch.Tensor]:
        """Targets of each stage ``(n, channels, size, size)``, drawn from a seed."""
        generator = torch.Generator().manual_seed(seed)
        drawn = [stage.target(images, size, generator) for stage in self.stages]
        if not self.is_white:
            return drawn
        return [target.std() * torch.randn(target.shape, generator=generator) for target in drawn]
