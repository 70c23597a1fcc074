"""DARTS: weights and architecture parameters (alphas) of a mixture learn in turns ([Liu2019], first order)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch

from nastoolkit.randomness import drawn_from
from nastoolkit.supernets import Logits, Mixture, Supernet
from nastoolkit.supernets.mixtures import Shares, softmax
from nastoolkit.tasks import Task
from nastoolkit.training import Optimizer, Recipe, Run

UNSEEN = 10**6  # number of a step that no training has
EVALUATED = 250  # images a batch while accuracies are measured: normalisation uses those of the batch


class Darts:
    """A mixture of all operations, some edges of which may be decided already.

    Half of the task's training examples are for the weights, the others for the alphas and for accuracies.

    Args:
        supernet: Trained in place.
        task: Gives data, loss and metric.
        recipe: How weights learn in the whole search; its seed is that of the data, too.
        alpha_rate: Learning rate of the alphas; 0 keeps them at zero, so that all operations have equal shares.
        n_held: Number of examples that accuracies are measured on, of the second half of the training examples.

    Attributes:
        decided: The option of each edge that is decided.
        n_taken: Number of steps that are done, those of tunings too.
    """

    def __init__(self, supernet: Supernet, task: Task, recipe: Recipe, alpha_rate: float, n_held: int) -> None:
        self.mixture, self.task, self.recipe, self.alpha_rate = Mixture(supernet.train()), task, recipe, alpha_rate
        self.device = next(supernet.parameters()).device
        self.logits = Logits(supernet.family.space).to(self.device)
        self.of_weights = Optimizer(supernet.parameters(), recipe)
        self.of_alphas = torch.optim.Adam(self.logits.parameters(), alpha_rate, betas=(0.5, 0.999), weight_decay=1e-3)
        self.decided, self.n_taken = dict[str, int](), 0
        self.halves = np.array_split(np.random.default_rng(recipe.seed).permutation(task.n_rows), 2)
        self.shape = supernet.family.input_shape(supernet.family.space.smallest)
        self.held = task.batch(UNSEEN, n_held, recipe.seed, np.resize(self.halves[1], n_held)).at(self.shape)

    def copy(self) -> Darts:
        """Another one, which goes on from here by itself."""
        return deepcopy(self)

    def shares(self) -> Shares:
        """Softmax of the alphas of each edge; one of 1 where it is decided."""
        shares = self.logits(softmax)
        return {
            edge: torch.eye(len(share), device=self.device)[self.decided[edge]] if edge in self.decided else share
            for edge, share in shares.items()
        }

    @torch.no_grad()
    def judged(self, shares: Shares) -> tuple[float, float]:
        """The mixture's accuracy in % on the held examples, normalised by their batches, and minus its mean loss."""
        with drawn_from(0):
            parts = [self.mixture(part.to(self.device).inputs, shares) for part in self.held.batches(EVALUATED)]
        outputs = torch.cat(parts).cpu()
        return self.task.score(outputs, self.held.targets), -float(self.task.loss(outputs, self.held.targets))

    def train(self, n_steps: int, learns_alphas: bool = True) -> None:
        """Steps of both levels in turns, the alphas' first; alphas stay as they are where they learn nothing."""
        run = Run({"weights": self.mixture, "alphas": self.logits}, progress=False)
        for _ in run.steps(n_steps):
            with drawn_from(self.recipe.seed * UNSEEN + self.n_taken):  # for operations that are noise
                if learns_alphas and self.alpha_rate and len(self.decided) < len(self.logits.names):
                    self._backward(half=1)
                    self.of_alphas.step()
                    self._forget()
                self._backward(half=0)
                self.of_weights.step()
                self._forget()
            self.n_taken += 1

    def tune(self, n_steps: int, learns_alphas: bool = True) -> None:
        """Train on with a new optimiser for the weights, whose learning rate stays at a tenth of the search's."""
        rate = self.recipe.learning_rate / 10
        recipe = replace(self.recipe, n_steps=n_steps, learning_rate=rate, schedule="constant", warm_up=0.0)
        self.of_weights = Optimizer(self.mixture.parameters(), recipe)
        self.train(n_steps, learns_alphas)

    def _backward(self, half: int) -> None:
        """Gradients of the loss on a batch of one half of the examples."""
        rng = np.random.default_rng([self.recipe.seed, self.n_taken, half])
        rows = rng.choice(self.halves[half], self.recipe.batch_size)
        batch = self.task.batch(self.n_taken, self.recipe.batch_size, self.recipe.seed, rows)
        batch = batch.at(self.shape).to(self.device)
        self.task.loss(self.mixture(batch.inputs, self.shares()), batch.targets).backward()

    def _forget(self) -> None:
        """No gradients of one level get into the other."""
        self.mixture.zero_grad()
        self.logits.zero_grad()
