"""InstaTune's teacher, paths and loss: [Sridhar2023], arXiv 2308.15609, Section 3 and Equation 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.space import SearchSpace
from nastoolkit.supernets import Supernet
from nastoolkit.support.counts import keep_whole
from nastoolkit.tasks import Task
from nastoolkit.tasks.fitting import check_outputs, check_vocabulary
from nastoolkit.training import Step, Uniform, distillation
from nastoolkit.training.losses import PathLoss, TaskLoss, soft_cross_entropy


@dataclass(frozen=True)
class LargestAndRandom:
    """The supernet itself, S, and ``n_random`` random sub-networks S_i at each step; the paper has one."""

    space: SearchSpace
    n_random: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        keep_whole(self, n_random=1, seed=0)

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """See :class:`nastoolkit.training.PathSampler`."""
        return [(self.space.largest, 1.0), *Uniform(self.space, self.n_random, self.seed).draw(step)]


class InstaTuneLoss:
    """Equation 1: the losses of the supernet S, which is the first path of a step, and of its sub-networks S_i.

    S: alpha times the task's loss plus (1 - alpha) gamma times the distance from the teacher T. S_i: alpha times the task's
    loss plus (1 - alpha) times the sum of (1 - gamma) times the distance from S and gamma times that from T.

    Args:
        teacher: Strong teacher T; see :func:`strong_teacher`. None if gamma is 0.
        gamma: Share of the teacher in the distillation: 0 or 1 in the paper.
        alpha: Share of the task's own loss; 0.3 in the paper.
        temperature: Temperature of distillation; see :func:`nastoolkit.training.distillation`.

    Raises:
        ValueError: A share is not from 0 to 1, the temperature is not above 0, or gamma is above 0 and there is no teacher.
    """

    def __init__(
        self, teacher: nn.Module | None = None, gamma: float = 1.0, alpha: float = 0.3, temperature: float = 1.0
    ) -> None:
        for name, share in (("gamma", gamma), ("alpha", alpha)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be between 0 and 1, got {share}")
        if gamma and teacher is None:
            raise ValueError(f"a share gamma of {gamma} for the teacher needs a teacher: give one, or make gamma 0")
        self.gamma, self.alpha, self.temperature = gamma, alpha, temperature
        self._taught = distillation(teacher if gamma and teacher else nn.Identity(), temperature)

    @property
    def settings(self) -> dict[str, Any]:
        """The numbers of the loss, and a hash of the teacher's weights."""
        return {"alpha": self.alpha, "gamma": self.gamma, **self._taught.settings}  # type: ignore[attr-defined]

    def __call__(self, task_loss: TaskLoss) -> PathLoss:
        """See :class:`nastoolkit.training.losses.Criterion`."""
        from_teacher = self._taught(task_loss)

        def path_loss(step: Step) -> torch.Tensor:
            distance = self.gamma * from_teacher(step) if self.gamma else 0.0
            if step.first is not None and self.gamma < 1:
                distance += (1 - self.gamma) * soft_cross_entropy(step.outputs, step.first, self.temperature)
            return self.alpha * task_loss(step.outputs, step.targets) + (1 - self.alpha) * distance

        return path_loss


def strong_teacher(tuned: Supernet, space: SearchSpace, task: Task) -> nn.Module:
    """The teacher T: the largest network of a space, fine-tuned on the task.

    Raises:
        ValueError: The network was trained for other classes than the task's, or on another vocabulary.
    """
    try:
        check_outputs(tuned.family, task)
        check_vocabulary(tuned, task)
    except ValueError as error:
        raise ValueError(f"the teacher is for another task: {error}") from None
    return tuned.extract(space.largest).eval()


def elastic_space(space: SearchSpace) -> SearchSpace:
    """The choices of InstaTune: depth, heads and feed-forward width; if channels between layers are a choice, all stay."""
    return space.restrict({choice.name: (max(choice.options),) for choice in space.choices if choice.name == "dim"})
