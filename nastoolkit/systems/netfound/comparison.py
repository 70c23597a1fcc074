"""Jobs of the notebook: pre-trained networks, others of the same shape, and LightGBM, on few labels, some of them wrong."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from time import process_time
from typing import Any

import numpy as np
import torch
from lightgbm import LGBMClassifier

from nastoolkit.families.flow_encoder import FlowEncoderFamily, Table
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.pareto import dominated_share
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet
from nastoolkit.systems.netfound.pretraining import pretrain
from nastoolkit.tasks import Split, load_task
from nastoolkit.tasks.flow_task import FlowTask, macro_f1
from nastoolkit.tasks.flow_tokens import N_PLACES, Vocabulary16, chunks
from nastoolkit.tasks.flows import TTL, Flows, flow_statistics
from nastoolkit.training import Fixed, PathSampler, Recipe, Sandwich, fit, targets_only

PRETRAINING, PRETRAINED, SCRATCH, LONGER, FROZEN = (
    "pre-training",
    "pre-trained",
    "from scratch",
    "from scratch, as many steps",
    "frozen",
)
BOOSTED, FLAT, CHUNKS = "LightGBM on flow statistics", "pre-trained, flat", "pre-trained, chunks"
SEARCH, RANDOM = "linas", "random"
CLEAN, PLANTED, REMOVED = "as they are", "shortcut", "shortcut removed"


def flows_of(task_name: str) -> FlowTask:
    """A task with flows, whose data are there.

    Raises:
        ValueError: The task has none.
        MissingDataError: The data are missing.
    """
    task = load_task(task_name)
    if not isinstance(task, FlowTask):
        raise ValueError(f"networks of this system see flows, and task {task_name!r} has none")
    task.split("train")
    return task


def family_for(task: FlowTask, sizes: dict[str, Any], flat: bool = False) -> FlowEncoderFamily:
    """The encoders for a task's vocabulary and classes; ``sizes`` are the other fields of a :class:`Table`.

    Raises:
        ValueError: The task's flows have fewer bursts, packets or places.
    """
    options: dict[str, Any] = {name: tuple(own) if isinstance(own, list) else own for name, own in sizes.items()}
    if flat:
        options |= {"flat": True, "among": (0,)}
    kept = (task.composition.n_bursts, task.composition.n_packets, N_PLACES)
    table = Table(vocabulary=len(task.words), n_classes=task.n_classes, shape=kept, **options)
    return FlowEncoderFamily(f"{task.name} flows", table)


def few_labels(targets: np.ndarray, per_class: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows ``(k,)`` with at most so many labels of each class, and the labels, of which a share is wrong.

    The rows of a seed are the same for any noise, and wrong labels stay wrong as noise grows.
    """
    rng, n_classes = np.random.default_rng([seed, per_class]), int(targets.max()) + 1
    order = rng.permutation(len(targets))
    rows = np.concatenate([order[targets[order] == target][:per_class] for target in range(n_classes)])
    shift, luck = rng.integers(1, n_classes, len(rows)), rng.random(len(rows))
    return rows, np.where(luck < noise, (targets[rows] + shift) % n_classes, targets[rows])


def planted(flows: Flows, classes: list[str]) -> Flows:
    """The same flows, with a time to live that gives away the class in every packet."""
    header = flows.header.copy()
    header[:, TTL] = 48 + np.searchsorted(classes, flows.label)[flows.flow]
    return replace(flows, header=header)


@dataclass(frozen=True, eq=False)
class Trial:
    """What all arms of a job have in common.

    Attributes:
        task: The flows.
        sizes: See :func:`family_for`.
        pretraining: Recipe without labels.
        tuning: Recipe with labels.
        per_class: Labels of each class.
        device: Where to train.
    """

    task: FlowTask
    sizes: dict[str, Any]
    pretraining: Recipe
    tuning: Recipe
    per_class: int
    device: str

    def supernet(self, flat: bool = False) -> Supernet:
        """Networks with weights from the seed."""
        return Supernet(family_for(self.task, self.sizes, flat), seed=self.tuning.seed).to(self.device)

    def pretrained(self, flat: bool = False, cut: bool = False, elastic: bool = False) -> Supernet:
        """The largest network, or all, after learning from flows without labels; ``cut`` ones are chunks of two bytes."""
        supernet = self.supernet(flat)
        pretrain(supernet, self.examples(self.task.unlabelled, cut), self.sampler(supernet, elastic), self.pretraining)
        return supernet

    def sampler(self, supernet: Supernet, elastic: bool) -> PathSampler:
        """The largest network at every step; or if ``elastic``, also the smallest and a random one."""
        space = supernet.family.space
        return Sandwich(space, n_random=1, seed=self.tuning.seed) if elastic else Fixed(space.largest)

    def tuned(
        self, start: Supernet, noise: float = 0.0, cut: bool = False, data: str = CLEAN, n_more: int = 0, elastic: bool = False
    ) -> Supernet:
        """A copy of a supernet after training on few labels, for some steps more than the recipe says."""
        supernet, (rows, labels), flows = deepcopy(start), self.labels(noise), self.task.flows("train")
        few = replace(self.examples(flows.take(rows), cut, data), targets=torch.from_numpy(labels))
        recipe = replace(self.tuning, n_steps=self.tuning.n_steps + n_more)
        fit(supernet, self.task.given(few, few), self.sampler(supernet, elastic), targets_only, recipe, progress=False)
        return supernet

    def labels(self, noise: float) -> tuple[np.ndarray, np.ndarray]:
        """See :func:`few_labels`."""
        return few_labels(self.task.split("train").targets.numpy(), self.per_class, noise, self.tuning.seed)

    def examples(self, flows: Flows, cut: bool = False, data: str = CLEAN) -> Split:
        """What a network sees of flows, with the shortcut or without."""
        flows = planted(flows, self.task.classes) if data == PLANTED else flows
        return self.task.examples(flows, chunks(flows), self.words_of_chunks) if cut else self.task.examples(flows)

    @cached_property
    def words_of_chunks(self) -> Vocabulary16:
        """Tokens of chunks, as many as those of fields."""
        values, words = chunks(self.task.unlabelled), self.task.words
        return Vocabulary16.of(values[values > 0] - 1, len(words.common), words.n_shared)

    def f1(self, supernet: Supernet, cut: bool = False, data: str = CLEAN) -> float:
        """Macro F1 in % of the largest network on the test flows."""
        examples = self.examples(self.task.flows("test"), cut, data)
        task = self.task.given(examples, examples)
        return float(Accuracy(supernet, task, "test", progress=False)(supernet.family.space.largest).item())

    def boosted(self, noise: float) -> float:
        """Macro F1 in % of LightGBM on statistics of flows."""
        rows, labels = self.labels(noise)
        settings: dict[str, Any] = {"deterministic": True, "force_row_wise": True, "num_threads": 1, "verbose": -1}
        model = LGBMClassifier(min_child_samples=5, random_state=self.tuning.seed, **settings)
        model.fit(flow_statistics(self.task.flows("train").take(rows)), labels)
        found = np.asarray(model.predict(flow_statistics(self.task.flows("test"))))
        return macro_f1(found, self.task.split("test").targets.numpy())


def frozen(supernet: Supernet) -> Supernet:
    """A copy of which only the classifier can learn."""
    twin = deepcopy(supernet)
    for name, weight in twin.named_parameters():
        weight.requires_grad_(name.startswith("shared.classifier."))
    return twin


def compare(
    task_name: str,
    seed: int,
    sizes: dict[str, Any],
    pretraining: dict[str, Any],
    tuning: dict[str, Any],
    per_class: int,
    noises: list[float],
    is_whole: bool,
    device: str,
) -> list[dict[str, Any]]:
    """Train all arms on the same labels; a job of a grid.

    Args:
        task_name: Key of ``TASKS``, for flows.
        seed: Seed of weights, labels and batches.
        sizes: See :func:`family_for`; the largest network is trained.
        pretraining: Fields of a recipe for flows without labels.
        tuning: Fields of a recipe for flows with labels.
        per_class: Labels of each class, or all that there are.
        noises: Shares of wrong labels, the first of which is 0.
        is_whole: Whether longer training from scratch, other tokens and attention, and a shortcut are compared, too.
        device: Where to train.

    Returns:
        A row for each ``arm``, ``noise`` and ``data`` (as they are, or with a shortcut): ``f1`` in % on test flows, and
        processor ``seconds`` of training; pre-training has a row of its own.

    Raises:
        ValueError: The task has no flows.
        MissingDataError: Its data are missing.
    """
    recipes = Recipe(**pretraining, seed=seed), Recipe(**tuning, seed=seed)
    trial = Trial(flows_of(task_name), sizes, *recipes, per_class, device)
    begun = process_time()
    ours = trial.pretrained()
    rows = [{"arm": PRETRAINING, "seconds": process_time() - begun}, *_noisy(trial, ours, noises)]
    return [{"noise": 0.0, "data": CLEAN} | row for row in [*rows, *(_ablations(trial, ours) if is_whole else ())]]


def _noisy(trial: Trial, ours: Supernet, noises: list[float]) -> Iterator[dict[str, Any]]:
    """Arms with the same labels, some of which are wrong."""
    new = trial.supernet()
    for noise in noises:
        for arm, start in ((PRETRAINED, ours), (SCRATCH, new)):
            yield _row(trial, arm, start, noise)
        yield {"arm": BOOSTED, "noise": noise, "f1": trial.boosted(noise)}
    yield _row(trial, FROZEN, frozen(ours), noises[0])


def _row(trial: Trial, arm: str, start: Supernet, noise: float = 0.0, n_more: int = 0) -> dict[str, Any]:
    begun = process_time()
    tuned = trial.tuned(start, noise, n_more=n_more)
    return {"arm": arm, "noise": noise, "seconds": process_time() - begun, "f1": trial.f1(tuned)}


def _ablations(trial: Trial, ours: Supernet) -> Iterator[dict[str, Any]]:
    """More steps, attention of all tokens to all, tokens that ignore fields, labels with a shortcut that may be gone."""
    yield _row(trial, LONGER, trial.supernet(), n_more=trial.pretraining.n_steps)
    yield {"arm": FLAT, "f1": trial.f1(trial.tuned(trial.pretrained(flat=True)))}
    yield {"arm": CHUNKS, "f1": trial.f1(trial.tuned(trial.pretrained(cut=True), cut=True), cut=True)}
    for arm, start in ((PRETRAINED, ours), (SCRATCH, trial.supernet())):
        tuned = trial.tuned(start, data=PLANTED)
        yield {"arm": arm, "data": PLANTED, "f1": trial.f1(tuned, data=PLANTED)}
        yield {"arm": arm, "data": REMOVED, "f1": trial.f1(tuned)}


def search(
    task_name: str,
    seed: int,
    sizes: dict[str, Any],
    pretraining: dict[str, Any],
    tuning: dict[str, Any],
    per_class: int,
    budget: int,
    device: str,
) -> list[dict[str, Any]]:
    """Search compositions and sizes in one supernet, pre-trained and tuned with sandwiches of paths; a job of a grid.

    Args are those of :func:`compare`; each search measures ``budget`` sub-networks on validation flows.

    Returns:
        A row for each sub-network on the front of an ``algorithm``: its choices, ``f1`` in % on test flows and ``mmacs``, and
        the ``volume`` of that front on test flows, in % of the box from no error and no MACs to chance and the largest's MACs.
    """
    recipes = Recipe(**pretraining, seed=seed), Recipe(**tuning, seed=seed)
    trial = Trial(flows_of(task_name), sizes, *recipes, per_class, device)
    supernet = trial.tuned(trial.pretrained(elastic=True), elastic=True)
    family, here, there = supernet.family, *(Accuracy(supernet, trial.task, s, progress=False) for s in ("validation", "test"))
    goals = Objective(trial.task.metric, "max", "%"), Objective("mmacs", "min", "MMACs", exact=family.mmacs)
    rows = []
    for algorithm in (SEARCH, RANDOM):
        population = max(2, budget // 5)
        front = optimize(family.space, here, goals, algorithm, budget, seed, progress=False, population=population).front()
        found = np.column_stack([100 - there(front.genotypes)[:, 0], family.mmacs(front.genotypes)])
        worst = 100 - 100 / trial.task.n_classes, family.mmacs(family.space.largest).item()
        volume = dominated_share(found, (0, 0), worst)
        for genotype, (error, mmacs) in zip(front.genotypes, found, strict=True):
            values = {"f1": 100 - error, "mmacs": mmacs, "volume": volume}
            rows.append({"algorithm": algorithm, **values, **family.space.decode(genotype)})
    return rows
