"""Features of images, as the last layer of a fixed network sees them, and how well they tell classes apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import one_hot

from nastoolkit.taps import without_head
from nastoolkit.tasks import LabelledTask


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
