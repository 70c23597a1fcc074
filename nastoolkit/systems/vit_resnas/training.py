"""Supernets trained along many sub-networks a pass, or along one, while options open and channels are sorted ([Liao2021])."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import floor

import numpy as np

from nastoolkit.space import SearchSpace
from nastoolkit.supernets import Supernet
from nastoolkit.support.counts import keep_whole
from nastoolkit.systems.vit_resnas.masked import RowMasked
from nastoolkit.tasks import Task
from nastoolkit.training import (
    Fixed,
    Optimizer,
    PathSampler,
    Recipe,
    Sandwich,
    Uniform,
    fit,
    in_place_distillation,
    sort_channels,
    targets_only,
)

MANY, ONE, SANDWICH = "many in one pass", "one a pass", "sandwich, equal passes"
ARMS = (ONE, MANY, SANDWICH)
SANDWICH_PASSES = 4  # the largest, the smallest and two random ones


@dataclass(frozen=True)
class ManyInOnePass:
    """As many sub-networks as asked, which share the rows of one pass; a step's options of a choice are as even as can be.

    Each choice deals its options out in an order of its own ([Liao2021], Section 3.3).

    Attributes:
        space: Where to draw from.
        n_paths: Number of sub-networks.
        seed: Seed of the draws.
    """

    space: SearchSpace
    n_paths: int
    seed: int = 0

    def __post_init__(self) -> None:
        keep_whole(self, n_paths=1, seed=0)

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """One path of several sub-networks ``(n_paths, d)``; see :class:`nastoolkit.training.PathSampler`."""
        rng = np.random.default_rng([self.seed, step])
        dealt = [rng.permutation(np.resize(rng.permutation(options), self.n_paths)) for options in self.space.allowed]
        return [(self.space.canonical(np.stack(dealt, axis=1)), 1.0)]


def opened(space: SearchSpace, share: float) -> SearchSpace:
    """The space after a share of the warm-up: the largest 1 + floor(share (k - 1)) of each choice's k options."""
    kept = {}
    for choice in space.choices:
        n = 1 + floor(share * (len(choice.options) - 1) + 1e-9)
        kept[choice.name] = sorted(choice.options, reverse=True)[:n]
    return space.restrict(kept)


def stretches(space: SearchSpace, n_steps: int, warm_up: float) -> list[tuple[SearchSpace, int]]:
    """Parts of the training with the spaces that are open, and their numbers of steps: the last one has the whole space.

    Args:
        space: What is trained.
        n_steps: Number of steps of all.
        warm_up: Share of the steps in which options open, one after the other.

    Raises:
        ValueError: The warm-up has fewer steps than options to open.
    """
    n = max(len(choice.options) for choice in space.choices) - 1
    ends = [round(n_steps * warm_up * part / n) for part in range(n + 1)]
    if len(set(ends)) < len(ends):
        raise ValueError(f"a warm-up of {ends[-1]} steps is too short to open {n} options, one after the other")
    parts = [(opened(space, part / n), ends[part + 1] - ends[part]) for part in range(n)]
    return [*parts, (space, n_steps - ends[-1])]


def paths_of(arm: str, space: SearchSpace, n_paths: int, seed: int) -> PathSampler:
    """The sampler of an arm in a space, which is the largest sub-network alone where nothing else is open."""
    if space.size == 1:
        return Fixed(space.largest)
    if arm == SANDWICH:
        return Sandwich(space, SANDWICH_PASSES - 2, seed)
    return ManyInOnePass(space, n_paths, seed) if arm == MANY else Uniform(space, seed=seed)


def check_rows(n_paths: int, batch_size: int) -> None:
    """Refuse a pass of more sub-networks than a batch has rows.

    Raises:
        ValueError: It is one.
    """
    if batch_size < n_paths:
        raise ValueError(f"{n_paths} sub-networks cannot share a batch of {batch_size} rows")


def train(
    supernet: RowMasked, task: Task, arm: str, recipe: Recipe, warm_up: float, n_paths: int
) -> Iterator[tuple[PathSampler, np.ndarray]]:
    """Train in place; channels and heads are sorted by importance whenever options open.

    Args:
        supernet: What is trained.
        task: Gives the data; the same for all arms.
        arm: One of ``ARMS``. ``SANDWICH`` takes fewer steps, so that it makes as many passes.
        recipe: Its steps are the passes of an arm, all of them.
        warm_up: See :func:`stretches`.
        n_paths: Number of sub-networks in a pass of ``MANY``.

    Returns:
        For each stretch its sampler, and the losses of its steps.

    Raises:
        ValueError: There is no such arm, the warm-up is too short, or a batch has fewer rows than a pass has sub-networks.
    """
    if arm not in ARMS:
        raise ValueError(f"unknown arm {arm!r}; known: {'; '.join(ARMS)}")
    if arm == MANY:
        check_rows(n_paths, recipe.batch_size)
    parts = [_steps(arm, space, n) for space, n in stretches(supernet.family.space, recipe.n_steps, warm_up)]
    optimizer = Optimizer(supernet.parameters(), replace(recipe, n_steps=sum(n for _, n in parts)))
    criterion = in_place_distillation if arm == SANDWICH else targets_only
    for number, (space, n_steps) in enumerate(parts):
        sort_channels(supernet, optimizer)
        own = replace(recipe, n_steps=n_steps, seed=len(parts) * recipe.seed + number)
        sampler = paths_of(arm, space, n_paths, own.seed)
        yield sampler, fit(supernet, task, sampler, criterion, own, progress=False, optimizer=optimizer)


def _steps(arm: str, space: SearchSpace, n: int) -> tuple[SearchSpace, int]:
    return space, max(1, n // SANDWICH_PASSES) if arm == SANDWICH and space.size > 1 else n


def training_macs(supernet: Supernet, sampler: PathSampler, n_steps: int, batch_size: int) -> int:
    """Multiply-accumulates of the forward passes of some steps; many in one pass cost as much as the largest."""
    family, total = supernet.family, 0
    for step in range(n_steps):
        for genotype, _ in sampler.draw(step):
            total += int(family.macs(family.largest if genotype.ndim == 2 else genotype)) * batch_size
    return total
