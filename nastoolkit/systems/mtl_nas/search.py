"""The search: gates and weights learn in turns, and entropy makes gates decide ([Gao2020])."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.supernets.mixtures import relaxed_bernoulli
from nastoolkit.systems.mtl_nas.network import Towers
from nastoolkit.tasks.base import Split
from nastoolkit.tasks.data_sets import places_of_step
from nastoolkit.tasks.scenes import Scenes
from nastoolkit.training import Optimizer, Recipe, Run

APART = 10**6  # between the seeds of two runs, in steps


def entropies(logits: torch.Tensor) -> torch.Tensor:
    """Entropy of each gate in nats ``(n,)``: that of a Bernoulli variable with probability ``sigmoid(logit)``."""
    return functional.softplus(logits) - logits * logits.sigmoid()


def train(network: nn.Module, task: Scenes, recipe: Recipe) -> None:
    """Train a network in plain steps."""
    optimizer = Optimizer(network.train().parameters(), recipe)
    for step in Run({"network": network, "optimizer": optimizer}, progress=False).steps(recipe.n_steps):
        (batch,) = _batches(network, task, recipe, step, 1)
        task.loss(network(batch.inputs), batch.targets).backward()
        optimizer.step()


class Search:
    """Towers whose gates are learnt; the gates' logits are zeros in the beginning.

    Args:
        towers: Trained in place.
        task: Scenes.
        recipe: How weights learn. A step sees a batch for the gates, and another one for the weights.
        gate_rate: Learning rate of the logits.
        entropy_weight: Factor of the mean entropy of all gates; 0 leaves it out.

    Attributes:
        logits: Logit of each gate, ``(n_edges,)``.
    """

    def __init__(self, towers: Towers, task: Scenes, recipe: Recipe, gate_rate: float, entropy_weight: float) -> None:
        self.towers, self.task, self.recipe, self.entropy_weight = towers.train(), task, recipe, entropy_weight
        self.device = next(towers.parameters()).device
        self.logits = nn.Parameter(torch.zeros(len(towers.shape.edges), device=self.device))
        self.of_weights = Optimizer(towers.parameters(), recipe)
        self.of_gates = torch.optim.Adam([self.logits], gate_rate, betas=(0.5, 0.999), weight_decay=1e-3)

    def train(self) -> None:
        """Steps of the gates and of the weights in turns."""
        kept = {"towers": self.towers, "gates": nn.ParameterList([self.logits])}
        for step in Run(kept, progress=False).steps(self.recipe.n_steps):
            for_gates, for_weights = _batches(self.towers, self.task, self.recipe, step, 2)
            self.gate_loss(for_gates).backward()
            self.of_gates.step()
            self._forget()
            self.task.loss(self.towers(for_weights.inputs, self.drawn(step)), for_weights.targets).backward()
            self.of_weights.step()
            self._forget()

    def gate_loss(self, batch: Split) -> torch.Tensor:
        """The task's loss with gates at their probabilities, plus the weighted mean entropy."""
        loss = self.task.loss(self.towers(batch.inputs, self.logits.sigmoid()), batch.targets)
        return loss + self.entropy_weight * entropies(self.logits).mean()

    def drawn(self, step: int) -> torch.Tensor:
        """Gates that the weights see: relaxed Bernoulli variables, whose temperature falls from 1 to 0."""
        temperature = (1 - step / self.recipe.n_steps) ** 2
        generator = torch.Generator().manual_seed(self.recipe.seed * APART + step)
        return relaxed_bernoulli(self.logits.detach(), temperature, generator)

    @property
    def soft(self) -> torch.Tensor:
        """Gates ``(n_edges,)`` at their probabilities."""
        return self.logits.detach().sigmoid()

    @property
    def hard(self) -> torch.Tensor:
        """Gates ``(n_edges,)`` that are decided: 1 where the logit is above 0, else 0."""
        return (self.logits.detach() > 0).float()

    def _forget(self) -> None:
        """No gradients of one level get into the other."""
        self.towers.zero_grad()
        self.logits.grad = None


def _batches(network: nn.Module, task: Scenes, recipe: Recipe, step: int, n: int) -> list[Split]:
    """Batches of one step; every training example is in one of them once an epoch, in a new order."""
    rows = places_of_step(task.n_rows, step, n * recipe.batch_size, recipe.seed)
    device = next(network.parameters()).device
    parts = (task.batch(step, recipe.batch_size, recipe.seed, own) for own in np.split(rows, n))
    return [part.to(device) for part in parts]
