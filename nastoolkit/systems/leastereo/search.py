"""The search: weights and the logits of paths and options learn in turns, from two halves of the examples ([Cheng2020])."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from nastoolkit.systems.leastereo.decoding import routes, strongest, viterbi
from nastoolkit.systems.leastereo.network import Design, Mix, StereoNet, StereoShape, all_edges
from nastoolkit.tasks import Task
from nastoolkit.tasks.data_sets import places_of_step
from nastoolkit.training import Optimizer, Recipe, Run

FEATURES, MATCHING = 0, 1


def train(network: nn.Module, task: Task, recipe: Recipe) -> None:
    """Train a network in plain steps."""
    optimizer, device = Optimizer(network.train().parameters(), recipe), next(network.parameters()).device
    for step in Run({"network": network, "optimizer": optimizer}, progress=False).steps(recipe.n_steps):
        batch = task.batch(step, recipe.batch_size, recipe.seed).to(device)
        task.loss(network(batch.inputs), batch.targets).backward()
        optimizer.step()


class StereoSearch(nn.Module):
    """A network with all paths and options, their weights, and logits that say how much of each is in the mixture.

    Args:
        shape: Sizes.
        task: Stereo; one half of its training examples is for weights, the other one for logits.
        recipe: How weights learn in the whole search.
        logit_rate: Learning rate of the logits, of cells (alphas) and of levels (betas).
        warm_up: Share of the steps in which weights learn alone.
    """

    def __init__(self, shape: StereoShape, task: Task, recipe: Recipe, logit_rate: float, warm_up: float) -> None:
        super().__init__()
        self.shape, self.task, self.recipe, self.n_warm_up = shape, task, recipe, int(warm_up * recipe.n_steps)
        self.network = StereoNet(shape)
        n_edges = len(all_edges(shape.n_nodes))
        self.alphas = nn.ParameterList(torch.zeros(n_edges, 2) for _ in shape.layers)
        self.betas = nn.ParameterList(torch.zeros(n, shape.n_levels, 3) for n in shape.layers)
        self.logit_rate = logit_rate
        self.halves = np.array_split(np.random.default_rng(recipe.seed).permutation(task.n_rows), 2)

    def mixes(self) -> tuple[Mix, Mix]:
        """Weights of the feature and of the matching network."""
        pairs = zip(self.alphas, self.betas, strict=True)
        features, matching = (Mix(routes(betas), alphas.softmax(-1)) for alphas, betas in pairs)
        return features, matching

    def learn(self, turns: Sequence[Sequence[int]] = ((FEATURES, MATCHING),)) -> float:
        """All steps of the search; returns the mixture's mean training loss over the last tenth of them.

        Args:
            turns: Which networks' logits learn, in equal stretches that follow the warm-up: both together, or one after the
                other.
        """
        of_weights = Optimizer(self.network.train().parameters(), self.recipe)
        optimizers = [self._optimizer(number) for number in (FEATURES, MATCHING)]
        n, n_warm_up, losses = self.recipe.n_steps, self.n_warm_up, []
        for step in Run({"search": self}, progress=False).steps(n):
            if step >= n_warm_up:
                self._backward(step, half=1)
                for number in turns[(step - n_warm_up) * len(turns) // (n - n_warm_up)]:
                    optimizers[number].step()
                self.zero_grad()
            losses.append(self._backward(step, half=0))
            of_weights.step()
            self.zero_grad()
        return float(np.mean(losses[-max(1, n // 10) :]))

    def _optimizer(self, number: int) -> torch.optim.Optimizer:
        return torch.optim.Adam([self.alphas[number], self.betas[number]], self.logit_rate, weight_decay=1e-3)

    def _backward(self, step: int, half: int) -> float:
        """The loss on a batch of one half of the examples, and its gradients."""
        rows, size = self.halves[half], self.recipe.batch_size
        places = rows[places_of_step(len(rows), step, size, self.recipe.seed)]
        batch = self.task.batch(step, size, self.recipe.seed, places).to(self.betas[0].device)
        loss = self.task.loss(self.network(batch.inputs, self.mixes()), batch.targets)
        loss.backward()
        return loss.item()

    def designs(self, faithful: bool = False) -> tuple[Design, Design]:
        """The networks that are found."""
        pairs = zip(self.alphas, self.betas, strict=True)
        features, matching = (self._design(alphas, betas, faithful) for alphas, betas in pairs)
        return features, matching

    @torch.no_grad()
    def _design(self, alphas: torch.Tensor, betas: torch.Tensor, faithful: bool) -> Design:
        shares, ways = alphas.softmax(-1).cpu().numpy(), routes(betas, faithful).cpu().numpy()
        return Design(viterbi(ways), strongest(shares, self.shape.n_nodes, faithful))
