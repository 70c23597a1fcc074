"""Recipes: how long to train, with which optimiser, and with which learning rates.

[Loshchilov2019] I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019: AdamW.
[Smith2018] L. N. Smith and N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates",
arXiv 1708.07120: one cycle, up and down along straight lines; without its last steps, which are even lower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, fields
from math import cos, pi
from typing import Any

import torch
from torch import nn

from nastoolkit.support.counts import keep_whole

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
OPTIMIZERS = ("adamw", "sgd")
LATE = ("optimizer", "schedule", "warm_up", "momentum")  # settings of which older files know nothing
SCHEDULES: dict[str, Callable[[int, int], float]] = {  # share of the peak after so many of all steps that follow the warm-up
    "constant": lambda step, n: 1.0,
    "cosine": lambda step, n: 0.5 * (1 + cos(pi * step / n)),
    "step": lambda step, n: 0.1 ** ((2 * step >= n) + (4 * step >= 3 * n)),
    "one-cycle": lambda step, n: 1 - step / n,
}


@dataclass(frozen=True)
class Recipe:
    """Optimisation settings: by default AdamW with a linear warm-up over a tenth of the steps, then a cosine to zero.

    Attributes:
        n_steps: Optimiser steps; each runs every path that the sampler draws, on the same batch.
        batch_size: Number of inputs in a step, over all processes.
        learning_rate: Learning rate at its peak.
        weight_decay: A step shrinks the weights by this times the learning rate; AdamW's is decoupled ([Loshchilov2019]).
        clip_norm: Bound on the norm of all gradients together.
        seed: Random seed of the data and of dropout.
        label_smoothing: Share of a target given to all classes.
        average: Decay of an exponential moving average of the weights, which becomes the result; 0 keeps the last weights.
        precision: ``float32``, or ``bfloat16`` for matrix products and convolutions, with weights in float32.
        optimizer: ``adamw`` or ``sgd``.
        schedule: Learning rates after the warm-up: ``constant``; ``cosine``, to zero; ``step``, a tenth after half of the
            steps and a hundredth after three quarters; ``one-cycle``, along a straight line to zero ([Smith2018]).
        warm_up: Share of the steps in which the learning rate rises along a straight line.
        momentum: Momentum of SGD.

    Raises:
        ValueError: A precision, optimiser or schedule is unknown, or the warm-up is not a share.
    """

    n_steps: int
    batch_size: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    clip_norm: float = 2.0
    seed: int = 0
    label_smoothing: float = 0.0
    average: float = 0.0
    precision: str = "float32"
    optimizer: str = "adamw"
    schedule: str = "cosine"
    warm_up: float = 0.1
    momentum: float = 0.9

    def __post_init__(self) -> None:
        keep_whole(self, n_steps=0, batch_size=1, seed=0)
        for name, known in (("precision", PRECISIONS), ("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
            if getattr(self, name) not in known:
                raise ValueError(f"unknown {name} {getattr(self, name)!r}; known: {', '.join(known)}")
        if not 0 <= self.warm_up <= 1:
            raise ValueError(f"warm_up is a share of the steps and must be between 0 and 1, got {self.warm_up}")

    def learning_rate_at(self, step: int) -> float:
        """Share of the peak learning rate in 0..1."""
        warm_up = int(self.n_steps * self.warm_up)
        if step < warm_up:
            return (step + 1) / warm_up
        return SCHEDULES[self.schedule](step - warm_up, max(1, self.n_steps - warm_up))

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that results depend on, to distinguish recipes in files; newer settings only if they are not default."""
        defaults = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if name not in LATE or value != defaults[name]}


class Optimizer:
    """An optimiser according to a recipe: it clips gradients, and follows the schedule of learning rates.

    It counts its own steps, so that one optimiser with its schedule can cover several stretches of training.

    Args:
        parameters: Parameters that are trained.
        recipe: Settings; its ``n_steps`` count all stretches together.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], recipe: Recipe) -> None:
        self.parameters, self.recipe, self.n_taken = list(parameters), recipe, 0
        how: dict[str, Any] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
        self.torch_optimizer: torch.optim.Optimizer
        if recipe.optimizer == "adamw":
            self.torch_optimizer = torch.optim.AdamW(self.parameters, **how)
        else:
            self.torch_optimizer = torch.optim.SGD(self.parameters, momentum=recipe.momentum, **how)

    def step(self) -> torch.Tensor:
        """Update the weights and clear their gradients; returns the norm of the gradients before they were clipped.

        Raises:
            ValueError: All steps of the schedule have been taken.
        """
        if self.n_taken >= self.recipe.n_steps:
            raise ValueError(
                f"the schedule ends after {self.recipe.n_steps} steps: n_steps of the optimiser's recipe must be their sum"
            )
        for group in self.torch_optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * self.recipe.learning_rate_at(self.n_taken)
        norm = nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip_norm)
        self.torch_optimizer.step()
        self.torch_optimizer.zero_grad()
        self.n_taken += 1
        return norm

    def also_train(self, twins: Mapping[nn.Parameter, nn.Parameter]) -> None:
        """Also train twins of parameters, each from the state of its original; splitting a supernet makes such twins."""
        for original, twin in twins.items():
            groups = self.torch_optimizer.param_groups
            next(group for group in groups if any(one is original for one in group["params"]))["params"].append(twin)
            self.parameters.append(twin)
            if original in self.torch_optimizer.state:
                self.torch_optimizer.state[twin] = deepcopy(self.torch_optimizer.state[original])

    def state_dict(self) -> dict[str, Any]:
        """The optimiser's own state, and the number of steps that it has taken."""
        return {"optimizer": self.torch_optimizer.state_dict(), "n_taken": self.n_taken}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from such a state."""
        self.torch_optimizer.load_state_dict(state["optimizer"])
        self.n_taken = int(state["n_taken"])
