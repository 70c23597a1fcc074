"""Accuracy of sub-networks, either with the supernet's weights, each extracted and calibrated separately, or trained alone.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020:
it evaluates sub-networks in this way, after calibrating batch normalisation on 2,000 training images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from nastoolkit.blocks import Inputs, device_of
from nastoolkit.families import Family
from nastoolkit.families.one import OneNetwork
from nastoolkit.randomness import repeatable
from nastoolkit.supernets import Supernet
from nastoolkit.supernets.calibration import calibrate
from nastoolkit.support.counts import keep_whole
from nastoolkit.tasks import Examples, Task
from nastoolkit.tasks.base import each_tensor, joined
from nastoolkit.tasks.fitting import check_inputs, check_outputs, check_vocabulary
from nastoolkit.threads import threads_for, torch_threads
from nastoolkit.training import Fixed, Recipe, fit, in_place_distillation

T = TypeVar("T")
PATIENCE = 2.0  # seconds without a bar


@dataclass(frozen=True)
class Accuracy:
    """The task's metric for sub-networks on one split: a function of genotypes that a search can call as ``evaluate``.

    Attributes:
        supernet: Supernet of the sub-networks; its weights stay as they are.
        task: Gives data and metric.
        split: Split to measure on: ``validation`` while choosing, ``test`` once at the end.
        n_calibration: Number of training images for batch normalisation, the first ones of the split.
        batch_size: Images in a batch; it affects the calibration, which weights batches by their size.
        progress: Whether to show the time left if it takes more than two seconds.
        n_images: Number of images of the split that are used, the first ones; None means all.
        n_observed: Number of training images, the first ones, that give the ranges of activations with few bits.

    Raises:
        ValueError: The task's inputs or classes do not fit the family's networks, or a number is below 1.
    """

    supernet: Supernet
    task: Task
    split: str = "validation"
    n_calibration: int = 2000
    batch_size: int = 250
    progress: bool = True
    n_images: int | None = None
    n_observed: int = 64

    def __post_init__(self) -> None:
        keep_whole(self, n_calibration=1, batch_size=1, n_observed=1, **({} if self.n_images is None else {"n_images": 1}))
        check_inputs(self.supernet.family, self.task, _first_inputs(self.task, self.split))
        check_outputs(self.supernet.family, self.task)
        check_vocabulary(self.supernet, self.task)

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to the metric ``(n, 1)``, in the metric's unit."""
        genotypes = np.atleast_2d(genotypes)
        bar = _bar(genotypes, "sub-networks", self.progress, len(genotypes))
        return np.array([[self.of_network(self.supernet.extract(genotype), genotype)] for genotype in bar])

    def of_network(self, network: nn.Module, genotype: np.ndarray) -> float:
        """The metric of one network at its own input size; it is calibrated in place first."""
        return self.task.score(*self._predictions(network, genotype))

    def predictions(self, genotypes: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Results of the task's ``predict`` for all examples, ``(n, examples, ...)``, and targets ``(examples, ...)``."""
        genotypes = np.atleast_2d(genotypes)
        bar = _bar(genotypes, "sub-networks", self.progress, len(genotypes))
        found = [self._predictions(self.supernet.extract(genotype), genotype) for genotype in bar]
        return torch.stack([predictions for predictions, _ in found]), found[0][1]

    def _predictions(self, network: nn.Module, genotype: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        shape = self.supernet.family.input_shape(genotype)
        with torch_threads(threads_for(network)), repeatable(network):
            calibrate(network, self.task, shape, self.n_calibration, self.batch_size, self.n_observed)
            split = self.task.split(self.split)
            return predictions(network, self.task, split, self.batch_size, shape, self.progress, self.n_images)

    @property
    def settings(self) -> dict[str, Any]:
        """What the values depend on apart from the genotype; a store keeps it with them."""
        return {
            "measurement": self.task.metric,
            "task": self.task.name,
            "split": self.split,
            "n_calibration": self.n_calibration,
            "batch_size": self.batch_size,
            **self.supernet.identity,
            **({} if self.n_images is None else {"n_images": self.n_images}),
            **({"n_observed": self.n_observed} if self.supernet.family.bits else {}),
        }


@dataclass(frozen=True)
class StandAloneAccuracy:
    """The task's metric for sub-networks trained alone, from fresh weights of their own: the ground truth for weight sharing.

    A value depends only on a sub-network's plan, the task and the recipe: other families with this plan get the same value.

    Attributes:
        family: Gives the networks.
        task: Gives data, loss and metric.
        recipe: How each network is trained.
        split: Split that networks are scored on.
        progress: Whether to show the time left if it takes more than two seconds.
        device: Device for training and scoring.

    Raises:
        ValueError: The task's inputs or classes are not those of the family's networks.
    """

    family: Family
    task: Task
    recipe: Recipe
    split: str = "validation"
    progress: bool = True
    device: str = "cpu"

    def __post_init__(self) -> None:
        check_inputs(self.family, self.task, _first_inputs(self.task, self.split))
        check_outputs(self.family, self.task)

    def __call__(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to the metric ``(n, 1)``, in the metric's unit, with a training run for each."""
        genotypes = np.atleast_2d(genotypes)
        bar = _bar(genotypes, "trained alone", self.progress, len(genotypes))
        return np.concatenate([self._train_and_score(genotype) for genotype in bar])

    def _train_and_score(self, genotype: np.ndarray) -> np.ndarray:
        supernet = Supernet(OneNetwork(self.family, genotype), seed=self.recipe.seed).to(self.device)
        only = supernet.family.space.largest
        fit(supernet, self.task, Fixed(only), in_place_distillation, self.recipe, progress=False)
        return Accuracy(supernet, self.task, self.split, progress=self.progress)(only)

    @property
    def settings(self) -> dict[str, Any]:
        """What the values depend on besides the genotype."""
        names = {"measurement": f"stand-alone {self.task.metric}", "task": self.task.name, **self.family.identity}
        return {**names, "split": self.split, **self.recipe.settings}


def score(
    network: nn.Module, task: Task, split: Examples, batch_size: int = 250, shape: tuple[int, ...] | None = None
) -> float:
    """The task's metric for a network in evaluation mode on a whole split, with images resized to the input ``shape``."""
    return task.score(*predictions(network, task, split, batch_size, shape))


@torch.inference_mode()
def predictions(
    network: nn.Module,
    task: Task,
    split: Examples,
    batch_size: int = 250,
    shape: tuple[int, ...] | None = None,
    progress: bool = False,
    n: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Predictions ``(examples, ...)`` that the metric uses, and targets, for the first n examples; see :func:`score`."""
    n_examples = len(split) if n is None else min(n, len(split))
    bar = _bar(split.batches(batch_size, shape, n), "batches", progress, ceil(n_examples / batch_size))
    batches = (batch.to(device_of(network)) for batch in bar)
    found = [
        [each_tensor(part, _to_cpu) for part in (task.predict(network, batch.inputs), batch.targets)] for batch in batches
    ]
    answers, targets = map(joined, zip(*found, strict=True))
    return answers, targets


def _to_cpu(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.cpu()


def _first_inputs(task: Task, split: str) -> Inputs:
    return next(task.split(split).batches(1)).inputs


def _bar(things: Iterable[T], what: str, progress: bool, total: int) -> Iterator[T]:
    """The same items, with a progress bar only if they take long, because a notebook keeps every bar."""
    start, bar = monotonic(), tqdm(disable=True)
    for n, thing in enumerate(things):
        if bar.disable and progress and monotonic() - start > PATIENCE:
            bar = tqdm(total=total, initial=n, desc=what, leave=False)
        yield thing
        bar.update()
    bar.close()
