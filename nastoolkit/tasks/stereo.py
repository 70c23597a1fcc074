"""Stereo: how far is each pixel of the left image to the left of where it is in the right one?

[Mayer2016] N. Mayer et al., "A Large Dataset to Train Convolutional Networks for Disparity, Optical Flow, and Scene Flow
Estimation", CVPR 2016: the end-point error.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from nastoolkit.blocks import Inputs
from nastoolkit.tasks.base import Task
from nastoolkit.tasks.data_sets import StoredTask

DISPARITY, SEEN = "disparity", "seen"
CLOSE_PIXELS = 1.0


class Stereo(StoredTask):
    """Inputs are left and right images ``(n, 3, h, w)``; networks return the left ones' disparities ``(n, h, w)`` in pixels.

    Targets are ``disparity`` ``(n, h, w)`` and, where it is known, whether a pixel is ``seen`` in the right image, too. Pixels
    whose disparity is ``max_disparity`` or more do not count. The metric is the share of pixels with an error of at most one
    pixel, in %.

    Attributes:
        max_disparity: Disparities are below this one.
    """

    metric, unit = "within_1px", "%"
    max_disparity: int

    def loss(self, outputs: torch.Tensor, targets: Any, label_smoothing: float = 0.0) -> torch.Tensor:
        """Smooth L1; ``label_smoothing`` means nothing here."""
        counts = self._counts(targets)
        return functional.smooth_l1_loss(outputs[counts], targets[DISPARITY][counts])

    def predict(self, network: nn.Module, inputs: Inputs) -> torch.Tensor:
        """The disparities."""
        return network(inputs)

    def score(self, predictions: torch.Tensor, targets: Any) -> float:
        """Share of pixels within one pixel, in %."""
        return 100 * (self.errors(predictions, targets) <= CLOSE_PIXELS).double().mean().item()

    def errors(self, predictions: torch.Tensor, targets: Any, seen: bool | None = None) -> torch.Tensor:
        """Absolute errors ``(n_pixels,)`` in pixels; the end-point error is their mean ([Mayer2016]).

        Args:
            predictions: Disparities ``(n, h, w)``.
            targets: See the class.
            seen: Whether to take pixels alone that both images show, or none of them; None takes all.
        """
        counts = self._counts(targets)
        counts = counts if seen is None else counts & (targets[SEEN] == seen)
        return (predictions - targets[DISPARITY]).abs()[counts]

    def _counts(self, targets: Any) -> torch.Tensor:
        return targets[DISPARITY] < self.max_disparity


def check_stereo(task: Task, max_disparity: int) -> Stereo:
    """The task, if its targets are disparities that a volume holds.

    Args:
        task: Any task.
        max_disparity: The volume's disparities are below this one.

    Raises:
        ValueError: The task has no disparities, or larger ones.
    """
    if not isinstance(task, Stereo):
        raise ValueError(f"disparities of pairs of images are needed, and task {task.name!r} has none")
    if task.max_disparity > max_disparity:
        theirs = f"those of task {task.name!r} go up to {task.max_disparity}"
        raise ValueError(f"the volume holds disparities below {max_disparity}, and {theirs}")
    return task


def block_matching(left: torch.Tensor, right: torch.Tensor, n: int, window: int = 7) -> torch.Tensor:
    """Disparities ``(b, h, w)`` below n with the smallest sum of absolute differences over a window, without any learning.

    Args:
        left: Images ``(b, c, h, w)``.
        right: Images of the same shape.
        n: Number of disparities.
        window: Height and width of the window, odd, in pixels.
    """
    moved = [functional.pad(right, (d, 0, 0, 0), mode="replicate")[..., : right.shape[-1]] for d in range(n)]
    costs = torch.stack([(left - one).abs().sum(1) for one in moved], 1)
    return functional.avg_pool2d(costs, window, 1, window // 2, count_include_pad=False).argmin(1).float()
