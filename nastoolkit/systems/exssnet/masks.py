"""Supermasks as a sharing rule, and the family whose one choice is the task ([Yadav2022], Section 3.1; see the package)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import BlockSpec
from nastoolkit.families.base import Family, Slot
from nastoolkit.space import Choice, SearchSpace
from nastoolkit.supernets.masks import mask_of_largest
from nastoolkit.supernets.slices import Weights
from nastoolkit.support.counts import whole


def top_mask(scores: torch.Tensor, density: float) -> torch.Tensor:
    """Ones where scores are largest in size, zeros elsewhere; gradients go straight through to the sizes.

    Args:
        scores: Scores of a layer, of any shape.
        density: Share of ones, which are one or more.
    """
    sizes = scores.abs()
    return mask_of_largest(sizes, max(1, round(density * scores.numel()))) + (sizes - sizes.detach())


class Supermasks:
    """Weights of linear layers times the mask of the block's task; every task has scores of its own.

    Args:
        n_tasks: Number of tasks.
        density: Share of a layer's weights that a mask keeps.

    Raises:
        ValueError: The density is 0 or less, or above 1.
    """

    def __init__(self, n_tasks: int, density: float = 0.1) -> None:
        if not 0 < density <= 1:
            raise ValueError(f"the density, a mask's share of kept weights, must be above 0 and at most 1; got {density}")
        self.n_tasks, self.density = whole("n_tasks", n_tasks), density

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its arguments."""
        return {"n_tasks": self.n_tasks, "density": self.density}

    def prepare(self, block: nn.Module) -> None:
        """Add a layer's scores for every task."""
        for layer in [module for module in block.modules() if isinstance(module, nn.Linear)]:
            layer.scores = nn.ParameterList(torch.empty_like(layer.weight) for _ in range(self.n_tasks))
            for scores in layer.scores:
                nn.init.kaiming_uniform_(scores, a=sqrt(5))

    def __call__(self, shared: Weights, spec: BlockSpec, name: str, genotype: np.ndarray) -> Weights:
        """The masked weight of the block's layer."""
        scores = shared[f"linear.scores.{spec.task}"]  # type: ignore[attr-defined]
        return {"linear.weight": shared["linear.weight"] * top_mask(scores, self.density)}


@dataclass(frozen=True)
class TaskLayer:
    """A linear layer without bias, then batch normalisation without weights and ReLU, unless it is the last.

    Its weights start as plus or minus the same number, the standard deviation of He's initial weights ([Wortsman2020]).
    """

    features: int
    out_features: int
    task: int
    is_last: bool

    @property
    def params(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.features * self.out_features

    @property
    def macs(self) -> int:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        return self.params

    @property
    def input_shape(self) -> tuple[int, ...]:
        """``(features,)``."""
        return (self.features,)

    def build(self) -> nn.Module:
        """See :class:`nastoolkit.blocks.BlockSpec`."""
        linear = nn.Linear(self.features, self.out_features, bias=False)
        with torch.no_grad():
            linear.weight.copy_(torch.randn_like(linear.weight).sign() * sqrt(2 / self.features))
        layers = OrderedDict[str, nn.Module](linear=linear)
        if not self.is_last:
            layers.update(bn=nn.BatchNorm1d(self.out_features, affine=False), act=nn.ReLU())
        return nn.Sequential(layers)


class TaskFamily(Family):
    """One perceptron for each of several tasks; the only choice is the ``task``, from 0 on.

    Args:
        widths: Inputs, hidden units of each layer, and outputs.
        n_tasks: Number of tasks.

    Raises:
        ValueError: There are fewer than two widths.
    """

    def __init__(self, widths: Sequence[int], n_tasks: int) -> None:
        if len(widths) < 2:
            raise ValueError(f"widths are those of the inputs, of hidden layers and of the outputs, got {list(widths)}")
        self.widths, self.n_tasks = tuple(widths), whole("n_tasks", n_tasks)
        space = SearchSpace([Choice("task", tuple(range(n_tasks)))])
        super().__init__("perceptron", space, tuple(self._slot(place) for place in range(len(widths) - 1)))

    def _slot(self, place: int) -> Slot:
        (before, after), is_last = [*pairwise(self.widths)][place], place == len(self.widths) - 2
        return Slot(f"layer{place + 1}", ("task",), lambda task: TaskLayer(before, after, task, is_last))

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return TaskFamily, (self.widths, self.n_tasks)
