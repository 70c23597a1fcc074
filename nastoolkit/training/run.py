"""A training run that can be killed: weights, optimiser and averages after some steps, in memory and in a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nastoolkit.support.counts import keep_whole
from nastoolkit.support.files import atomically, check_output
from nastoolkit.support.interrupts import uninterrupted
from nastoolkit.training.distributed import rank

SAVE_SECONDS = 30.0
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Recipe:
    """Optimisation settings: AdamW with a linear warm-up over a tenth of the steps, then a cosine to zero.

    Attributes:
        n_steps: Optimiser steps; each runs every path that the sampler draws, on the same batch.
        batch_size: Inputs a step, over all processes.
        learning_rate: At its peak.
        clip_norm: Bound on the norm of all gradients together.
        seed: For the data and dropout.
        label_smoothing: Share of a target given to all classes.
        average: Decay of an exponential moving average of the weights, which becomes the result; 0 keeps the last weights.
        precision: ``float32``, or ``bfloat16`` for matrix products and convolutions, weights staying in float32.
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

    def __post_init__(self) -> None:
        keep_whole(self, n_steps=0, batch_size=1, seed=0)
        if self.precision not in PRECISIONS:
            raise ValueError(f"unknown precision {self.precision!r}; known: {', '.join(PRECISIONS)}")

    def learning_rate_at(self, step: int) -> float:
        """Share of the peak learning rate in 0..1."""
        warm_up = self.n_steps // 10
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + cos(pi * (step - warm_up) / max(1, self.n_steps - warm_up)))


class Run:
    """Weights in training, with all that the next step depends on.

    Args:
        network: Trained in place.
        recipe: Its settings.
        identity: What must be the same for the run to go on, the recipe included; JSON types.
        file: Where the run is kept, at most every half minute and at its end; it goes on from there if the file exists.

    Raises:
        ValueError: The file is of another run, or damaged.
        OSError: The file cannot be written.
    """

    def __init__(
        self, network: nn.Module, recipe: Recipe, identity: Mapping[str, Any], file: str | Path | None = None
    ) -> None:
        self.network, self.recipe = network, recipe
        self.identity, self.file = dict(identity), Path(file) if file else None
        self.optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
        self.average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average)) if recipe.average else None
        self.losses = torch.zeros(recipe.n_steps, dtype=torch.float64)
        self.step, self._saved, self._is_whole = 0, monotonic(), True
        if self.file and rank() == 0:
            check_output(self.file)
        if self.file and self.file.exists():
            self._load(self.file)

    def update(self, loss: float) -> None:
        """One optimiser step with the gradients as they are."""
        with uninterrupted():
            self._is_whole = False
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.learning_rate * self.recipe.learning_rate_at(self.step)
            nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
            self.optimizer.step()
            self.optimizer.zero_grad()
            if self.average:
                self.average.update_parameters(self.network)
            self.losses[self.step] = loss
            self.step += 1
            self._is_whole = True
        if self.step == self.recipe.n_steps or monotonic() - self._saved > SAVE_SECONDS:
            self._save()

    def stop(self) -> str:
        """Keep the run after an interrupt, unless an update of the weights broke off; a sentence on how to go on."""
        at = f"interrupted after step {self.step} of {self.recipe.n_steps}"
        if self.file is None:
            return f"{at}, and no file keeps the run: with resume=FILE a second call would go on"
        if self._is_whole:
            self._save()
        return f"{at}: run the same again, and it goes on with what {self.file} keeps"

    def finish(self) -> None:
        """Put the averaged weights, if the recipe averages, in place of the last ones."""
        if self.average:
            self.network.load_state_dict(self.average.module.state_dict())

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        return {**state, "average": self.average.state_dict()} if self.average else state

    def _save(self) -> None:
        if self.file and rank() == 0:
            with atomically(self.file) as new:
                torch.save({"identity": self.identity, "step": self.step, "losses": self.losses, **self._state()}, new)
        self._saved = monotonic()

    def _load(self, file: Path) -> None:
        try:
            self._take(torch.load(file, map_location="cpu", weights_only=True), file)
        except ValueError:
            raise
        except Exception as error:  # damage leads PyTorch to errors of many types
            raise ValueError(f"{file} is no training run that can be read; delete it to start anew: {error!r}") from error

    def _take(self, state: Mapping[str, Any], file: Path) -> None:
        theirs, ours = state["identity"], self.identity
        if other := [name for name in ours if theirs.get(name) != ours[name]]:
            listed = "; ".join(f"{name} was {theirs.get(name)!r}, is {ours[name]!r}" for name in other)
            raise ValueError(f"{file} is of another run ({listed}); delete it to start anew")
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.losses.copy_(state["losses"])
        self.step = int(state["step"])


@contextmanager
def restored_on_interrupt(network: nn.Module, is_kept: bool) -> Iterator[None]:
    """Put the weights back after an interrupt if a file keeps the run: it goes on only from the weights that it began with."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()} if is_kept else {}
    try:
        yield
    except KeyboardInterrupt:
        if is_kept:
            network.load_state_dict(before)
        raise
