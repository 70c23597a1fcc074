"""Neural Architecture Transfer: a supernet is adapted to a task during the search.

[Lu2021] Z. Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, arXiv 2005.05859.

The shared weights are trained along the first sub-networks, which are then measured and form the archive. In each iteration,
the search of :mod:`nastoolkit.search.nat` proposes candidates to measure; the best of both are kept, spread over reference
directions; the weights are trained along sub-networks with the option frequencies of the kept ones; and these are measured
again, as their accuracies have changed.

Differs from the paper in: what :mod:`nastoolkit.search.nat` says; the recipe is that of :class:`nastoolkit.training.Recipe`,
AdamW where the paper has SGD. The caller has to give the supernet a head for the task's classes
(:func:`nastoolkit.supernets.with_new_head`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.search.nat import NAT
from nastoolkit.search.nsga3 import spread
from nastoolkit.search.sampling import sample_new
from nastoolkit.space import SearchSpace, genotype_keys
from nastoolkit.studies import optimize
from nastoolkit.studies.evaluation import Evaluate
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Task
from nastoolkit.training import ArchiveFrequencies, Optimizer, PathSampler, Recipe, fit, in_place_distillation
from nastoolkit.training.run import restored_on_interrupt

Sampler = Callable[[SearchSpace, np.ndarray, int], PathSampler]


@dataclass(frozen=True)
class Iteration:
    """Result of one iteration.

    Attributes:
        archive: Sub-networks at its start, measured with the weights at that time.
        candidates: Sub-networks that its search measured with the same weights.
        kept: Sub-networks of both that were kept for its training.
        losses: Losses of the training, one for each step.
    """

    archive: History
    candidates: History
    kept: History
    losses: np.ndarray


@dataclass(frozen=True)
class Transferred:
    """The result of a transfer; the adapted weights are in the supernet.

    Attributes:
        history: Final archive, measured with the adapted weights.
        iterations: Results of all iterations.
    """

    history: History
    iterations: tuple[Iteration, ...]


def transfer(
    supernet: Supernet,
    task: Task,
    evaluate: Evaluate,
    objectives: Sequence[Objective],
    recipe: Recipe,
    sampler: Sampler = ArchiveFrequencies,
    n_iterations: int = 30,
    n_first: int = 100,
    n_archive: int = 300,
    population: int = 100,
    seed: int = 0,
    folder: str | Path | None = None,
    progress: bool = True,
    **settings: Any,
) -> Transferred:
    """Search a supernet for networks for a task, and adapt its weights to those that the search keeps.

    With a folder, a killed run that is restarted with the same initial supernet continues to the identical result.

    Args:
        supernet: Supernet to search, in its family's space; it is trained in place.
        task: Task with the training data.
        evaluate: Function from genotypes ``(n, d)`` to raw values ``(n, m')`` with the supernet's current weights, such as
            :class:`nastoolkit.measurements.Accuracy`; a column for each objective without ``exact``.
        objectives: Objectives to optimise; 2 to 12 in [Lu2021].
        recipe: Recipe of the training in one iteration, and of that along the first sub-networks; each has its own seed, and
            one optimiser and its schedule go through all of them.
        sampler: Function that makes a training's sampler from ``(space, genotypes (n, d) to train along, seed)``.
        n_iterations: Number of searches and trainings, after the training along the first sub-networks.
        n_first: Number of sub-networks in the first archive: the smallest, the largest and random ones.
        n_archive: Largest number of sub-networks that an iteration keeps.
        population: Number of candidates that an iteration measures.
        seed: Random seed of everything except the supernet's weights.
        folder: Folder that keeps measurements and trainings.
        progress: Whether to show a progress bar of the iterations.
        **settings: Settings of :class:`nastoolkit.search.nat.NAT`.

    Raises:
        ValueError: There is no iteration, there are fewer than 2 first sub-networks or none to keep, or the search cannot
            take the objectives.
        EvaluationError: Too many evaluations fail.
    """
    if min(n_iterations, n_archive) < 1 or n_first < 2:
        raise ValueError(
            f"n_iterations and n_archive must be at least 1, n_first at least 2: {n_iterations}, {n_archive}, {n_first}"
        )
    space, iterations = supernet.family.space, list[Iteration]()
    search = partial(NAT, space, objectives, population=population, **settings)
    search()  # raises an error for what it cannot take
    optimizer = Optimizer(supernet.parameters(), replace(recipe, n_steps=(n_iterations + 1) * recipe.n_steps))

    def file(name: str) -> Path | None:
        return None if folder is None else Path(folder) / name

    def measured(genotypes: np.ndarray) -> History:
        """Evaluations that did not fail, with the weights after the trainings so far."""
        if not len(genotypes):  # the space is used up
            return History(space, tuple(objectives), genotypes, np.empty((0, len(objectives))))
        store, n = file(f"weights{len(iterations)}.sqlite"), len(genotypes)
        history = optimize(space, evaluate, objectives, "random", n, store=store, progress=False, warm_start=genotypes)
        return history[~history.failed]

    def seed_of(number: int) -> int:
        return int(np.random.default_rng([seed, number]).integers(2**31))

    def trained(genotypes: np.ndarray, number: int) -> np.ndarray:
        """Losses of the training along some sub-networks; number 0 is the training along the first ones."""
        paths, own_recipe = sampler(space, genotypes, seed_of(number)), replace(recipe, seed=seed_of(number))
        resume = file(f"training{number}.pt")
        return fit(supernet, task, paths, in_place_distillation, own_recipe, False, resume, optimizer)

    with restored_on_interrupt(supernet, folder is not None):
        first = first_subnetworks(space, n_first, seed)
        trained(first, 0)
        archive = measured(first)
        for number in tqdm(range(1, n_iterations + 1), "transfer", disable=not progress):
            candidates = measured(_asked(search(seed=seed_of(number)), archive))
            kept = _kept(archive, candidates, n_archive, seed_of(number))
            iterations.append(Iteration(archive, candidates, kept, trained(kept.genotypes, number)))
            archive = measured(kept.genotypes)
    return Transferred(archive, tuple(iterations))


def first_subnetworks(space: SearchSpace, n: int, seed: int = 0) -> np.ndarray:
    """The smallest, the largest and random genotypes, ``(n, d)`` in all; fewer if the space has no more."""
    ends = np.unique([space.smallest, space.largest], axis=0)
    others = sample_new(space, n - len(ends), np.random.default_rng(seed), set(genotype_keys(ends)))
    return np.concatenate([ends, others])


def _asked(search: NAT, archive: History) -> np.ndarray:
    """The next genotypes to measure ``(k, d)``, all new."""
    search.tell(archive.genotypes, archive.values)
    return search.ask()


def _kept(archive: History, candidates: History, n: int, seed: int) -> History:
    """The n best of both, spread over reference directions."""
    genotypes = np.concatenate([archive.genotypes, candidates.genotypes])
    values = np.concatenate([archive.values, candidates.values])
    both = History(archive.space, archive.objectives, genotypes, values)
    return both[spread(both.costs, n, both.violations, seed)]
