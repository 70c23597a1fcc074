"""DNA++, a stand-in: blocks learn without a teacher, from slowly moving averages of themselves ([Wang2024]; see the package).

The code of DNA++ is not released. This is the nearest method whose code is, that of BossNAS ([Li2021]): paths of a block have
to predict, from one view of an image, the mean of what all paths make of another view.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.benchmarks.members import members
from nastoolkit.families.part import Part
from nastoolkit.randomness import drawn_from
from nastoolkit.supernets import Supernet, calibrate_batchnorm
from nastoolkit.systems.dna_family.traversal import RatedPaths
from nastoolkit.tasks import Task
from nastoolkit.training import Fair, Optimizer, Recipe, Run

WIDTH, HIDDEN, MOMENTUM = 32, 64, 0.99  # of projections, of the layer before them, of the average in the beginning
UNSEEN = 10**6  # number of a step that no training reaches


def views(images: torch.Tensor, rng: np.random.Generator, shift: int = 2) -> torch.Tensor:
    """Images ``(n, channels, h, w)``, each moved by up to ``shift`` pixels and of another contrast, with noise."""
    n, _, height, width = images.shape
    padded = functional.pad(images, (shift,) * 4, mode="reflect")
    corners = rng.integers(2 * shift + 1, size=(n, 2))
    moved = torch.stack([one[:, y : y + height, x : x + width] for one, (y, x) in zip(padded, corners, strict=True)])
    contrast = torch.from_numpy(rng.uniform(0.6, 1.4, (n, 1, 1, 1)).astype(np.float32))
    return contrast.to(images) * moved + 0.1 * torch.from_numpy(rng.standard_normal(moved.shape, np.float32)).to(images)


def projector(features: int) -> nn.Module:
    """Two layers on the means over all pixels."""
    first = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU()]
    return nn.Sequential(*first, nn.Linear(HIDDEN, WIDTH))


def distances(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of normalised rows, as in BYOL: 2 - 2 cosine ``()``."""
    return 2 - 2 * functional.cosine_similarity(ours, theirs).mean()


class Siamese(nn.Module):
    """A block's supernet and projector, their average in time, and the predictor.

    Args:
        block: Block of the students.
        seed: Seed of all weights.
    """

    def __init__(self, block: Part, seed: int) -> None:
        super().__init__()
        assert block.output_shape is not None
        self.online = Supernet(block, seed=seed).train()
        with drawn_from(seed):
            self.project = projector(block.output_shape[0])
            self.predict = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, WIDTH))
        self.learning = list(self.parameters())
        self.slow = deepcopy(nn.ModuleList([self.online, self.project])).requires_grad_(False)

    @torch.no_grad()
    def centre(self, inputs: torch.Tensor, paths: Sequence[np.ndarray]) -> torch.Tensor:
        """Mean of the normalised projections of some paths, by the averaged weights."""
        online, project = self.slow
        return torch.stack([functional.normalize(project(online(inputs, path))) for path in paths]).mean(0)

    @torch.no_grad()
    def follow(self, momentum: float) -> None:
        """Move the averaged weights a little towards the others."""
        for slow, own in zip(self.slow.parameters(), [*self.online.parameters(), *self.project.parameters()], strict=True):
            slow.lerp_(own, 1 - momentum)

    def loss(self, inputs: Sequence[torch.Tensor], paths: Sequence[np.ndarray]) -> torch.Tensor:
        """Each path predicts from either view what all of them make of the other one."""
        centres = [self.centre(one, paths) for one in inputs]
        pairs = list(zip(inputs, reversed(centres), strict=True))
        found = [distances(self.prediction(one, path), centre) for path in paths for one, centre in pairs]
        return torch.stack(found).mean()

    def prediction(self, inputs: torch.Tensor, path: np.ndarray) -> torch.Tensor:
        """What a path predicts of the mean of all paths ``(n, WIDTH)``."""
        return self.predict(self.project(self.online(inputs, path)))


def self_supervised(
    blocks: Sequence[Part], task: Task, recipe: Recipe, n_images: int, device: str = "cpu"
) -> list[RatedPaths]:
    """Train blocks in order, without labels or a teacher, and rate all of their paths.

    The best path of each finished block supplies the inputs of the next one. As many paths as operations make a step, so that
    a block gets as many steps fewer.

    Args:
        blocks: Blocks of the students.
        task: Gives images.
        recipe: Training of each block, if each step had one path.
        n_images: Number of validation images.
        device: Where to train.
    """
    shape, found, before = blocks[0].input_shape(blocks[0].space.smallest), list[RatedPaths](), nn.Sequential()
    images: Any = next(task.split("validation").batches(n_images, shape)).to(torch.device(device)).inputs
    for block in blocks:
        siamese = Siamese(block, recipe.seed).to(device)
        _train(siamese, task, recipe, before, shape)
        found.append(_rated(siamese, before, images))
        best = siamese.online.extract(found[-1].genes[found[-1].ratings.argmin()])
        with torch.no_grad():
            calibrate_batchnorm(best, [before(images)])
        before = nn.Sequential(*before, best)
    return found


def _train(siamese: Siamese, task: Task, recipe: Recipe, before: nn.Module, shape: tuple[int, ...]) -> None:
    """Train a block in place, on what the finished ones make of two views."""
    sampler = Fair(siamese.online.family.space, recipe.seed)
    n_steps = max(2, recipe.n_steps // len(sampler.draw(0)))
    optimizer, run = Optimizer(siamese.learning, recipe), Run({"siamese": siamese}, progress=False)
    for step in run.steps(n_steps):
        rng, device = np.random.default_rng([recipe.seed, step]), siamese.learning[0].device
        images: Any = task.batch(step, recipe.batch_size, recipe.seed).at(shape).to(device).inputs
        with torch.no_grad():
            pair = [before(views(images, rng)) for _ in range(2)]
        siamese.loss(pair, [path for path, _ in sampler.draw(step)]).backward()
        optimizer.step()
        siamese.follow(1 - (1 - MOMENTUM) * (1 + np.cos(np.pi * step / n_steps)) / 2)


@torch.no_grad()
def _rated(siamese: Siamese, before: nn.Module, images: torch.Tensor) -> RatedPaths:
    """Every path, rated by how far its prediction is from the mean of what all paths make of the images."""
    family, inputs = siamese.online.family, before(images)
    paths = members(family.space)
    centre = siamese.centre(inputs, list(paths))
    ratings = [float(distances(siamese.prediction(inputs, path), centre)) for path in paths]
    return RatedPaths(paths, np.array(ratings), family.macs(paths))
