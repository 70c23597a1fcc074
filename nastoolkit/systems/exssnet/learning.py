"""Learning a stream of tasks by masks, by weights of their own, or by both ([Yadav2022], Algorithm 1; see the package)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torch.func import functional_call

from nastoolkit.blocks import Inputs
from nastoolkit.supernets import Supernet
from nastoolkit.systems.exssnet.masks import Supermasks, TaskFamily, top_mask
from nastoolkit.systems.exssnet.streams import Piece
from nastoolkit.taps import without_head
from nastoolkit.training import Optimizer, Recipe, Run

NEW, RANDOM, NEAREST, TOLD = "new scores", "random task's", "nearest task's", "related task's, told"
TRANSFERS = (NEW, RANDOM, NEAREST, TOLD)
EARLY = 0.1  # share of the mask's steps after which a mask is looked at
FITTED = 0.66  # share of the examples that nearest neighbours are looked for in


@dataclass(frozen=True)
class Method:
    """How an arm learns a task.

    Attributes:
        density: Share of a layer's weights that a mask keeps.
        mask_steps: Steps in which scores are trained.
        weight_steps: Steps after that in which weights of the mask are trained.
        is_exclusive: Whether these are only weights that no earlier mask has.
        transfer: What scores start from, one of ``TRANSFERS``.
        masks: Settings of a step of the first kind.
        weights: Settings of a step of the second kind.
        n_neighbours: Number of nearest neighbours that vote.
    """

    density: float
    mask_steps: int
    weight_steps: int
    is_exclusive: bool
    transfer: str
    masks: Recipe
    weights: Recipe
    n_neighbours: int = 10


class Learner:
    """One network that learns tasks one after the other, and answers for each with the statistics that it had then.

    Args:
        widths: See :class:`TaskFamily`.
        n_tasks: Number of tasks.
        method: How it learns them.
        seed: Seed of weights and scores.

    Attributes:
        supernet: Fixed weights and all scores; a task's genotype is its number.
        early: Accuracy in % of each task learnt, after the first steps of its mask, on test examples.
        partners: Number of the earlier task whose scores were taken; None where they are new.
    """

    def __init__(self, widths: Sequence[int], n_tasks: int, method: Method, seed: int = 0) -> None:
        self.supernet = Supernet(TaskFamily(widths, n_tasks), Supermasks(n_tasks, method.density), seed)
        self.method, self.rng = method, np.random.default_rng([seed, n_tasks])
        self.early, self.partners = list[float](), list[int | None]()
        self._pieces, self._statistics = list[Piece](), list[dict[str, torch.Tensor]]()

    @property
    def weights(self) -> list[nn.Parameter]:
        """Weights of each layer, before masks."""
        shared = self.supernet.shared
        return [shared.get_parameter(f"{name}.weight") for name, each in shared.named_modules() if isinstance(each, nn.Linear)]

    def scores(self, task: int) -> list[nn.Parameter]:
        """A task's scores of each layer."""
        return [own for name, own in self.supernet.shared.named_parameters() if name.endswith(f"scores.{task}")]

    @torch.no_grad()
    def masks(self, task: int) -> list[torch.Tensor]:
        """What a task's mask keeps of each layer, as booleans."""
        return [top_mask(scores, self.method.density) > 0 for scores in self.scores(task)]

    def free(self, task: int) -> list[torch.Tensor]:
        """Weights of each layer that no mask of an earlier task has, as booleans."""
        free = [torch.ones_like(weight, dtype=torch.bool) for weight in self.weights]
        for earlier in range(task):
            free = [left & ~mask for left, mask in zip(free, self.masks(earlier), strict=True)]
        return free

    def network(self, task: int) -> nn.Module:
        """The network of a task that was learnt, an ordinary one."""
        network = self.supernet.extract(np.array([task])).eval()
        network.load_state_dict(self._statistics[task], strict=False)
        return network

    def learn(self, piece: Piece) -> None:
        """Learn the next task: first its mask, then weights.

        Raises:
            ValueError: No weight of its mask is left to be trained.
        """
        task = len(self._statistics)
        self.partners.append(self._partner(task, piece))
        for step in self._steps(task, piece, self.scores(task), replace(self.method.masks, n_steps=self.method.mask_steps)):
            if step + 1 == max(1, round(EARLY * self.method.mask_steps)):
                self.early.append(accuracy(self._calibrated(task, piece), piece))
        allowed = self.trainable(task) if self.method.weight_steps else []
        recipe = replace(self.method.weights, n_steps=self.method.weight_steps)
        for _ in self._steps(task, piece, self.weights, recipe, allowed):
            pass
        statistics = self._calibrated(task, piece).named_buffers()
        self._pieces.append(piece)
        self._statistics.append({name: tensor.clone() for name, tensor in statistics})

    def trainable(self, task: int) -> list[torch.Tensor]:
        """Weights of each layer that a task may train: those of its mask, or what is free of them.

        Raises:
            ValueError: There are none.
        """
        own = self.masks(task)
        if self.method.is_exclusive:
            own = [mask & free for mask, free in zip(own, self.free(task), strict=True)]
        if not any(mask.any() for mask in own):
            n = sum(mask.numel() for mask in own)
            raise ValueError(
                f"task {task + 1} has no free weight: the masks of {task} earlier ones have all of its own, of {n:,} weights; "
                f"take fewer tasks, a lower density than {self.method.density}, or wider layers"
            )
        return own

    def _steps(
        self, task: int, piece: Piece, parameters: list[nn.Parameter], recipe: Recipe, allowed: Sequence[torch.Tensor] = ()
    ) -> Iterator[int]:
        """Train some parameters in place, where that is allowed, and tell of each step that is done."""
        self.supernet.requires_grad_(False).train()
        for parameter in parameters:
            parameter.requires_grad_(True)
        optimizer, masked = Optimizer(parameters, recipe), self._masked(task, is_fixed=bool(allowed))
        run = Run({"network": self.supernet, "optimizer": optimizer}, progress=False)
        for step in run.steps(recipe.n_steps):
            batch = piece.batch(step, recipe.batch_size, recipe.seed)
            piece.loss(masked(batch.inputs), batch.targets).backward()
            for parameter, mask in zip(parameters, allowed, strict=bool(allowed)):
                parameter.grad = None if parameter.grad is None else parameter.grad * mask
            optimizer.step()
            yield step

    def _masked(self, task: int, is_fixed: bool) -> Callable[[Inputs], torch.Tensor]:
        """What the supernet computes for a task, faster: layers are found, and fixed masks made, only once."""
        (network, found), weights, scores = self.supernet.functional(np.array([task])), self.weights, self.scores(task)
        fixed = [mask.float() for mask in self.masks(task)] if is_fixed else []

        def forward(inputs: Inputs) -> torch.Tensor:
            masks = fixed or [top_mask(own, self.method.density) for own in scores]
            products = [weight * mask for weight, mask in zip(weights, masks, strict=True)]
            return functional_call(network, dict(zip(found, products, strict=True)), (inputs,))

        return forward

    def _calibrated(self, task: int, piece: Piece) -> nn.Module:
        return self.supernet.network(np.array([task]), piece)

    @torch.no_grad()
    def _partner(self, task: int, piece: Piece) -> int | None:
        """Take an earlier task's scores, if that is how it is done, and tell its number."""
        if task == 0 or self.method.transfer == NEW:
            return None
        related = [earlier for earlier, other in enumerate(self._pieces) if other.order == piece.order]
        partner = {
            RANDOM: lambda: int(self.rng.integers(task)),
            NEAREST: lambda: self._nearest(task, piece),
            TOLD: lambda: next(iter(related), None),
        }[self.method.transfer]()
        if partner is not None:
            for own, taken in zip(self.scores(task), self.scores(partner), strict=True):
                own.copy_(taken)
        return partner

    def _nearest(self, task: int, piece: Piece) -> int | None:
        """The earlier task whose features tell the new one's classes apart best, if they do better than chance."""
        scores = [neighbour_accuracy(self.network(earlier), piece, self.method.n_neighbours) for earlier in range(task)]
        return int(np.argmax(scores)) if max(scores) > 1 / len(piece.classes) else None


@torch.no_grad()
def neighbour_accuracy(network: nn.Module, piece: Piece, n_neighbours: int) -> float:
    """Share of a task's training examples that the nearest others, by the inputs of the last layer, classify rightly."""
    split = piece.split("train")
    features = without_head(network)(split.inputs).numpy()
    order = np.random.default_rng(0).permutation(len(split))
    fitted, asked = np.split(order, [round(FITTED * len(split))])
    neighbours = KNeighborsClassifier(min(n_neighbours, len(fitted)))
    targets = split.targets.numpy()
    return float(neighbours.fit(features[fitted], targets[fitted]).score(features[asked], targets[asked]))


@torch.no_grad()
def logits_of(network: nn.Module, piece: Piece) -> torch.Tensor:
    """A network's outputs ``(n, n_classes)`` for a task's test examples."""
    return network(piece.split("test").inputs)


def accuracy(network: nn.Module, piece: Piece) -> float:
    """Top-1 accuracy in % on a task's test examples."""
    return piece.score(logits_of(network, piece), piece.split("test").targets)
