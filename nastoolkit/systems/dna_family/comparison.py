"""Jobs of the notebook: block-wise ratings and their rivals, from one seed ([Li2020]; see the package)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from nastoolkit.benchmarks.cells_problem import tau
from nastoolkit.benchmarks.named_task import NamedTask
from nastoolkit.families.mbconv_layers import LayersTable, MBConvLayersFamily
from nastoolkit.measurements import Accuracy
from nastoolkit.statistics import partial_correlation
from nastoolkit.supernets import Supernet
from nastoolkit.systems.dna_family.blocks import all_rated, cut, learnt_blocks, rated, trained_alone
from nastoolkit.systems.dna_family.self_supervised import self_supervised
from nastoolkit.systems.dna_family.traversal import RatedPaths, best_under, merged, rating_of
from nastoolkit.tasks import load_task
from nastoolkit.tasks.fitting import ends_for
from nastoolkit.tasks.imitation import Teacher
from nastoolkit.training import Recipe, Uniform, fit, targets_only

DNA, DNA_PLUS, DNA_SELF, ONE_BLOCK = "DNA", "DNA+", "DNA++ (stand-in)", "one block"
SPOS, SPOS_SECONDS, MACS = "SPOS, equal steps", "SPOS, equal seconds", "most MACs"
ARMS = (DNA, SPOS, SPOS_SECONDS, ONE_BLOCK, DNA_PLUS, DNA_SELF)
SEEDS_APART = 1000  # a teacher's seed is not that of its students
Rows = list[dict[str, Any]]


def family_of(task_name: str, sizes: Mapping[str, Any]) -> MBConvLayersFamily:
    """Networks for the images and classes of a task.

    Args:
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        sizes: The other fields of a :class:`nastoolkit.families.mbconv_layers.LayersTable`; lists are allowed.
    """
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in sizes.items()}
    return MBConvLayersFamily(task_name, LayersTable(**ends_for(load_task(task_name)), **given))


@dataclass(frozen=True, kw_only=True)
class Problem(NamedTask):
    """Networks to be rated, and how; all values are plain.

    Attributes:
        sizes: See :func:`family_of`.
        teacher_operation: Operation of all layers of the teacher, whose stages are those of the students.
        teacher_steps: Training steps of a teacher.
        n_steps: Training steps of a whole supernet; each block gets its part of them.
        batch_size: Examples a step.
        learning_rate: Learning rate of AdamW at its peak.
        n_judged: Number of networks that are rated.
        limits: Limits on MACs, as shares of the way from the smallest network to the largest one.
        n_candidates: Number of random networks under each limit that SPOS picks from.
        n_images: Number of validation images for ratings, and of training images for calibration.
        device: Where to train.
    """

    sizes: Mapping[str, Any]
    teacher_operation: str
    teacher_steps: int
    n_steps: int
    batch_size: int
    learning_rate: float
    n_judged: int
    limits: Sequence[float]
    n_candidates: int
    n_images: int
    device: str = "cpu"

    @cached_property
    def family(self) -> MBConvLayersFamily:
        """The family of the networks."""
        return family_of(self.task_name, self.sizes)

    @property
    def networks(self) -> np.ndarray:
        """The networks ``(n, d)`` that are rated, the same from every seed."""
        return self.family.space.sample(self.n_judged, np.random.default_rng(0))

    @property
    def bounds(self) -> list[int]:
        """The limits in MACs."""
        low, high = self.family.macs(np.stack([self.family.space.smallest, self.family.space.largest])).tolist()
        return [round(low + share * (high - low)) for share in self.limits]

    @property
    def ends(self) -> list[str]:
        """Names of the stages after which networks are cut."""
        return [f"stage{number + 1}" for number in range(len(self.family.table.channels))]

    def teacher(self, network: nn.Module, ends: Sequence[str]) -> Teacher:
        """A network as the teacher of blocks that end there."""
        return Teacher(network, self.task, cut(self.family, ends), ends, self.n_images)

    def block_wise(self, network: nn.Module, recipe: Recipe) -> list[RatedPaths]:
        """DNA: learn from a teacher block by block, and rate all paths."""
        teacher = self.teacher(network, self.ends)
        return all_rated(teacher, learnt_blocks(teacher, cut(self.family, self.ends), recipe))

    def one_block(self, network: nn.Module, recipe: Recipe) -> np.ndarray:
        """Learn a teacher's last features through the whole network, and rate all networks ``(n,)``."""
        teacher = self.teacher(network, self.ends[-1:])
        (supernet,) = learnt_blocks(teacher, cut(self.family, self.ends[-1:]), recipe)
        return rated(teacher, 0, supernet, self.networks)

    def single_path(self, recipe: Recipe) -> tuple[Supernet, np.ndarray]:
        """SPOS: learn from the labels, end to end; the supernet, and how bad it makes all networks ``(n,)``."""
        supernet = Supernet(self.family, seed=recipe.seed).to(self.device)
        fit(supernet, self.task, Uniform(self.family.space, seed=recipe.seed), targets_only, recipe, progress=False)
        return supernet, self.losses(supernet, self.networks)

    def losses(self, supernet: Supernet, networks: np.ndarray) -> np.ndarray:
        """Losses ``(n,)`` on validation images with shared weights, which rank more finely than accuracies do."""
        measure = Accuracy(supernet, self.task, n_calibration=self.n_images, n_images=self.n_images, progress=False)
        targets = self.task.split("validation").targets[: self.n_images]
        return np.array([float(self.task.loss(measure.predictions(one)[0][0], targets)) for one in networks])

    def under(self, limit: float, seed: int) -> np.ndarray:
        """Random networks ``(n, d)`` that cost no more MACs than a limit; the smallest one if there is no other."""
        drawn = self.family.space.sample(50 * self.n_candidates, np.random.default_rng([seed, 1]))
        fitting = drawn[self.family.macs(drawn) <= limit][: self.n_candidates]
        return fitting if len(fitting) else self.family.space.smallest[None]

    def exact_picks(self, arm: str, blocks: Sequence[RatedPaths]) -> Rows:
        """What the exact search finds under each limit."""
        front, smallest = merged(blocks), self.family.space.smallest
        head = self.family.macs(smallest) - sum(block.costs.min() for block in blocks)
        return [_pick(arm, bound, best_under(front, bound - head)) for bound in self.bounds]


def rate_all_ways(problem: dict[str, Any], seed: int) -> Rows:
    """Train a teacher, and rate networks by what blocks learn from it and by its rivals; a job of a grid.

    Args:
        problem: Values of a :class:`Problem`.
        seed: Seed of weights, batches and paths.

    Returns:
        For each of ``ARMS`` a row for each ``network`` with its ``rating``, less being better, and one with the ``steps`` of
        training, and the ``seconds`` of processor time with those of rating; for some arms and ``MACS`` one for each ``limit``
        with the ``pick``, its options' places as digits; and one of the arm ``teacher`` with ``steps`` and ``seconds``.
    """
    given = Problem(**problem)
    task, family, recipe = given.task, given.family, Recipe(given.n_steps, given.batch_size, given.learning_rate, seed=seed)
    alone = replace(recipe, n_steps=given.teacher_steps, seed=seed + SEEDS_APART)
    of_block = replace(recipe, n_steps=max(1, given.n_steps // len(given.ends)))
    wide = family_of(given.task_name, {**given.sizes, "operations": [given.teacher_operation]})
    network, seconds = _timed(trained_alone, wide, wide.largest, task, alone, given.device)
    rows = [{"arm": "teacher", "steps": given.teacher_steps, "seconds": seconds}]

    blocks, of_dna = _timed(given.block_wise, network, of_block)
    rows += _told(DNA, rating_of(blocks, given.networks), given.n_steps, of_dna) + given.exact_picks(DNA, blocks)
    (supernet, ratings), seconds = _timed(given.single_path, recipe)
    rows += _told(SPOS, ratings, given.n_steps, seconds)
    for bound in given.bounds:
        candidates, others = given.under(bound, seed), given.under(bound, 0)
        rows.append(_pick(SPOS, bound, candidates[given.losses(supernet, candidates).argmin()]))
        rows.append(_pick(MACS, bound, others[family.macs(others).argmax()]))
    fewer = replace(recipe, n_steps=max(1, round(given.n_steps * of_dna / seconds)))
    (_, ratings), seconds = _timed(given.single_path, fewer)
    rows += _told(SPOS_SECONDS, ratings, fewer.n_steps, seconds)
    ratings, seconds = _timed(given.one_block, network, recipe)
    rows += _told(ONE_BLOCK, ratings, given.n_steps, seconds)

    found = trained_alone(family, best_under(merged(blocks), np.inf), task, alone, given.device)
    plus, seconds = _timed(given.block_wise, found, of_block)
    rows += _told(DNA_PLUS, rating_of(plus, given.networks), given.n_steps, seconds)
    itself, seconds = _timed(self_supervised, cut(family, given.ends), task, of_block, given.n_images, given.device)
    return rows + _told(DNA_SELF, rating_of(itself, given.networks), given.n_steps, seconds)


def _timed(function: Callable[..., Any], *args: Any) -> tuple[Any, float]:
    """What a function returns, and its seconds of processor time."""
    start = process_time()
    return function(*args), process_time() - start


def _told(arm: str, ratings: np.ndarray, n_steps: int, seconds: float) -> Rows:
    rated = [{"arm": arm, "network": n, "rating": rating} for n, rating in enumerate(ratings.tolist())]
    return [*rated, {"arm": arm, "steps": n_steps, "seconds": seconds}]


def _pick(arm: str, limit: int, network: np.ndarray) -> dict[str, Any]:
    return {"arm": arm, "limit": limit, "pick": "".join(map(str, network))}


def rank_correlations(found: pd.DataFrame, truth: np.ndarray, macs: np.ndarray) -> pd.DataFrame:
    """Kendall's tau between ratings and true accuracies.

    Args:
        found: Rows of :func:`rate_all_ways`.
        truth: True accuracies ``(n,)`` of the networks that are judged.
        macs: Their MACs ``(n,)``.

    Returns:
        A row for each seed and arm, and for ``MACS``, which rates without a supernet: ``tau``, and what is left of it
        ``beyond MACs``.
    """
    rows = []
    for seed, own in found.dropna(subset="network").groupby("seed", sort=False):
        ratings = {arm: -group.rating.to_numpy() for arm, group in own.groupby("arm", sort=False)} | {MACS: macs}
        for arm, values in ratings.items():
            with_truth = tau(values, truth)
            beyond = partial_correlation(with_truth, tau(values, macs), tau(truth, macs))
            rows.append({"seed": seed, "arm": arm, "tau": with_truth, "beyond MACs": beyond})
    return pd.DataFrame(rows)
