"""Scenes: the class and the normal of every pixel, two questions about one image.

[Eigen2015] D. Eigen and R. Fergus, "Predicting Depth, Surface Normals and Semantic Labels with a Common Multi-Scale
Convolutional Architecture", ICCV 2015: the measures of normals.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import Inputs
from nastoolkit.tasks.base import Task
from nastoolkit.tasks.data_sets import StoredTask

CLASSES, NORMALS = "classes", "normals"
NO_CLASS = -1
CLOSE_DEGREES = 11.25
Labels = dict[str, torch.Tensor]


class Scenes(StoredTask):
    """Networks return ``(n, n_classes + 3, h, w)``: logits of the classes, then the direction of the normal, of any length.

    Targets are ``classes`` ``(n, h, w)``, -1 where there is none, and ``normals`` ``(n, 3, h, w)`` of length 1, or 0 where
    there is none. The metric is the mean of the classes' mean IoU and of the share of normals within 11.25 degrees, in %.

    Attributes:
        normal_weight: Factor of the normals' part of the loss, 1 minus the cosine of the angle.
    """

    metric, unit = "scene_score", "%"
    normal_weight = 20.0

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        raise NotImplementedError

    def loss(self, outputs: torch.Tensor, targets: Any, label_smoothing: float = 0.0) -> torch.Tensor:
        """Cross-entropy of the classes, plus the weighted mean of 1 minus the cosine to the normals."""
        logits, directions = self.parts(outputs)
        classes = targets[CLASSES]
        of_classes = functional.cross_entropy(logits, classes, ignore_index=NO_CLASS, label_smoothing=label_smoothing)
        return of_classes + self.normal_weight * (1 - _cosines(directions, targets[NORMALS])).mean()

    def parts(self, outputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits ``(n, n_classes, h, w)`` and directions ``(n, 3, h, w)``."""
        return outputs[:, : self.n_classes], outputs[:, self.n_classes :]

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """The outputs."""
        return network(inputs)

    def score(self, predictions: torch.Tensor, targets: Any) -> float:
        """Mean of both tasks' percentages."""
        degrees = angles(predictions[:, self.n_classes :], targets[NORMALS])
        return (self.mean_iou(predictions, targets) + 100 * (degrees <= CLOSE_DEGREES).double().mean().item()) / 2

    def mean_iou(self, outputs: torch.Tensor, targets: Any) -> float:
        """Intersection over union in %, mean of the classes that occur."""
        found, true = self.parts(outputs)[0].argmax(1), targets[CLASSES]
        found = torch.where(true == NO_CLASS, NO_CLASS, found)
        pairs = [(found == one, true == one) for one in range(self.n_classes)]
        ratios = [((a & b).sum() / (a | b).sum()).item() for a, b in pairs if (a | b).any()]
        return 100 * sum(ratios) / len(ratios)

    def mean_angle(self, outputs: torch.Tensor, targets: Any) -> float:
        """Mean angle between found and true normals, in degrees."""
        return angles(self.parts(outputs)[1], targets[NORMALS]).mean().item()


def check_scenes(task: Task) -> Scenes:
    """The task, if its targets are classes and normals of pixels.

    Raises:
        ValueError: They are not.
    """
    if isinstance(task, Scenes):
        return task
    raise ValueError(f"a class and a normal of every pixel are needed, and task {task.name!r} has no such labels")


def angles(directions: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    """Angles ``(n_pixels,)`` in degrees between directions and normals ``(n, 3, h, w)``, where there are normals."""
    return _cosines(directions, normals).double().clamp(-1, 1).arccos().rad2deg()


def _cosines(directions: torch.Tensor, normals: torch.Tensor) -> torch.Tensor:
    return functional.cosine_similarity(directions, normals, dim=1)[normals.norm(dim=1) > 0.5]
