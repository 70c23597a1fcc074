"""Supernets that are split in several ways during training, and how well they rank cells ([Hu2022]; see the package)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks import CellsProblem
from nastoolkit.families import Family
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import Supernets
from nastoolkit.systems.gradient_matching.splitting import LARGEST_CUT, RULES, disagreements, matched_split, random_split
from nastoolkit.tasks import Task
from nastoolkit.training import Optimizer, Recipe, Uniform, fit, targets_only

ONE_SHOT, RANDOM, EXHAUSTIVE, MATCHED = "one-shot", "random split", "exhaustive split", "gradient matching"
EQUAL_PASSES = "gradient matching, equal passes"
ARMS = (ONE_SHOT, RANDOM, EXHAUSTIVE, MATCHED, EQUAL_PASSES)


def rank_split_cells(
    problem: dict[str, Any],
    arm: str,
    seed: int,
    n_steps: int,
    split_after: Sequence[float],
    batch_size: int,
    learning_rate: float,
    n_repeats: int,
    rule: str,
    n_calibration: int,
    device: str,
) -> list[dict[str, Any]]:
    """Train a supernet, split its copies in between, and rank cells by their inherited accuracy; a job of a grid.

    Args:
        problem: Values of a :class:`nastoolkit.benchmarks.CellsProblem`.
        arm: One of ``ARMS``.
        seed: Seed of weights, data, paths and random splits.
        n_steps: Number of training steps; ``EQUAL_PASSES`` has fewer, by the number of passes for its splits.
        split_after: Shares of the steps after which all copies are split; ``EXHAUSTIVE`` only splits after the first one.
        batch_size: Number of examples in a step.
        learning_rate: Initial learning rate of SGD.
        n_repeats: Number of batches for comparing gradients, at least two.
        rule: See :func:`matched_split`.
        n_calibration: Number of training images that calibrate batch normalisation.
        device: Device for training.

    Returns:
        A row for each split: its ``level``, the number of the ``copy``, the ``choice``, the options ``kept`` together, and the
        ``seconds`` that it took. For gradient matching, a row for each pair of options of each choice before the first split:
        ``at``, ``one``, ``other``, and their mean distances on the ``first`` and the ``second`` half of the batches. Then one
        row with the numbers of training ``steps``, of ``passes`` including those for splits, and of ``leaves``; and a row for
        each cell: its number ``cell``, and with inherited weights on validation images its ``accuracy`` in % and
        ``likelihood``, the mean log-likelihood of the right classes in nats.

    Raises:
        ValueError: There is no such arm or rule, or no step is left for training.
    """
    for what, name, known in (("arm", arm, ARMS), ("rule", rule, RULES)):
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}; known: {', '.join(known)}")
    given = CellsProblem(**problem)
    supernets, is_matched = Supernets(given.family, seed=seed).to(device), arm in (MATCHED, EQUAL_PASSES)
    scored = passes_to_split(given.family, len(split_after), n_repeats) if is_matched else 0
    if (n_steps := n_steps - scored * (arm == EQUAL_PASSES)) < 1:
        raise ValueError(f"{scored} passes to find splits leave no step for training: give more steps, or fewer batches")
    how: dict[str, Any] = {"weight_decay": 2.5e-4, "clip_norm": 5.0, "optimizer": "sgd", "warm_up": 0.0}
    recipe = Recipe(n_steps, batch_size, learning_rate, seed=seed, **how)
    rows = list(_train(supernets, given.task, recipe, split_after, _Splitter(arm, given.task, recipe, n_repeats, rule)))
    rows.append({"steps": n_steps, "passes": n_steps + scored, "leaves": len(supernets.parts)})
    return rows + _judged(supernets, given, n_calibration)


def _judged(supernets: Supernets, problem: CellsProblem, n_calibration: int) -> list[dict[str, Any]]:
    """Results of cells with inherited weights on validation images: a row for each."""
    task, rows = problem.task, list[dict[str, Any]]()
    measure = Accuracy(supernets, task, n_calibration=n_calibration, progress=False)
    for number, cell in enumerate(problem.cells):
        (logits,), classes = measure.predictions(cell)
        likelihood = -float(task.loss(logits, classes))
        rows.append({"cell": number, "accuracy": task.score(logits, classes), "likelihood": likelihood})
    return rows


def train_split(
    supernets: Supernets,
    task: Task,
    recipe: Recipe,
    arm: str = EQUAL_PASSES,
    split_after: Sequence[float] = (0.2, 0.4),
    n_repeats: int = 10,
    rule: str = LARGEST_CUT,
) -> int:
    """Train in place and split on the way, in as many passes as the recipe has steps; see :func:`rank_split_cells`.

    Returns:
        The number of passes, with those of the splits, by which there are fewer steps.

    Raises:
        ValueError: No step is left for training.
    """
    is_matched = arm in (MATCHED, EQUAL_PASSES)
    scored = passes_to_split(supernets.family, len(split_after), n_repeats) if is_matched else 0
    if recipe.n_steps <= scored:
        raise ValueError(f"{scored} passes to find splits leave no step for training: give more steps, or fewer batches")
    own = replace(recipe, n_steps=recipe.n_steps - scored)
    list(_train(supernets, task, own, split_after, _Splitter(arm, task, own, n_repeats, rule)))
    return recipe.n_steps


def passes_to_split(family: Family, n_levels: int, n_repeats: int) -> int:
    """Number of passes that gradient matching needs to split all copies ``n_levels`` times; options share one path."""
    others = len(family.space.choices[0].options) - 1
    return n_repeats * sum(2**level * ((family.space.n_genes - level) * others + 1) for level in range(n_levels))


def _train(
    supernets: Supernets, task: Task, recipe: Recipe, split_after: Sequence[float], splitter: _Splitter
) -> Iterator[dict[str, Any]]:
    """Train in place, all sub-networks equally often, and report each split."""
    optimizer, n_stretches = Optimizer(supernets.parameters(), recipe), len(split_after) + 1
    ends = [0, *(round(share * recipe.n_steps) for share in split_after), recipe.n_steps]
    for level, (start, end) in enumerate(pairwise(ends)):
        own = replace(recipe, n_steps=end - start, seed=n_stretches * recipe.seed + level)
        paths = Uniform(supernets.family.space, seed=own.seed)
        fit(supernets, task, paths, targets_only, own, progress=False, optimizer=optimizer)
        if level < len(split_after):
            yield from splitter.split_all(supernets, optimizer, level)


@dataclass(frozen=True)
class _Splitter:
    """Splits copies according to an arm."""

    arm: str
    task: Task
    recipe: Recipe
    n_repeats: int
    rule: str

    def split_all(self, supernets: Supernets, optimizer: Optimizer, level: int) -> Iterator[dict[str, Any]]:
        """Split every copy in two, or the only one into a copy for each option of a choice; report the splits."""
        if self.arm == ONE_SHOT or (self.arm == EXHAUSTIVE and level > 0):
            return
        for number in range(len(supernets.parts)):
            start = process_time()
            name, groups, distances = self._found(supernets, number, level)
            for place, kept in enumerate(groups):
                owner = number if place == 0 else len(supernets.parts) - 1
                optimizer.also_train(supernets.split(owner, name, kept))
            told = {"level": level, "copy": number, "choice": name, "kept": ", ".join(map(str, groups[0]))}
            yield {**told, "seconds": process_time() - start}
            yield from _halves(supernets.family, distances) if level == 0 else []

    def _found(self, supernets: Supernets, number: int, level: int) -> tuple[str, list[list[Any]], dict[str, np.ndarray]]:
        """The choice to split, the options of all parts except the last, and distances, if they were measured."""
        space, seed, distances = supernets.family.space, self.recipe.seed, dict[str, np.ndarray]()
        if self.arm in (MATCHED, EQUAL_PASSES):
            distances = disagreements(supernets, number, self.task, self.n_repeats, self.recipe.batch_size, seed)
            name, group = matched_split({name: each.mean(axis=0) for name, each in distances.items()}, self.rule)
        else:
            name, group = random_split(supernets, number, np.random.default_rng([seed, level, number]))
        options = space.choices[space.names.index(name)].options
        groups = [[one] for one in options[:-1]] if self.arm == EXHAUSTIVE else [[options[place] for place in group]]
        return name, groups, distances


def _halves(family: Family, distances: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
    """Mean distances of all pairs of options, on both halves of the batches."""
    for choice in family.space.choices:
        if choice.name in distances:
            first, second = (half.mean(axis=0) for half in np.array_split(distances[choice.name], 2))
            for one, other in combinations(range(len(choice.options)), 2):
                names = {"at": choice.name, "one": choice.options[one], "other": choice.options[other]}
                yield {**names, "first": float(first[one, other]), "second": float(second[one, other])}


def repeatability(found: pd.DataFrame) -> pd.Series:
    """Correlation between distances on both halves of the batches, over all pairs of options of all choices.

    Args:
        found: Rows of :func:`rank_split_cells` of one arm, with ``task``.

    Returns:
        The correlation, by task and seed.
    """
    pairs = found.dropna(subset="first").groupby(["task", "seed"], sort=False)
    return pairs[["first", "second"]].apply(lambda own: own["first"].corr(own["second"])).rename("repeatability")


def mean_distances(found: pd.DataFrame) -> pd.DataFrame:
    """Distance of each pair of options, averaged over choices, seeds and batches; see :func:`repeatability`."""
    pairs = found.dropna(subset="first")
    means = pairs[["first", "second"]].mean(axis=1).groupby([pairs.one, pairs.other], sort=False).mean()
    options = list(dict.fromkeys([*pairs.one, *pairs.other]))
    both = pd.concat([means, means.swaplevel()])
    return both.unstack(fill_value=0.0).reindex(index=options, columns=options)
