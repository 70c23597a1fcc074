"""How well a network learns synthetic signals: a score of sub-networks ([Li2021], Section 3; see the package)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import inf, isfinite
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import device_of
from nastoolkit.randomness import drawn_from
from nastoolkit.supernets import Supernet
from nastoolkit.support.counts import keep_whole
from nastoolkit.systems.gennas.signals import Signals
from nastoolkit.taps import parts_of, taps
from nastoolkit.tasks import Task
from nastoolkit.tasks.fitting import check_inputs
from nastoolkit.training import Optimizer, Recipe
from nastoolkit.training.run import Run

PLACES = ("stage1", "stage2", "stage3")
WEIGHTS = (0.25, 0.5, 1.0)  # of the stages' errors
SHRINKAGE = 4  # of images to targets
WORST = 1000.0  # score of a training that ends in NaN or infinity
RECIPE = Recipe(0, learning_rate=0.1, weight_decay=4e-5, clip_norm=inf, optimizer="sgd", schedule="constant", warm_up=0.0)


class Regressor(nn.Module):
    """A network with a head on each tapped part, which normalises and projects its features at the targets' size.

    Args:
        network: Ordinary network; its own output is not used.
        images: Example of its inputs ``(n, c, h, w)``.
        targets: Example of the heads' targets ``(n, channels, size, size)``, one for each of ``PLACES``.
    """

    def __init__(self, network: nn.Module, images: torch.Tensor, targets: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.network, self._sizes = network, [target.shape[-2:] for target in targets]
        with torch.no_grad():
            channels = [feature.shape[1] for feature in self._features(images)]
        self.heads = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(n), nn.Conv2d(n, target.shape[1], 1))
            for n, target in zip(channels, targets, strict=True)
        )

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Images to the output of each head, in the shapes of the targets."""
        features = zip(self._features(images), self._sizes, strict=True)
        resized = [functional.interpolate(feature, tuple(size)) for feature, size in features]
        return [head(feature) for head, feature in zip(self.heads, resized, strict=True)]

    def _features(self, images: torch.Tensor) -> list[torch.Tensor]:
        seen: dict[str, torch.Tensor] = {}
        with taps(parts_of(self.network, PLACES), seen.__setitem__):
            self.network(images)
        return [seen[place] for place in PLACES]


def error(outputs: Sequence[torch.Tensor], targets: Sequence[torch.Tensor]) -> torch.Tensor:
    """The weighted mean squared error ``()`` of all stages."""
    errors = [functional.mse_loss(output, target) for output, target in zip(outputs, targets, strict=True)]
    return torch.stack([weight * one for weight, one in zip(WEIGHTS, errors, strict=True)]).sum()


@dataclass(frozen=True)
class GenNAS:
    """The error of sub-networks after learning synthetic signals for some steps, as a function of genotypes: less is better.

    Attributes:
        supernet: Supernet with the networks and their initial weights; it is not changed.
        task: Task with the images; its targets are not needed.
        signals: Signals to learn.
        n_steps: Number of training steps.
        n_images: Number of images, the first training images.
        seed: Seed of signals, heads and noise.

    Raises:
        ValueError: The task has no images for the family's networks, or these networks lack the stages.
    """

    supernet: Supernet
    task: Task
    signals: Signals
    n_steps: int = 100
    n_images: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        keep_whole(self, n_steps=1, n_images=2, seed=0)
        family, images = self.supernet.family, self._inputs(self.supernet.family.space.smallest)
        check_inputs(family, self.task, images)
        if isinstance(images, tuple) or images.dim() != 4:
            raise ValueError(f"GenNAS learns signals from images, and the inputs of task {self.task.name!r} are not images")
        if lacking := [place for place in PLACES if not any(slot.name.startswith(f"{place}.") for slot in family.slots)]:
            raise ValueError(f"GenNAS taps {', '.join(PLACES)}, and networks of {family.name!r} have no {lacking[0]}")

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to errors ``(n, 1)``; ``WORST`` if a training ends in NaN or infinity."""
        genotypes = np.atleast_2d(genotypes)
        return np.array([[self.of_network(self.supernet.extract(genotype), genotype)] for genotype in genotypes])

    def of_network(self, network: nn.Module, genotype: np.ndarray) -> float:
        """The error of one network, which is trained in place."""
        images = self._inputs(genotype).contiguous(memory_format=torch.channels_last)  # trains a fifth faster
        noise = torch.Generator().manual_seed(self.seed)
        targets = self.signals.targets(images, images.shape[-1] // SHRINKAGE, self.seed)
        device = device_of(self.supernet)
        images, targets = images.to(device), [target.to(device) for target in targets]
        with drawn_from(self.seed):
            regressor = Regressor(network.eval(), images, targets).to(device)
        optimizer = Optimizer(regressor.train().parameters(), replace(RECIPE, n_steps=self.n_steps))
        run = Run({"regressor": regressor, "optimizer": optimizer}, progress=False)
        for _ in run.steps(self.n_steps):
            error(regressor(self._noisy(images, noise)), targets).backward()
            optimizer.step()
        with torch.no_grad():
            found = error(regressor.eval()(self._noisy(images, noise)), targets).item()
        return found if isfinite(found) else WORST

    def _inputs(self, genotype: np.ndarray) -> Any:
        shape = self.supernet.family.input_shape(genotype)
        return next(self.task.split("train").batches(self.n_images, shape, self.n_images)).inputs

    def _noisy(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """The images with new noise; without noise, the images."""
        if not self.signals.noise:
            return images
        drawn = 2 * torch.rand(images.shape, generator=generator) - 1
        return images + self.signals.noise * drawn.to(images.device)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that the values depend on apart from the genotype."""
        names = {"measurement": "gennas", "task": self.task.name, "signals": asdict(self.signals), **self.supernet.identity}
        return {**names, "n_steps": self.n_steps, "n_images": self.n_images, "seed": self.seed}
