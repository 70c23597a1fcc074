"""Imitation: part of a network learns to turn another one's features before a stage into those after it; no labels are needed.

[Li2020] C. Li et al., "Block-wisely Supervised Neural Architecture Search with Knowledge Distillation", CVPR 2020,
arXiv 1911.13053.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import Inputs, device_of
from nastoolkit.families.part import Part
from nastoolkit.taps import parts_of, taps
from nastoolkit.tasks.base import Split, Task


class Teacher:
    """A trained network that is cut after some of its stages.

    Args:
        network: The network, in evaluation mode.
        task: Gives the examples.
        blocks: Parts of the family of students that follow each other, one for each stage.
        ends: Names of the network's stages whose outputs the blocks imitate.
        n_images: Number of examples of a split that blocks are calibrated and rated on, the first ones.

    Raises:
        ValueError: A stage's outputs are not of the shape of the block's.
    """

    def __init__(self, network: nn.Module, task: Task, blocks: Sequence[Part], ends: Sequence[str], n_images: int) -> None:
        self.network, self.task, self.ends, self.n_images = network.eval(), task, tuple(ends), n_images
        self.shape, self._seen = blocks[0].input_shape(blocks[0].space.smallest), dict[str, list[torch.Tensor]]()
        outputs = self.features(next(task.split("train").batches(1, self.shape)).inputs)[1:]
        for end, block, output in zip(ends, blocks, outputs, strict=True):
            if block.output_shape != (found := tuple(output.shape[1:])):
                ours = f"the students' block that imitates it {block.output_shape}"
                raise ValueError(f"the teacher's {end} has features {found}, and {ours}")

    @torch.no_grad()
    def features(self, inputs: Inputs) -> list[torch.Tensor]:
        """The inputs ``(n, ...)``, and the outputs of each stage after which the teacher is cut."""
        found = dict[str, torch.Tensor]()
        with taps(parts_of(self.network, self.ends), found.__setitem__):
            self.network(inputs.to(device_of(self.network)))  # type: ignore[union-attr]
        return [inputs, *(found[end] for end in self.ends)]  # type: ignore[list-item]

    def seen(self, split: str) -> list[torch.Tensor]:
        """The same for the first examples of a split."""
        if split not in self._seen:
            batches = self.task.split(split).batches(250, self.shape, self.n_images)
            self._seen[split] = [torch.cat(parts) for parts in zip(*(self.features(b.inputs) for b in batches), strict=True)]
        return self._seen[split]


class Imitation:
    """Turn a teacher's features before one of its blocks into those after it: a task like any other.

    Args:
        teacher: The teacher.
        number: Number of the block.
    """

    def __init__(self, teacher: Teacher, number: int) -> None:
        self.teacher, self.number = teacher, number
        self.name = f"{teacher.task.name}, block {number} of a teacher"
        self.metric, self.unit = "minus relative L1", "standard deviations of the teacher's features"

    @property
    def n_rows(self) -> int:
        """See :class:`nastoolkit.tasks.Task`."""
        return self.teacher.task.n_rows

    def split(self, name: str) -> Split:
        """The first examples of a split."""
        before, after = self.teacher.seen(name)[self.number : self.number + 2]
        return Split(before, after)

    def batch(self, step: int, size: int, seed: int = 0, rows: np.ndarray | None = None) -> Split:
        """Features of the training examples of a step."""
        batch = self.teacher.task.batch(step, size, seed, rows).at(self.teacher.shape)
        before, after = self.teacher.features(batch.inputs)[self.number : self.number + 2]
        return Split(before, after, batch.rows)

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """Mean squared difference ([Li2020])."""
        return functional.mse_loss(outputs, targets)

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """The block's outputs."""
        return network(inputs)

    def score(self, predictions: torch.Tensor, targets: torch.Tensor) -> float:
        """Minus the relative L1 distance: the mean difference over the standard deviation of the targets ([Li2020])."""
        return -float((predictions - targets).abs().mean() / targets.std())
