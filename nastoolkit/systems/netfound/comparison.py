"""Jobs of the notebook: pre-trained networks, others of the same shape, and LightGBM, on few labels, some of them wrong."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np
import torch
from lightgbm import LGBMClassifier
from torch import nn

from nastoolkit.families.flow_encoder import FlowEncoder, FlowEncoderFamily, Table
from nastoolkit.measurements.accuracy import predictions
from nastoolkit.randomness import drawn_from
from nastoolkit.systems.netfound.pretraining import Pretraining, corrupted, total
from nastoolkit.tasks import Split, load_task
from nastoolkit.tasks.data_sets import places_of_step
from nastoolkit.tasks.flow_task import FlowTask, macro_f1
from nastoolkit.tasks.flow_tokens import chunks
from nastoolkit.tasks.flows import TTL, Flows, flow_statistics
from nastoolkit.training import Optimizer, Recipe, Run

APART = 1_000_000  # seeds of draws of one step and those of the next seed's
PRETRAINING, PRETRAINED, SCRATCH, LONGER, FROZEN = (
    "pre-training",
    "pre-trained",
    "from scratch",
    "from scratch, as many steps",
    "frozen",
)
BOOSTED, FLAT, CHUNKS = "LightGBM on flow statistics", "pre-trained, flat", "pre-trained, chunks"
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
    """The encoders for a task's vocabulary and classes; ``sizes`` are the other fields of a :class:`Table`."""
    options: dict[str, Any] = {name: tuple(own) if isinstance(own, list) else own for name, own in sizes.items()}
    if flat:
        options |= {"flat": True, "among": (0,)}
    return FlowEncoderFamily(f"{task.name} flows", Table(vocabulary=len(task.vocabulary), n_classes=task.n_classes, **options))


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

    def network(self, flat: bool = False) -> FlowEncoder:
        """The largest network, with weights from the seed."""
        family = family_for(self.task, self.sizes, flat)
        with drawn_from(self.tuning.seed):
            return family.assemble({name: spec.build() for name, spec in family.plan(family.largest)}).to(self.device)

    def pretrained(self, flat: bool = False, cut: bool = False) -> FlowEncoder:
        """The network after learning from flows without labels; ``cut`` ones are bytes two by two, wherever fields begin."""
        network, inputs = self.network(flat), self.examples(self.task.unlabelled, cut).inputs
        with drawn_from(self.tuning.seed):
            heads = Pretraining(network.embeddings.burst.numel(), len(self.task.vocabulary)).to(self.device)
        pretrain(network, heads, inputs, self.pretraining)
        return network

    def tuned(
        self, start: FlowEncoder, noise: float = 0.0, cut: bool = False, data: str = CLEAN, n_more: int = 0
    ) -> FlowEncoder:
        """A copy of a network after training on few labels, for some steps more than the recipe says."""
        rows, labels = self.labels(noise)
        network, flows = deepcopy(start), self.task.flows("train").take(rows)
        examples = self.examples(planted(flows, self.task.classes) if data == PLANTED else flows, cut)
        recipe = replace(self.tuning, n_steps=self.tuning.n_steps + n_more)
        tune(network, replace(examples, targets=torch.from_numpy(labels)), self.task, recipe)
        return network

    def labels(self, noise: float) -> tuple[np.ndarray, np.ndarray]:
        """See :func:`few_labels`."""
        return few_labels(self.task.split("train").targets.numpy(), self.per_class, noise, self.tuning.seed)

    def examples(self, flows: Flows, cut: bool = False) -> Split:
        """What a network sees of flows."""
        return self.task.examples(flows, chunks(flows) if cut else None)

    def f1(self, network: nn.Module, cut: bool = False, data: str = CLEAN) -> float:
        """Macro F1 in % on the test flows, with the shortcut or without."""
        flows = self.task.flows("test")
        examples = self.examples(planted(flows, self.task.classes) if data == PLANTED else flows, cut)
        with torch.no_grad():
            return self.task.score(*predictions(network.eval(), self.task, examples, batch_size=250))

    def boosted(self, noise: float) -> float:
        """Macro F1 in % of LightGBM on statistics of flows."""
        rows, labels = self.labels(noise)
        settings: dict[str, Any] = {"deterministic": True, "force_row_wise": True, "num_threads": 1, "verbose": -1}
        model = LGBMClassifier(min_child_samples=5, random_state=self.tuning.seed, **settings)
        model.fit(flow_statistics(self.task.flows("train").take(rows)), labels)
        found = np.asarray(model.predict(flow_statistics(self.task.flows("test"))))
        return macro_f1(found, self.task.split("test").targets.numpy())


def pretrain(network: FlowEncoder, heads: Pretraining, inputs: Any, recipe: Recipe) -> dict[str, float]:
    """Train an encoder and its heads without labels; returns the losses of the last step. The classifier stays as it is."""
    optimizer = Optimizer([*network.train().parameters(), *heads.train().parameters()], recipe)
    losses: dict[str, torch.Tensor] = {}
    for step in Run({"network": network, "heads": heads, "optimizer": optimizer}, progress=False).steps(recipe.n_steps):
        places = places_of_step(len(inputs[0]), step, recipe.batch_size, recipe.seed)
        drawn = torch.Generator().manual_seed(recipe.seed * APART + step)
        batch = corrupted(tuple(part[places] for part in inputs), len(heads.bias), drawn).to(heads.bias.device)
        with drawn_from(recipe.seed * APART + step):
            vectors, _ = network.vectors_of(batch.inputs)
        losses = heads.losses(vectors, batch, network.embeddings.kept, network.embeddings.tokens.weight)
        total(losses).backward()
        optimizer.step()
    return {name: float(loss.detach()) for name, loss in losses.items()}


def tune(network: FlowEncoder, examples: Split, task: FlowTask, recipe: Recipe) -> None:
    """Train a network, or those weights of it that want gradients, on labelled flows."""
    device = network.embeddings.burst.device
    optimizer = Optimizer([weight for weight in network.train().parameters() if weight.requires_grad], recipe)
    for step in Run({"network": network, "optimizer": optimizer}, progress=False).steps(recipe.n_steps):
        batch = examples[places_of_step(len(examples), step, recipe.batch_size, recipe.seed)].to(device)
        with drawn_from(recipe.seed * APART + step):
            outputs = network(batch.inputs)
        task.loss(outputs, batch.targets).backward()
        optimizer.step()


def frozen(network: FlowEncoder) -> FlowEncoder:
    """A copy of which only the classifier can learn."""
    twin = deepcopy(network)
    for name, weight in twin.named_parameters():
        weight.requires_grad_(name.startswith("classifier."))
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
        is_whole: Whether other tokens, attention of all tokens to all, and a shortcut are compared, too.
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


def _noisy(trial: Trial, ours: FlowEncoder, noises: list[float]) -> Iterator[dict[str, Any]]:
    """Arms with the same labels, some of which are wrong."""
    new = trial.network()
    for noise in noises:
        for arm, start in ((PRETRAINED, ours), (SCRATCH, new), (FROZEN, frozen(ours))):
            begun = process_time()
            network = trial.tuned(start, noise)
            yield {"arm": arm, "noise": noise, "seconds": process_time() - begun, "f1": trial.f1(network)}
        yield {"arm": BOOSTED, "noise": noise, "f1": trial.boosted(noise)}
    longer = trial.tuned(new, noises[0], n_more=trial.pretraining.n_steps)
    yield {"arm": LONGER, "noise": noises[0], "f1": trial.f1(longer)}


def _ablations(trial: Trial, ours: FlowEncoder) -> Iterator[dict[str, Any]]:
    """Attention of all tokens to all, tokens that ignore fields, and labels with a shortcut that test flows may not have."""
    yield {"arm": FLAT, "f1": trial.f1(trial.tuned(trial.pretrained(flat=True)))}
    yield {"arm": CHUNKS, "f1": trial.f1(trial.tuned(trial.pretrained(cut=True), cut=True), cut=True)}
    for arm, start in ((PRETRAINED, ours), (SCRATCH, trial.network())):
        network = trial.tuned(start, data=PLANTED)
        yield {"arm": arm, "data": PLANTED, "f1": trial.f1(network, data=PLANTED)}
        yield {"arm": arm, "data": REMOVED, "f1": trial.f1(network)}
