"""Losses of supernet training: what a path learns from.

[Yu2019] J. Yu and T. Huang, "Universally Slimmable Networks and Improved Training Techniques", ICCV 2019, Section 3.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

TaskLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
PathLoss = Callable[[torch.Tensor, torch.Tensor, "torch.Tensor | None"], torch.Tensor]
Criterion = Callable[[TaskLoss], PathLoss]


def in_place_distillation(task_loss: TaskLoss) -> PathLoss:
    """The first path of a step learns from the targets, the others from the first one's outputs (soft cross-entropy).

    Outputs are logits ``(n, ..., n_classes)``.
    """

    def path_loss(outputs: torch.Tensor, targets: torch.Tensor, teacher: torch.Tensor | None) -> torch.Tensor:
        if teacher is None:
            return task_loss(outputs, targets)
        return functional.cross_entropy(outputs.flatten(0, -2), teacher.flatten(0, -2).softmax(-1))

    return path_loss
