"""Progressive shrinking: train the largest sub-network, then let kernels, depths and widths shrink, one after the other.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020, Section 3.3.

Differs from the paper in: the teacher is the largest sub-network as it trains, not a frozen copy of it; a stage opens all
options of a kind at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nastoolkit.blocks import HiddenChannels
from nastoolkit.space import SearchSpace
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Task
from nastoolkit.training.fit import fit
from nastoolkit.training.losses import Criterion
from nastoolkit.training.recipe import Optimizer, Recipe
from nastoolkit.training.run import restored_on_interrupt
from nastoolkit.training.samplers import Fixed, PathSampler

SHRINKING_WIDTHS = ("expand", "width", "mid_width", "dim", "embed_dim", "ffn", "ratio", "heads", "self_heads", "cross_heads")
KINDS = (("kernel",), ("depth", "layers", "among"), SHRINKING_WIDTHS)  # of [Cai2020], in its order
INPUTS = ("resolution", "bursts", "packets", "places", "facts")  # how much of its inputs a network sees
ALWAYS_OPEN = (*INPUTS, "cross_attention")  # what shares weights with itself alone


@dataclass(frozen=True)
class Stage:
    """A stage of training on a part of the space.

    Attributes:
        name: Name of the file that keeps its run.
        space: The restricted space.
        sort_channels: Whether channels are renumbered by importance before the stage, because widths are about to shrink.
    """

    name: str
    space: SearchSpace
    sort_channels: bool = False


def progressive_shrinking(space: SearchSpace, kinds: Sequence[Sequence[str]] = KINDS) -> list[Stage]:
    """The stages of a space: its largest sub-network, then elastic kernels, depths and widths, if it has them.

    Args:
        space: Space that is trained. Operations and other choices without an order are always open, and so is how much of its
            inputs a network sees, such as the resolution.
        kinds: Kinds of choices that open together, in the order in which they open.

    Raises:
        ValueError: A choice has none of these kinds.
    """
    known = {*ALWAYS_OPEN, *(name for kind in kinds for name in kind)}
    unknown = sorted({choice.kind for choice in space.choices if choice.ordered and len(choice.options) > 1} - known)
    if unknown:
        raise ValueError(
            f"progressive shrinking opens choices of the kinds {sorted(known)}, not {unknown}: name them in kinds"
        )
    kinds = [kind for kind in kinds if any(choice.kind in kind for choice in space.choices)]
    stages = [Stage("largest", _largest_of(space, {name for kind in kinds for name in kind}))]
    for number, kind in enumerate(kinds, start=1):
        closed = {name for later in kinds[number:] for name in later}
        stages.append(Stage(kind[0], _largest_of(space, closed), sort_channels=kind == SHRINKING_WIDTHS))
    return stages


def _largest_of(space: SearchSpace, kinds: set[str]) -> SearchSpace:
    return space.restrict({choice.name: [max(choice.options)] for choice in space.choices if choice.kind in kinds})


def fit_stages(
    supernet: Supernet,
    task: Task,
    stages: list[Stage],
    sampler: Callable[[SearchSpace], PathSampler],
    criterion: Criterion,
    recipes: list[Recipe],
    folder: str | Path | None = None,
    progress: bool = True,
    one_optimizer: bool = False,
) -> np.ndarray:
    """Train through stages, each a :func:`fit` with its own recipe and a sampler of its space.

    Args:
        supernet: Supernet, which is trained in place.
        task: Gives the data.
        stages: Stages, such as :func:`progressive_shrinking` makes.
        sampler: Makes the sampler of a stage, e.g. ``Sandwich``.
        criterion: Turns the task's loss into the loss of a path.
        recipes: A recipe for each stage.
        folder: Folder that keeps every stage's run, so that a killed training can continue.
        progress: Whether to show a bar.
        one_optimizer: Whether one optimiser, with one schedule over the steps of all recipes, is used in all stages.

    Returns:
        Losses of the first path at every step of all stages.

    Raises:
        ValueError: One optimiser is wanted, but recipes differ in more than their steps.
    """
    losses, optimizer = [], _through_all(supernet, recipes) if one_optimizer else None
    with restored_on_interrupt(supernet, folder is not None):
        for stage, recipe in zip(stages, recipes, strict=True):
            if stage.sort_channels:
                sort_channels(supernet, optimizer)
            file = Path(folder) / f"{stage.name}.pt" if folder else None
            paths = sampler(stage.space) if stage.space.size > 1 else Fixed(stage.space.largest)
            losses.append(fit(supernet, task, paths, criterion, recipe, progress, file, optimizer))
    return np.concatenate(losses)


def _through_all(supernet: Supernet, recipes: list[Recipe]) -> Optimizer:
    if len({replace(recipe, n_steps=0) for recipe in recipes}) > 1:
        raise ValueError("recipes of stages with one optimiser differ in n_steps alone")
    return Optimizer(supernet.parameters(), replace(recipes[0], n_steps=sum(recipe.n_steps for recipe in recipes)))


@torch.no_grad()
def sort_channels(supernet: Supernet, optimizer: Optimizer | None = None) -> None:
    """Renumber hidden channels, the most important first, so that slices keep these; the largest sub-network stays the same.

    The importance of a channel is the L1 norm of the weights that read it ([Cai2020], Section 3.3). If there are several
    copies of the weights, each has its own order.

    Args:
        supernet: Supernet, which is changed in place.
        optimizer: Optimiser that continues with these weights; its state of each weight is renumbered too.

    Raises:
        ValueError: Layers have several experts, whose orders differ.
    """
    if any(name.endswith(".experts") for name, _ in supernet.shared.named_modules()):
        raise ValueError("channels of a mixture of experts have no common order of importance: train it without sorting them")
    moments = optimizer.torch_optimizer.state if optimizer else {}
    for (name, spec), weights in product(supernet.family.plan(supernet.family.largest), supernet.copies.values()):
        for channels in getattr(spec, "hidden_channels", ()):
            _sort(dict(weights.get_submodule(name).state_dict(keep_vars=True)), channels, moments)


def _sort(tensors: dict[str, torch.Tensor], channels: HiddenChannels, moments: Mapping[Any, Any]) -> None:
    name, dim = channels.ranked_by
    others = [d for d in range(tensors[name].dim()) if d != dim]
    importance = tensors[name].abs().sum(others).unflatten(0, (-1, channels.group)).sum(1)
    numbers = torch.arange(tensors[name].shape[dim], device=importance.device).view(-1, channels.group)
    order = numbers[importance.argsort(descending=True, stable=True)].flatten()
    for name, dim in (channels.ranked_by, *channels.others):
        weight = tensors[name]
        kept = moments[weight].values() if weight in moments else ()
        for tensor in (weight, *(moment for moment in kept if moment.shape == weight.shape)):
            tensor.copy_(tensor.index_select(dim, order))
