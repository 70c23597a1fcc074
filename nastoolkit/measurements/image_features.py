"""Features of images, as the last layer of a network sees them, and how well they tell classes apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, one_hot

from nastoolkit.families import Family
from nastoolkit.randomness import drawn_from
from nastoolkit.taps import without_head
from nastoolkit.tasks import LabelledTask
from nastoolkit.training import Optimizer, Recipe


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """What the last layer of a network sees of a task's images.

    Attributes:
        network: A chain of blocks in evaluation mode, such as :meth:`nastoolkit.supernets.Supernet.network` makes it.
        shape: Shape of its inputs.
        n_images: Number of images of a task, the first ones.
    """

    network: nn.Module
    shape: tuple[int, ...]
    n_images: int

    @torch.no_grad()
    def __call__(self, task: LabelledTask, split: str = "train") -> torch.Tensor:
        """Features ``(n_images, n_features)`` of a task.

        Raises:
            ValueError: It has fewer images, or only one class.
        """
        if (n_classes := task.n_classes) < 2:
            raise ValueError(f"task {task.name!r} has {n_classes} class, so there is nothing to tell apart")
        examples = task.split(split)
        if len(examples) < self.n_images:
            found = f"task {task.name!r} has {len(examples)} in its {split} split"
            raise ValueError(f"features are of {self.n_images} images of a task, and {found}")
        network = without_head(self.network)
        return torch.cat([network(part.inputs).flatten(1) for part in examples.batches(250, self.shape, self.n_images)])


@torch.no_grad()
def class_mean_accuracy(network: nn.Module, task: LabelledTask, shape: tuple[int, ...], n_images: int) -> float:
    """Share of validation images whose features are nearest to those of their own class, the mean of training images.

    Args:
        network: A chain of blocks, which normalises by the statistics of all these images; it is left in training mode.
        task: Gives the images.
        shape: Shape of the network's inputs.
        n_images: Number of images of each split, the first ones.
    """
    first, second = (next(iter(task.split(name).batches(n_images, shape, n_images))) for name in ("train", "validation"))
    both: Any = [first.inputs, second.inputs]
    features = without_head(network.train())(torch.cat(both)).flatten(1)
    train, asked = features.split([len(first), len(second)])
    members = one_hot(first.targets, task.n_classes).to(train.dtype)
    means = members.T @ train / members.sum(0).clamp(min=1)[:, None]
    return float((torch.cdist(asked, means).argmin(1) == second.targets).double().mean())


def images_by_class(task: LabelledTask, n_classes: int, n_images: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Training images ``(n_classes, n_images, ...)`` of a task, the first ones of its first classes.

    Raises:
        ValueError: The task has only one class, or fewer classes or images than that.
    """
    if (found := task.n_classes) < max(2, n_classes):
        few = "1 class, so there is nothing to tell apart" if found < 2 else f"{found} classes, and {n_classes} are shown"
        raise ValueError(f"task {task.name!r} has {few}")
    examples: Any = task.split("train")
    targets = np.asarray(examples.targets)
    rows = [np.flatnonzero(targets == target)[:n_images] for target in range(n_classes)]
    if (least := min(map(len, rows))) < n_images:
        raise ValueError(f"{n_images} images of each class are shown, and a class of task {task.name!r} has {least}")
    drawn = examples.draw(np.concatenate(rows), np.random.default_rng(0)).at(shape)
    return drawn.inputs.unflatten(0, (n_classes, n_images))


def class_features(images: torch.Tensor, n_known: int, family: Family, n_steps: int, seed: int) -> torch.Tensor:
    """Features ``(n_tasks, n_classes, n_images, d)`` by a network that tells all classes of known tasks apart.

    Args:
        images: Images of all tasks, known ones first, ``(n_tasks, n_classes, n_images, ...)``.
        n_known: Number of known tasks.
        family: Its largest network is trained, with an output for each class of each known task.
        n_steps: Number of training steps.
        seed: Random seed.

    Returns:
        What its last layer sees; over the images of known tasks, each feature has mean 0 and variance 1.
    """
    with drawn_from(seed):
        network = family.build(family.largest)
    every, rng = images.flatten(0, 2), np.random.default_rng(seed)
    own = images[:n_known].flatten(0, 2)
    targets = torch.arange(n_known * images.shape[1]).repeat_interleave(images.shape[2])
    optimizer = Optimizer(network.parameters(), Recipe(n_steps, learning_rate=1e-2))
    for _ in range(n_steps):
        rows = torch.from_numpy(rng.integers(len(own), size=64))
        cross_entropy(network.train()(own[rows]), targets[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        seen = without_head(network.eval())(every).flatten(1).unflatten(0, images.shape[:3])
    flat = seen[:n_known].flatten(0, 2)
    return (seen - flat.mean(0)) / (flat.std(0) + 1e-6)
