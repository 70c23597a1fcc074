"""Jobs of the notebook: block-wise ratings and their rivals, from one seed ([Li2020]; see the package)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from nastoolkit.benchmarks.cells_problem import tau
from nastoolkit.families.mbconv_layers import LayersTable, MBConvLayersFamily
from nastoolkit.measurements import Accuracy
from nastoolkit.statistics import partial_correlation
from nastoolkit.supernets import Supernet
from nastoolkit.systems.dna_family.blocks import Teacher, all_rated, cut, learnt_blocks, rated, trained_alone
from nastoolkit.systems.dna_family.self_supervised import self_supervised
from nastoolkit.systems.dna_family.traversal import RatedPaths, best_under, merged, rating_of
from nastoolkit.tasks import Task, load_task
from nastoolkit.training import Recipe, Uniform, fit, targets_only

DNA, DNA_PLUS, DNA_SELF, ONE_BLOCK = "DNA", "DNA+", "DNA++ (stand-in)", "one block"
SPOS, SPOS_SECONDS, MACS = "SPOS, equal steps", "SPOS, equal seconds", "most MACs"
ARMS = (DNA, SPOS, SPOS_SECONDS, ONE_BLOCK, DNA_PLUS, DNA_SELF)
SEEDS_APART = 1000  # a teacher's seed is not that of its students


def family_of(task_name: str, sizes: Mapping[str, Any]) -> MBConvLayersFamily:
    """Networks for the images and classes of a task.

    Args:
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        sizes: The other fields of a :class:`nastoolkit.families.mbconv_layers.LayersTable`; lists are allowed.
    """
    task: Any = load_task(task_name)
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in sizes.items()}
    channels = next(task.split("train").batches(1)).inputs.shape[1]
    return MBConvLayersFamily(task_name, LayersTable(image_channels=channels, n_classes=task.n_classes, **given))


def judged(family: MBConvLayersFamily, n: int) -> np.ndarray:
    """The networks ``(n, d)`` whose truth is known, the same in every job."""
    return family.space.sample(n, np.random.default_rng(0))


def under(family: MBConvLayersFamily, limit: float, n: int, seed: int) -> np.ndarray:
    """Up to ``n`` random networks that cost no more MACs than the limit; the smallest one if there is no other."""
    drawn = family.space.sample(50 * n, np.random.default_rng([seed, 1]))
    fitting = drawn[family.macs(drawn) <= limit][:n]
    return fitting if len(fitting) else family.space.smallest[None]


@dataclass
class Ratings:
    """What is found from one seed, and what all ways to rate networks share.

    Attributes:
        task: Gives data, loss and metric.
        family: Family of the networks.
        recipe: Training of a whole supernet; each block gets its part of the steps.
        networks: Networks that are rated.
        limits: Limits on MACs.
        n_candidates: Number of random networks under each limit that SPOS picks from.
        n_images: Number of validation images for ratings, and of training images for calibration.
        device: Where to train.
        rows: What is found.
    """

    task: Task
    family: MBConvLayersFamily
    recipe: Recipe
    networks: np.ndarray
    limits: Sequence[int]
    n_candidates: int
    n_images: int
    device: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ends(self) -> list[str]:
        """Names of the stages after which networks are cut."""
        return [f"stage{number + 1}" for number in range(len(self.family.table.channels))]

    @property
    def of_block(self) -> Recipe:
        """Training of one block."""
        return replace(self.recipe, n_steps=max(1, self.recipe.n_steps // len(self.ends)))

    def tell(self, arm: str, ratings: np.ndarray, start: float, n_steps: int) -> float:
        """Keep the ratings of all networks, and the seconds of processor time since the start, which are returned."""
        seconds = process_time() - start
        self.rows += [{"arm": arm, "network": n, "rating": rating} for n, rating in enumerate(ratings.tolist())]
        self.rows.append({"arm": arm, "seconds": seconds, "steps": n_steps})
        return seconds

    def pick(self, arm: str, limit: int, network: np.ndarray) -> None:
        """Keep the network that is picked under a limit."""
        self.rows.append({"arm": arm, "limit": limit, "pick": "".join(map(str, network))})

    def tell_blocks(self, arm: str, blocks: Sequence[RatedPaths], start: float) -> float:
        """Keep sums of the blocks' ratings, and what the exact search picks."""
        seconds = self.tell(arm, rating_of(blocks, self.networks), start, self.of_block.n_steps * len(blocks))
        front = merged(blocks)
        rest = self.family.macs(self.family.space.smallest) - sum(block.costs.min() for block in blocks)  # the head's
        for limit in self.limits:
            self.pick(arm, limit, best_under(front, limit - rest))
        return seconds

    def block_wise(self, arm: str, network: nn.Module) -> tuple[list[RatedPaths], float]:
        """Learn from a teacher block by block, rate all paths, and tell the seconds of both."""
        start, teacher = process_time(), self.cut_teacher(network, self.ends)
        blocks = all_rated(teacher, learnt_blocks(teacher, cut(self.family, self.ends), self.of_block))
        return blocks, self.tell_blocks(arm, blocks, start)

    def one_block(self, network: nn.Module) -> None:
        """Learn the teacher's last features through the whole network, in as many steps."""
        start, ends = process_time(), self.ends[-1:]
        teacher = self.cut_teacher(network, ends)
        (supernet,) = learnt_blocks(teacher, cut(self.family, ends), self.recipe)
        self.tell(ONE_BLOCK, rated(teacher, 0, supernet, self.networks), start, self.recipe.n_steps)

    def cut_teacher(self, network: nn.Module, ends: Sequence[str]) -> Teacher:
        """The teacher for blocks that end there."""
        return Teacher(network, self.task, cut(self.family, ends), ends, self.n_images)

    def single_path(self, arm: str, n_steps: int) -> float:
        """SPOS: learn from the labels, end to end, and pick the best of some random networks under each limit."""
        start, recipe = process_time(), replace(self.recipe, n_steps=n_steps)
        supernet = Supernet(self.family, seed=recipe.seed).to(self.device)
        paths = Uniform(self.family.space, seed=recipe.seed)
        fit(supernet, self.task, paths, targets_only, recipe, progress=False)
        seconds = self.tell(arm, self.losses(supernet, self.networks), start, n_steps)
        for limit in self.limits if arm == SPOS else ():
            candidates = under(self.family, limit, self.n_candidates, recipe.seed)
            self.pick(arm, limit, candidates[self.losses(supernet, candidates).argmin()])
        return seconds

    def losses(self, supernet: Supernet, networks: np.ndarray) -> np.ndarray:
        """Losses ``(n,)`` on validation images with shared weights, which rank more finely than accuracies do."""
        measure = Accuracy(supernet, self.task, n_calibration=self.n_images, n_images=self.n_images, progress=False)
        logits = (measure.predictions(network)[0][0] for network in networks)
        targets = self.task.split("validation").targets[: self.n_images]
        return np.array([float(self.task.loss(own, targets)) for own in logits])


def rate_all_ways(
    task_name: str,
    sizes: dict[str, Any],
    teacher_operation: str,
    teacher_steps: int,
    seed: int,
    n_steps: int,
    batch_size: int,
    learning_rate: float,
    n_judged: int,
    limits: Sequence[float],
    n_candidates: int,
    n_images: int,
    device: str,
) -> list[dict[str, Any]]:
    """Train a teacher, and rate networks by what blocks learn from it and by its rivals; a job of a grid.

    Args:
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        sizes: See :func:`family_of`.
        teacher_operation: Operation of all layers of the teacher, whose stages are those of the students.
        teacher_steps: Training steps of a teacher.
        seed: Seed of weights, batches and paths.
        n_steps: See :class:`Ratings`, as for what follows.
        batch_size: Examples a step.
        learning_rate: Learning rate of AdamW at its peak.
        n_judged: Number of networks that are rated.
        limits: Limits on MACs, as shares of the way from the smallest network to the largest one.
        n_candidates: See :class:`Ratings`.
        n_images: See :class:`Ratings`.
        device: Where to train.

    Returns:
        For each of ``ARMS`` a row for each ``network`` with its ``rating``, less being better; one with the ``seconds`` of
        processor time for training and rating, and the number of ``steps``; and for some arms, and ``MACS``, a row for each
        ``limit`` with the ``pick``. A row of the arm ``teacher`` has its ``seconds``.
    """
    task, family = load_task(task_name), family_of(task_name, sizes)
    low, high = family.macs(np.stack([family.space.smallest, family.space.largest]))
    bounds = [round(low + share * (high - low)) for share in limits]
    recipe, start = Recipe(n_steps, batch_size, learning_rate, seed=seed), process_time()
    found = Ratings(task, family, recipe, judged(family, n_judged), bounds, n_candidates, n_images, device)
    alone = replace(recipe, n_steps=teacher_steps, seed=seed + SEEDS_APART)
    wide = family_of(task_name, {**sizes, "operations": [teacher_operation]})
    teacher = trained_alone(wide, wide.largest, task, alone, device)
    found.rows.append({"arm": "teacher", "seconds": process_time() - start, "steps": teacher_steps})
    blocks, of_dna = found.block_wise(DNA, teacher)
    of_spos = found.single_path(SPOS, n_steps)
    found.single_path(SPOS_SECONDS, max(1, round(n_steps * of_dna / of_spos)))
    found.one_block(teacher)
    found.block_wise(DNA_PLUS, trained_alone(family, best_under(merged(blocks), np.inf), task, alone, device))
    start = process_time()
    found.tell_blocks(DNA_SELF, self_supervised(cut(family, found.ends), task, found.of_block, n_images), start)
    for limit in bounds:
        candidates = under(family, limit, n_candidates, 0)
        found.pick(MACS, limit, candidates[family.macs(candidates).argmax()])
    return found.rows


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
