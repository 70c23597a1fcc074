"""The base of all proxies of accuracy: a score of untrained sub-networks, with which a search can choose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import device_of
from nastoolkit.supernets import Supernet
from nastoolkit.supernets.calibration import BatchNorm
from nastoolkit.support.counts import keep_whole
from nastoolkit.tasks import Split, Task
from nastoolkit.tasks.fitting import check_inputs, check_outputs, check_vocabulary
from nastoolkit.training.probes import gradients


@dataclass(frozen=True)
class Proxy(ABC):
    """A score of sub-networks as a function of genotypes: higher is better.

    Attributes:
        supernet: Supernet of the sub-networks, fresh (``Supernet(family)``) or trained; it stays as it is.
        task: Gives the inputs, and the targets if the proxy looks at a loss.
        n_inputs: Number of training examples, the first ones.
        name: Key in ``PROXIES``.
        needs_images: Whether inputs must be images, or other numbers that have gradients.
        needs_targets: Whether the task's loss is used.

    Raises:
        ValueError: The task's inputs, or the targets that are needed, do not fit the family's networks.
    """

    supernet: Supernet
    task: Task
    n_inputs: int = 64
    name: ClassVar[str]
    needs_images: ClassVar[bool] = False
    needs_targets: ClassVar[bool] = False

    def __post_init__(self) -> None:
        keep_whole(self, n_inputs=1)
        family, inputs = self.supernet.family, self.batch(self.supernet.family.space.smallest).inputs
        check_inputs(family, self.task, inputs)
        if self.needs_images and (isinstance(inputs, tuple) or not inputs.is_floating_point()):
            raise ValueError(f"{self.name} needs images, and the inputs of task {self.task.name!r} are tokens")
        if self.needs_targets:
            check_outputs(family, self.task)
            check_vocabulary(self.supernet, self.task)

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to scores ``(n, 1)``; minus infinity instead of NaN."""
        scores = np.array([[self.score(genotype)] for genotype in np.atleast_2d(genotypes)])
        return np.where(np.isnan(scores), -np.inf, scores)

    @abstractmethod
    def score(self, genotype: np.ndarray) -> float:
        """The score of one genotype ``(d,)``."""

    def network(self, genotype: np.ndarray) -> nn.Module:
        """A separate network, whose batch normalisation uses the batch's statistics, and which has no dropout."""
        network = self.supernet.extract(genotype).eval()
        for module in network.modules():
            if isinstance(module, BatchNorm):
                module.train()
        return network

    def batch(self, genotype: np.ndarray) -> Split:
        """The examples, as inputs of a sub-network."""
        shape = self.supernet.family.input_shape(genotype)
        return next(self.task.split("train").batches(self.n_inputs, shape, self.n_inputs)).to(device_of(self.supernet))

    def images(self, genotype: np.ndarray) -> torch.Tensor:
        """The inputs ``(n, ...)`` of a proxy that needs images."""
        return cast(torch.Tensor, self.batch(genotype).inputs)

    def gradients(self, network: nn.Module, batch: Split) -> dict[str, torch.Tensor]:
        """Gradients of the loss with respect to weights of convolutions and linear layers, by their names."""
        return matrices(gradients(self.task.loss(network(batch.inputs), batch.targets), network))

    @property
    def settings(self) -> dict[str, Any]:
        """What the values depend on apart from the genotype; a store keeps it with them."""
        return {"measurement": self.name, "task": self.task.name, "n_inputs": self.n_inputs, **self.supernet.identity}


def matrices(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of more than one dimension, that is no biases and no scales of normalisation."""
    return {name: tensor for name, tensor in tensors.items() if tensor.dim() > 1}
