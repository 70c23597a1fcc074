"""The choice at which a copy of a supernet is split: by the gradients of options, or at random ([Hu2022]; see the package)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations

import numpy as np
import torch

from nastoolkit.supernets import Supernets
from nastoolkit.tasks import Task
from nastoolkit.training.probes import cosines, gradients

LARGEST_CUT, SMALLEST_WITHIN = "largest cut", "smallest distance within"
RULES = (LARGEST_CUT, SMALLEST_WITHIN)
UNSEEN = 10**6  # number of a step that no training reaches

Distances = Mapping[str, np.ndarray]  # by names of choices


def whole_choices(supernets: Supernets, number: int) -> list[str]:
    """Names of the choices of which a copy has all options, at least two.

    Raises:
        ValueError: There are none, so the copy cannot be split.
    """
    space = supernets.family.space
    kept = zip(space.choices, space.restrict(supernets.parts[number]).allowed, strict=True)
    if not (names := [choice.name for choice, options in kept if 1 < len(options) == len(choice.options)]):
        raise ValueError(f"copy {number} cannot be split: no choice has two options or more, all of them left")
    return names


def disagreements(
    supernets: Supernets, number: int, task: Task, n_repeats: int, batch_size: int = 64, seed: int = 0
) -> dict[str, np.ndarray]:
    """How much the gradients of options point in different directions ([Hu2022]).

    Each repeat has its own training batch and path, in which one choice at a time takes each of its options. Gradients are
    those of the copy's weights, without the blocks of the choice itself.

    Args:
        supernets: Supernet, whose weights and statistics stay unchanged.
        number: Number of the copy.
        task: Task with the batches and the loss.
        n_repeats: Number of repeats.
        batch_size: Number of examples in a batch.
        seed: Seed of batches and paths.

    Returns:
        One minus the cosine ``(n_repeats, k, k)`` of each pair of options, by the names of whole choices.

    Raises:
        ValueError: The copy cannot be split.
    """
    names, was_training = whole_choices(supernets, number), supernets.training
    supernets.train()
    repeats = [_one_repeat(supernets, number, names, task, batch_size, [seed, repeat]) for repeat in range(n_repeats)]
    supernets.train(was_training)
    return {name: np.stack([found[name] for found in repeats]) for name in names}


def _one_repeat(
    supernets: Supernets, number: int, names: Sequence[str], task: Task, batch_size: int, seeds: list[int]
) -> dict[str, np.ndarray]:
    """Distances ``(k, k)`` on one batch, around one path."""
    family, copy, found = supernets.family, supernets.shared.get_submodule(str(number)), {}
    (path,) = family.space.restrict(supernets.parts[number]).sample(1, np.random.default_rng(seeds))
    batch = task.batch(UNSEEN + seeds[1], batch_size, seeds[0]).at(family.input_shape(path))
    batch = batch.to(next(supernets.parameters()).device)

    @cache  # all choices share the path itself
    def gradients_of(genes: tuple[int, ...]) -> dict[str, torch.Tensor]:
        return gradients(task.loss(supernets(batch.inputs, np.array(genes)), batch.targets), copy)

    for name in names:
        own = tuple(f"{slot.name}." for slot in family.slots if name in slot.choices)
        samples = [gradients_of(tuple(genes)) for genes in _with_each_option(supernets, path, name)]
        found[name] = 1 - cosines([{key: g for key, g in one.items() if not key.startswith(own)} for one in samples])
    return found


def _with_each_option(supernets: Supernets, path: np.ndarray, name: str) -> list[list[int]]:
    space = supernets.family.space
    gene = space.names.index(name)
    return [[*path[:gene].tolist(), option, *path[gene + 1 :].tolist()] for option in range(len(space.choices[gene].options))]


def best_partition(distances: np.ndarray) -> tuple[list[int], float, float]:
    """The two groups of options with the least distances within them ([Hu2022]).

    If there are four or more options, a group has at least two.

    Args:
        distances: Distance of each pair of options ``(k, k)``.

    Returns:
        The options of the smaller group; the sum of distances between the groups, which is the cut; and the sum within them.

    Raises:
        ValueError: There is only one option.
    """
    n = len(distances)
    if n < 2:
        raise ValueError(f"a split needs at least two options, got {n}")
    pairs = {group: _within(distances, group) for group in _groups(n)}
    best = min(pairs, key=lambda group: pairs[group])
    return list(best), float(np.triu(distances, 1).sum() - pairs[best]), pairs[best]


def _groups(n: int) -> list[tuple[int, ...]]:
    """All smaller groups of n options."""
    sizes = range(min(2, n // 2), n // 2 + 1)
    return [group for size in sizes for group in combinations(range(n), size)]


def _within(distances: np.ndarray, group: Sequence[int]) -> float:
    """Sum of the distances of all pairs on the same side."""
    inside = np.isin(np.arange(len(distances)), group)
    return float(np.triu(distances * (inside[:, None] == inside), 1).sum())


def matched_split(distances: Distances, rule: str = LARGEST_CUT) -> tuple[str, list[int]]:
    """The choice to split, and the options of one side.

    Args:
        distances: Mean distance of each pair of options ``(k, k)``, by choices.
        rule: ``LARGEST_CUT``, or ``SMALLEST_WITHIN``, as in the released code for the space of DARTS.

    Raises:
        ValueError: There is no such rule.
    """
    if rule not in RULES:
        raise ValueError(f"unknown rule {rule!r}; known: {', '.join(RULES)}")
    found = {name: best_partition(matrix) for name, matrix in distances.items()}
    best = max(found, key=lambda name: found[name][1] if rule == LARGEST_CUT else -found[name][2])
    return best, found[best][0]


def random_split(supernets: Supernets, number: int, rng: np.random.Generator) -> tuple[str, list[int]]:
    """A random whole choice of a copy, and a random one of the groups of its options that :func:`best_partition` considers."""
    name = str(rng.choice(whole_choices(supernets, number)))
    choice = supernets.family.space.choices[supernets.family.space.names.index(name)]
    groups = _groups(len(choice.options))
    return name, list(groups[rng.integers(len(groups))])
