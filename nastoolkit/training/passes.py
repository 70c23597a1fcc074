"""The passes of a training step: every path forward and backward, each at its own input size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import device_of
from nastoolkit.randomness import drawn_from
from nastoolkit.supernets import Supernet
from nastoolkit.taps import parts_of, taps
from nastoolkit.tasks import Split, Task
from nastoolkit.tasks.base import each_tensor
from nastoolkit.tasks.fitting import check_inputs
from nastoolkit.training.distributed import n_processes, rank, replicated, share
from nastoolkit.training.losses import Criterion, Step
from nastoolkit.training.probes import Gradients, gradients_in, named_weights
from nastoolkit.training.recipe import PRECISIONS, Recipe
from nastoolkit.training.samplers import PathSampler


class Passes:
    """Runs the paths of a step, and adds up their gradients.

    Args:
        supernet: Supernet that is trained.
        task: Gives the loss.
        sampler: Draws the paths; see :class:`nastoolkit.training.samplers.LearningSampler` for what else it can do.
        criterion: Turns the task's loss into the loss of a path.
        recipe: Label smoothing and precision.

    Raises:
        ValueError: The criterion asks for a block that no network has.
    """

    def __init__(self, supernet: Supernet, task: Task, sampler: PathSampler, criterion: Criterion, recipe: Recipe) -> None:
        self.supernet, self.network, self.sampler = supernet, replicated(supernet), sampler
        self.task, self.recipe = task, recipe
        self.path_loss = criterion(partial(task.loss, label_smoothing=recipe.label_smoothing))
        self.features = _known_blocks(supernet, getattr(criterion, "features", ()))
        self.probe: Callable[[Step, Gradients], Any] | None = getattr(sampler, "probe", None)
        self._weights = {} if self.probe is None else named_weights(supernet)
        self.shares_rows: bool = getattr(sampler, "shares_rows", False)
        self._autocast = partial(
            torch.autocast, device_of(supernet).type, PRECISIONS[recipe.precision], enabled=recipe.precision != "float32"
        )

    def step(self, number: int) -> tuple[list[torch.Tensor], list[Any]]:
        """Run the paths of a step on this process's share of its batch; see :meth:`__call__`.

        Raises:
            ValueError: The batch cannot be shared evenly or does not fit the family's networks, or the sampler draws rows
                although several processes train.
        """
        batch = share(self._batch(number)).to(device_of(self.supernet))
        check_inputs(self.supernet.family, self.task, batch.inputs)
        with drawn_from(_seed(self.recipe.seed, number)):
            return self(number, batch)

    def __call__(self, number: int, batch: Split) -> tuple[list[torch.Tensor], list[Any]]:
        """Run the paths of a step; returns each one's loss ``()``, and what the sampler's probe says about its gradients."""
        first, losses, probes = None, [], []
        paths = self.sampler.draw(number)
        for place, ((genotype, weight), part) in enumerate(zip(paths, self._parts(batch, len(paths)), strict=True)):
            shape, features = self.supernet.family.input_shape(np.atleast_2d(genotype)[0]), dict[str, Any]()
            images = part.at(shape)
            with self._taps(genotype, features), self._autocast():
                outputs = self.network(images.inputs, genotype)
                step = Step(outputs, images.targets, images.inputs, genotype, first, number, place, images.rows, features)
                loss = self.path_loss(step)
            probes.append(self._backward(step, weight * loss))
            losses.append(loss.detach())
            if first is None and not self.shares_rows:
                first = each_tensor(outputs, torch.Tensor.detach)
        return losses, probes

    def _batch(self, number: int) -> Split:
        """The whole batch of a step, with the rows that the sampler draws, if it does."""
        size, seed = self.recipe.batch_size, self.recipe.seed
        if not hasattr(self.sampler, "rows"):
            return self.task.batch(number, size, seed)
        if n_processes() > 1:
            raise ValueError(f"a sampler that draws training examples works in one process, and there are {n_processes()}")
        return self.task.batch(number, size, seed, self.sampler.rows(number, size))

    def _parts(self, batch: Split, n: int) -> list[Split]:
        """The part of the batch that each of n paths sees."""
        if not self.shares_rows:
            return [batch] * n
        if len(batch) < n:
            raise ValueError(f"{n} paths cannot share a batch of {len(batch)} rows")
        return [batch[place::n] for place in range(n)]

    def _taps(self, genotype: np.ndarray, features: dict[str, Any]) -> AbstractContextManager[None]:
        if not self.features:
            return nullcontext()
        return taps(_parts(self.supernet.blocks(genotype), self.features), features.__setitem__)

    def _backward(self, step: Step, loss: torch.Tensor) -> Any:
        """Add the gradients of a path; if the sampler has a probe, it sees only those of this path."""
        if self.probe is None:
            return loss.backward()
        before = gradients_in(self._weights)
        for name in before:
            self._weights[name].grad = None
        loss.backward()
        found = self.probe(step, gradients_in(self._weights))
        for name, gradient in before.items():
            own = self._weights[name].grad
            self._weights[name].grad = gradient if own is None else gradient.add_(own)
        return found


def _seed(seed: int, step: int) -> int:
    """Seed of dropout, which depends only on the step and the process."""
    return int(np.random.SeedSequence([seed, step, rank()]).generate_state(1)[0])


def _known_blocks(supernet: Supernet, names: tuple[str, ...]) -> set[str]:
    known = [slot.name for slot in supernet.family.slots]
    if unknown := sorted(name for name in set(names) if _block_of(name, known) is None):
        raise ValueError(f"no network of {supernet.family.name!r} has a block {unknown[0]!r}; there are {', '.join(known)}")
    return set(names)


def _block_of(name: str, blocks: Iterable[str]) -> str | None:
    """The block that a name means, or of which it means a part."""
    return next((block for block in blocks if f"{name}.".startswith(f"{block}.")), None)


def _parts(blocks: Mapping[str, nn.Module], names: Iterable[str]) -> dict[str, nn.Module]:
    """The named blocks and parts of blocks that a network has."""
    owners = {name: block for name in names if (block := _block_of(name, blocks)) is not None}
    inner = {name: name.removeprefix(block).removeprefix(".") for name, block in owners.items()}
    return {name: parts_of(blocks[block], [inner[name]])[inner[name]] for name, block in owners.items()}
