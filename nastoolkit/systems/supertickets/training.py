"""Search and pruning in one training ([You2022], Algorithm 1), a search alone, and retraining (see the package)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from nastoolkit.measurements import Accuracy
from nastoolkit.systems.supertickets.tickets import ONLY, Ticket
from nastoolkit.tasks import Task
from nastoolkit.training import Optimizer, Recipe, Run

PERIODS = 14  # of a training; each but the last ends with a pruning: the released settings prune after 25 of 350 epochs
SEARCHES = 2.5  # in a period, the first of which warms the penalty up: 10 and 25 epochs in the released settings
EACH = 0.1  # what a progressive pruning adds to the sparsity


@dataclass(frozen=True)
class Search:
    """How units are searched for: weight of the penalty, importance below which they are dropped, MACs that this must save."""

    rho: float
    threshold: float
    least_macs: int = 0


@dataclass(frozen=True)
class Pruning:
    """Share of weights to be masked, whether each pruning adds only a tenth, and whether searches reactivate."""

    sparsity: float
    is_progressive: bool = True
    is_reactivating: bool = True


def search(ticket: Ticket, task: Task, recipe: Recipe, how: Search, pruning: Pruning | None = None) -> None:
    """Train a supernet in place while units are dropped and, if wanted, weights are pruned; ends with the sparsity's masks."""
    period, trainer = recipe.n_steps / PERIODS, Trainer(ticket, task, recipe)
    prunings = {round(period * turn): turn for turn in range(1, PERIODS)}
    searches = {round(period * turn / SEARCHES) for turn in range(1, int((PERIODS - 1) * SEARCHES))}
    for step in trainer.run.steps(recipe.n_steps):
        trainer.step(step, how.rho * min(1.0, (step + 1) / period))
        if step + 1 in searches:
            lost = ticket.drop(how.threshold, how.least_macs)
            if pruning and pruning.is_reactivating:
                ticket.reactivate(lost)
        if pruning and step + 1 in prunings:
            reached = EACH * prunings[step + 1] if pruning.is_progressive else 1.0
            ticket.prune(min(pruning.sparsity, reached))


def retrain(ticket: Ticket, task: Task, recipe: Recipe) -> None:
    """Train the weights of a ticket in place, with masks as they are."""
    trainer = Trainer(ticket, task, recipe)
    for step in trainer.run.steps(recipe.n_steps):
        trainer.step(step, 0.0)


class Trainer:
    """Training steps of a ticket, in which masked weights keep their values, whatever an optimiser remembers."""

    def __init__(self, ticket: Ticket, task: Task, recipe: Recipe) -> None:
        self.ticket, self.task, self.recipe, self.supernet = ticket, task, recipe, ticket.supernet.train()
        self.shape = self.supernet.family.input_shape(ONLY)
        self.optimizer = Optimizer(ticket.weights.values(), recipe)
        self.run = Run({"supernet": self.supernet, "optimizer": self.optimizer}, progress=False)

    def step(self, step: int, rho: float) -> None:
        """One step on the loss and, times rho, the penalty."""
        batch = self.task.batch(step, self.recipe.batch_size, self.recipe.seed).at(self.shape)
        loss = self.task.loss(self.supernet(batch.inputs, ONLY), batch.targets)
        (loss + rho * self.ticket.penalty() if rho else loss).backward()
        pairs = [(weight, self.ticket.masks[name] == 0) for name, weight in self.ticket.weights.items()]
        masked = [(weight, gone, weight.detach()[gone]) for weight, gone in pairs if gone.any()]
        self.optimizer.step()
        with torch.no_grad():
            for weight, gone, values in masked:
                weight[gone] = values


def accuracy(ticket: Ticket, task: Task, n_calibration: int = 500) -> float:
    """Accuracy in % on test images of a ticket's network, calibrated on training images."""
    return float(Accuracy(ticket.supernet, task, "test", n_calibration, progress=False)(ONLY)[0, 0])
