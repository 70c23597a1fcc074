"""Losses of supernet training: what a path learns from.

A criterion turns the task's loss into the loss of a :class:`Step`. If it has ``features``, the names of blocks or of parts of
blocks (``encoder.layer4.attention.query``), steps contain the outputs of these; its ``settings``, of JSON types, distinguish
stored runs.

[Yu2019] J. Yu and T. Huang, "Universally Slimmable Networks and Improved Training Techniques", ICCV 2019, Section 3.
[Hinton2015] G. Hinton et al., "Distilling the Knowledge in a Neural Network", arXiv 1503.02531, Section 2.
[Deng2019] J. Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019, Equation 3.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import Inputs


@dataclass(frozen=True, eq=False)
class Step:
    """Everything that the loss of a path sees.

    Attributes:
        outputs: Outputs of the path's network.
        targets: Targets of the same examples.
        inputs: Inputs of the network.
        genotype: The path ``(d,)``, or the sub-networks ``(k, d)`` that share the rows of its pass.
        first: Outputs of the step's first path for the same examples, without gradients; None for that path itself, and if
            paths share the rows of a batch.
        number: Number of the training step, from 0.
        path: Position of the path among those of its step.
        rows: Positions of the examples among the training examples ``(n,)``, if the task gives them.
        features: Outputs of the blocks that the criterion asks for, by name, in the order in which they ran; some may be
            missing.
    """

    outputs: Any
    targets: Any
    inputs: Inputs = field(default_factory=lambda: torch.empty(0))
    genotype: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    first: Any = None
    number: int = 0
    path: int = 0
    rows: torch.Tensor | None = None
    features: Mapping[str, Any] = field(default_factory=dict)


TaskLoss = Callable[[Any, Any], torch.Tensor]
PathLoss = Callable[[Step], torch.Tensor]
Criterion = Callable[[TaskLoss], PathLoss]


def targets_only(task_loss: TaskLoss) -> PathLoss:
    """Every path learns from the targets, and from no other path."""
    return lambda step: task_loss(step.outputs, step.targets)


def in_place_distillation(task_loss: TaskLoss) -> PathLoss:
    """The first path of a step learns from the targets, and the others from its outputs (soft cross-entropy).

    Outputs are logits ``(n, ..., n_classes)``.
    """

    def path_loss(step: Step) -> torch.Tensor:
        if step.first is not None:
            return soft_cross_entropy(step.outputs, step.first)
        if step.path > 0:
            raise ValueError("in-place distillation needs the outputs of the first path, and paths that share rows have none")
        return task_loss(step.outputs, step.targets)

    return path_loss


@dataclass(frozen=True)
class AngularMargin:
    """Additive angular margin softmax ([Deng2019]): a criterion for networks that return cosines ``(n, n_classes)``.

    The angle to the target's direction is enlarged by a margin; where it would exceed 180 degrees, the cosine continues to
    fall along a straight line.

    Attributes:
        margin: Margin in radians.
        scale: Factor that turns cosines into logits.

    Raises:
        ValueError: The margin is not from 0 to below pi, or the scale is not above 0.
    """

    margin: float = 0.2
    scale: float = 30.0

    def __post_init__(self) -> None:
        if not (0 <= self.margin < math.pi and self.scale > 0):
            raise ValueError(f"the margin must be between 0 and pi and the scale above 0, got {self.margin} and {self.scale}")

    @property
    def settings(self) -> dict[str, Any]:
        """Its arguments."""
        return {"margin": self.margin, "scale": self.scale}

    def __call__(self, task_loss: TaskLoss) -> PathLoss:
        """The task's loss for the logits."""
        return lambda step: task_loss(self.logits(step.outputs, step.targets), step.targets)

    def logits(self, cosines: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Cosines ``(n, n_classes)`` and targets ``(n,)`` to logits ``(n, n_classes)``."""
        own = cosines.gather(1, targets[:, None])
        sine = (1 - own.square()).clamp(min=1e-12).sqrt()
        turned = own * math.cos(self.margin) - sine * math.sin(self.margin)
        past = own - self.margin * math.sin(self.margin)
        within = own > -math.cos(self.margin)
        return self.scale * cosines.scatter(1, targets[:, None], torch.where(within, turned, past))


def distillation(teacher: nn.Module, temperature: float = 1.0) -> Criterion:
    """Every path learns only from a teacher's outputs ([Hinton2015]).

    Outputs are logits ``(n, ..., n_classes)``.

    Args:
        teacher: A network of any family; it is put into evaluation mode, and gets the inputs of a path, at the path's input
            size.
        temperature: Divisor of the logits of both; the loss is multiplied by its square, so that gradients keep their size.

    Raises:
        ValueError: The temperature is not above 0; or, during training, the teacher's outputs differ in shape from the
            networks'.
    """
    if not temperature > 0:
        raise ValueError(f"the temperature must be above 0, got {temperature}")
    return _Taught(teacher.eval(), temperature)


class _Taught:
    """The criterion of :func:`distillation`; it keeps the teacher's outputs for the step's other paths."""

    def __init__(self, teacher: nn.Module, temperature: float) -> None:
        self.teacher, self.temperature = teacher, temperature
        self._inputs: object = None
        self._outputs = torch.empty(0)

    def __call__(self, task_loss: TaskLoss) -> PathLoss:
        return self._loss

    @property
    def settings(self) -> dict[str, Any]:
        """The temperature, and a hash of the teacher's weights."""
        return {"temperature": self.temperature, "teacher": weights_hash(self.teacher)}

    def _loss(self, step: Step) -> torch.Tensor:
        if step.inputs is not self._inputs:
            with torch.no_grad():
                self._inputs, self._outputs = step.inputs, self.teacher(step.inputs)
        if self._outputs.shape != step.outputs.shape:
            shapes = tuple(self._outputs.shape), tuple(step.outputs.shape)
            raise ValueError("the teacher's outputs are {}, those of the networks {}".format(*shapes))
        return soft_cross_entropy(step.outputs, self._outputs, self.temperature)


def weights_hash(network: nn.Module) -> str:
    """Hash of a network's weights and statistics, which distinguishes teachers."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def soft_cross_entropy(outputs: torch.Tensor, teacher: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """Cross-entropy of logits ``(n, ..., n_classes)`` with a teacher's, both softened; see :func:`distillation`."""
    if temperature == 1:
        return functional.cross_entropy(outputs.flatten(0, -2), teacher.flatten(0, -2).softmax(-1))
    return temperature**2 * soft_cross_entropy(outputs / temperature, teacher / temperature)
