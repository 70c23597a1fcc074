"""A zoo: sub-networks of supernets that were each fine-tuned for a task (Section 3.1; see the package)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from nastoolkit.families import family_named
from nastoolkit.measurements.accuracy import Accuracy
from nastoolkit.randomness import drawn_from
from nastoolkit.supernets import Supernet, with_new_head
from nastoolkit.taps import without_head
from nastoolkit.tasks import LabelledTask
from nastoolkit.training import Recipe, Uniform, fit, targets_only

NOISE_SEED = 0  # of the one input that all networks see


@dataclass(frozen=True, eq=False)
class ZooModel:
    """A trained network of a zoo.

    Attributes:
        task: Number of the task that it was trained for.
        family: Name of its family.
        genotype: ``(d,)``.
        functional: What its last layer sees of a fixed input of noise, ``(n_features,)``.
        accuracy: On validation images of its task, %.
    """

    task: int
    family: str
    genotype: np.ndarray
    functional: np.ndarray
    accuracy: float


@dataclass(frozen=True, eq=False)
class Zoo:
    """Models, those of a task one after the other; the supernet of each task, which has their weights; and where it began."""

    models: Sequence[ZooModel]
    supernets: Sequence[Supernet]
    base: Supernet

    def network(self, model: ZooModel, n_classes: int, seed: int) -> nn.Module:
        """A copy of a model with a new last layer, not calibrated."""
        return new_head(self.supernets[model.task].extract(model.genotype), n_classes, seed)

    def best_of(self, task: int) -> ZooModel:
        """The most accurate model of a task."""
        return max((model for model in self.models if model.task == task), key=lambda model: model.accuracy)


def new_head(network: nn.Module, n_classes: int, seed: int) -> nn.Module:
    """The same network, whose last layer is replaced."""
    head = network.get_submodule("classifier")
    with drawn_from(seed):
        head.linear = nn.Linear(head.get_submodule("linear").in_features, n_classes)  # type: ignore[arg-type]
    return network


def make_zoo(base: Supernet, tasks: Sequence[LabelledTask], genotypes: np.ndarray, recipe: Recipe, n_calibration: int) -> Zoo:
    """Fine-tune a supernet for each task, and take the same sub-networks ``(n, d)`` of each."""
    models, supernets = list[ZooModel](), list[Supernet]()
    for number, task in enumerate(tasks):
        supernet = with_new_head(base, task.n_classes, recipe.seed)
        fit(supernet, task, Uniform(supernet.family.space, seed=recipe.seed + number), targets_only, recipe, progress=False)
        measure = Accuracy(supernet, task, "validation", n_calibration, progress=False)
        for genotype in supernet.family.space.canonical(genotypes):
            network = supernet.extract(genotype)
            accuracy = measure.of_network(network, genotype)  # calibrates it, too
            models.append(ZooModel(number, base.family.name, genotype, functional(base, network, genotype), accuracy))
        supernets.append(supernet)
    return Zoo(models, supernets, base)


@torch.no_grad()
def functional(supernet: Supernet, network: nn.Module, genotype: np.ndarray) -> np.ndarray:
    """What the last layer of a calibrated network sees of a fixed input of noise, ``(n_features,)``."""
    noise = supernet.family.example_inputs(genotype, 1, NOISE_SEED)
    return without_head(network.eval())(noise).flatten().numpy()


def embeddings(models: Sequence[ZooModel]) -> torch.Tensor:
    """Choices as zeros and ones, zeros for those without effect, and what networks make of noise, ``(n, d)``.

    Raises:
        ValueError: The family of a model is unknown, or models are of several families.
    """
    spaces = {name: family_named(name).space for name in sorted({model.family for model in models})}
    if len(spaces) != 1:
        raise ValueError(f"models of a zoo are of one family, and not of {', '.join(spaces) or 'none'}")
    (space,) = spaces.values()
    topology = space.one_hot(space.canonical(np.stack([model.genotype for model in models])))
    both = np.concatenate([topology, np.stack([model.functional for model in models])], axis=1)
    return torch.from_numpy(both.astype(np.float32))
