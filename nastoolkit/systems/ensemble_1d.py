"""Ensembles of one-dimensional networks: four views of a skeleton, each with a network of its own, answer together.

[Xu2018] Y. Xu et al., "Ensemble One-dimensional Convolution Neural Networks for Skeleton-based Action Recognition", IEEE
Signal Processing Letters 2018, arXiv 1801.02475.

Networks that see joints over time and time over joints, parts of the body, attention, and differences of frames make
different mistakes, so that together they recognise actions better than the best of them.

The ensemble is also a space to search: which views are in, and how large each one's network is. As networks are fused by
their answers, and these are stored, every ensemble of the space is judged in microseconds.

Differs from the paper in: networks are small, and sub-networks of a supernet for each view, of which every step trains a
random one; AdamW with a cosine, and the same dropout for all views; parts of the body have no channels of zeros; two streams
and parts are summed logits (see :mod:`nastoolkit.families.resnet1d`); and what blocks and inputs differ in
(:mod:`nastoolkit.families.resnet1d_blocks`, :mod:`nastoolkit.tasks.skeletons`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np
import torch

from nastoolkit.answers import Answers
from nastoolkit.benchmarks.members import members
from nastoolkit.ensembles import PRODUCT, SUM, Ensembles, disagreement, fused, judged
from nastoolkit.families.resnet1d import ResNet1dFamily, Table
from nastoolkit.families.resnet1d_blocks import DIFFERENCES, JOINTS, TRANSPOSED
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import Supernet
from nastoolkit.systems.card import Card
from nastoolkit.tasks import load_task
from nastoolkit.tasks.skeletons import Skeletons
from nastoolkit.training import Recipe, Uniform, fit, targets_only

CARD = Card(
    name="ensemble_1d",
    title="Ensemble One-dimensional Convolution Neural Networks for Skeleton-based Action Recognition",
    paper="1801.02475",
    claim="Networks with four different views of a skeleton recognise actions better together than the best of them.",
    methods=("view_family", "views_and_seeds"),
    notebooks=("views_or_seeds",),
    taught_in="docs/how_to_task.md",
    needs="the skeletons of NTU RGB+D as a folder of files, a GPU",
)

TWO_STREAMS, BODY_PARTS, ATTENTION = "two streams", "body parts", "attention"
VIEWS = (TWO_STREAMS, BODY_PARTS, ATTENTION, DIFFERENCES)
FOUR_VIEWS, SUMMED, FOUR_SEEDS = "four views", "four views, summed", "four seeds of one view"
SEARCHED, ONE_SIZE, FRONT = "searched, half the MACs", "one size, half the MACs", "front"
SHARE = 0.5  # of the MACs of all four largest networks that smaller ensembles may need
N_SEEDS = 4  # networks of the ensemble with one view


def skeletons_of(task_name: str) -> Skeletons:
    """A task with skeletons, whose data are there.

    Raises:
        ValueError: The task has none.
        MissingDataError: The data are missing.
    """
    task = load_task(task_name)
    if not isinstance(task, Skeletons):
        raise ValueError(f"views are of skeletons, and task {task_name!r} has none")
    task.split("train")
    return task


def streams_of(view: str, task: Skeletons) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """What each stream of a view sees, for :class:`nastoolkit.families.resnet1d.Table`.

    Raises:
        ValueError: There is no such view.
    """
    channels = tuple(range(task.skeleton.n_joints * task.skeleton.n_dims))
    known = {
        TWO_STREAMS: ((JOINTS, channels), (TRANSPOSED, channels)),
        BODY_PARTS: tuple((JOINTS, task.skeleton.channels_of(part)) for part in task.skeleton.parts),
        ATTENTION: ((JOINTS, channels),),
        DIFFERENCES: ((DIFFERENCES, channels),),
    }
    if view not in known:
        raise ValueError(f"unknown view {view!r}; known: {', '.join(known)}")
    return known[view]


def view_family(view: str, task: Skeletons, sizes: Mapping[str, Any]) -> ResNet1dFamily:
    """Networks of all sizes with one view.

    Args:
        view: One of ``VIEWS``.
        task: Its actions.
        sizes: Options ``widths``, ``depths`` and ``kernels`` of :class:`nastoolkit.families.resnet1d.Table`.
    """
    options: dict[str, Any] = {name: tuple(values) for name, values in sizes.items()}
    table = Table(
        channels=task.skeleton.n_joints * task.skeleton.n_dims,
        length=task.length,
        streams=streams_of(view, task),
        attends=view == ATTENTION,
        n_classes=task.n_classes,
        **options,
    )
    return ResNet1dFamily(f"{task.name}, {view}", table)


@dataclass(frozen=True)
class Member:
    """What the networks of a view answer: one for each size, of which the last one is the largest.

    Attributes:
        validation: Answers to the validation clips; costs are in MMACs.
        test: Answers to the test clips.
    """

    validation: Answers
    test: Answers

    @property
    def largest(self) -> Member:
        """The largest network alone."""
        return Member(*(Answers(a.probabilities[-1:], a.targets, a.costs[-1:]) for a in (self.validation, self.test)))


def trained(view: str, task: Skeletons, sizes: Mapping[str, Any], recipe: Recipe, device: str = "cpu") -> Member:
    """Train a supernet of one view, a random size at a time, and let networks of all sizes answer."""
    family = view_family(view, task, sizes)
    supernet = Supernet(family, seed=recipe.seed).to(device)
    fit(supernet, task, Uniform(family.space, seed=recipe.seed), targets_only, recipe, progress=False)
    genotypes = members(family.space)  # the last one has the last option of every choice
    return Member(*(_answers(supernet, task, split, genotypes) for split in ("validation", "test")))


def _answers(supernet: Supernet, task: Skeletons, split: str, genotypes: np.ndarray) -> Answers:
    logits, targets = Accuracy(supernet, task, split, progress=False).predictions(genotypes)
    return Answers(torch.softmax(logits, dim=2).numpy(), targets.numpy(), supernet.family.mmacs(genotypes))


def views_and_seeds(
    task_name: str, seed: int, sizes: dict[str, Any], n_steps: int, batch_size: int, learning_rate: float, device: str
) -> list[dict[str, Any]]:
    """Train four views, and the best of them again from other seeds, and judge their ensembles; a job of a grid.

    Args:
        task_name: Key of ``TASKS``, for actions of skeletons.
        seed: Seed of weights, sizes and batches; views have the same batches, and further networks of a view others.
        sizes: Options of networks, see :func:`view_family`.
        n_steps: Number of training steps of each network.
        batch_size: Clips in a step.
        learning_rate: Learning rate at its peak.
        device: Where to train and measure.

    Returns:
        Rows with ``arm``, ``accuracy`` in % and ``mmacs`` on test clips: each view, ensembles, and the ``FRONT`` of all of
        them that was chosen on validation clips. ``best`` is the view that is best on these. And rows with the
        ``disagreement`` in % between ``one`` and ``other`` network on test clips.

    Raises:
        ValueError: The task has no skeletons.
        MissingDataError: Its data are missing.
    """
    task = skeletons_of(task_name)
    how = [Recipe(n_steps, batch_size, learning_rate, seed=N_SEEDS * seed + again) for again in range(N_SEEDS)]
    views = {view: trained(view, task, sizes, how[0], device) for view in VIEWS}
    best = max(views, key=lambda view: _accuracy(views[view].largest.validation))
    again = [views[best], *(trained(best, task, sizes, recipe, device) for recipe in how[1:])]
    rows = [*_whole(views, again), *_smaller(views), *_disagreements(views, again, best)]
    return [{**row, "best": best} for row in rows]


def _whole(views: Mapping[str, Member], again: list[Member]) -> Iterator[dict[str, Any]]:
    """Views alone, and ensembles of the largest networks."""
    alone = {view: member.largest.test for view, member in views.items()}
    for view, answers in alone.items():
        yield {"arm": view, "accuracy": _accuracy(answers), "mmacs": answers.costs.sum()}
    for arm, parts, fusion in (
        (FOUR_VIEWS, [*alone.values()], PRODUCT),
        (SUMMED, [*alone.values()], SUM),
        (FOUR_SEEDS, [member.largest.test for member in again], PRODUCT),
    ):
        joint = Answers.joined(parts)
        yield {"arm": arm, "accuracy": _accuracy(joint, fusion), "mmacs": joint.costs.sum()}


def _accuracy(answers: Answers, fusion: str = PRODUCT) -> float:
    """Accuracy in % of all networks together."""
    return 100.0 * float((fused(answers.probabilities, fusion).argmax(axis=1) == answers.targets).mean())


def _smaller(views: Mapping[str, Member]) -> Iterator[dict[str, Any]]:
    """The best ensembles of all sizes on validation clips: within a share of the MACs, those of one size, and the front."""
    here = Ensembles({view: member.validation for view, member in views.items()})
    there = Ensembles({view: member.test for view, member in views.items()})
    everything, begun = members(here.space), process_time()
    values = here.evaluate(everything)
    rate = len(everything) / max(process_time() - begun, 1e-9)
    within = everything.any(axis=1) & (values[:, 1] <= SHARE * values[-1, 1])
    of_one_size = (everything == everything[:, :1]).all(axis=1)
    for arm, allowed in ((SEARCHED, within), (ONE_SIZE, within & of_one_size)):
        order = np.lexsort((values[:, 1], -values[:, 0], ~allowed))  # allowed ones first, then the most accurate, then cheap
        accuracy, mmacs = there.evaluate(everything[order[0]])[0]
        yield {"arm": arm, "accuracy": accuracy, "mmacs": mmacs, "per_second": rate}
    for accuracy, mmacs in judged(everything[1:], here, there).to_numpy():  # without the empty one, the first
        yield {"arm": FRONT, "accuracy": accuracy, "mmacs": mmacs}


def _disagreements(views: Mapping[str, Member], again: list[Member], best: str) -> Iterator[dict[str, Any]]:
    """How often the largest networks of two views, or two of the best view, choose different classes."""
    different, alike = (
        disagreement(np.concatenate([member.largest.test.probabilities for member in some]))
        for some in (views.values(), again)
    )
    for place, one in enumerate(views):
        for other in range(place):
            yield {"one": one, "other": [*views][other], "disagreement": different[place, other]}
    yield {"one": best, "other": best, "disagreement": alike[np.triu_indices(len(again), 1)].mean()}
