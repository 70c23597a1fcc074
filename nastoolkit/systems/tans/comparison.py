"""Jobs of the notebook: one zoo, what each arm takes from it for unseen tasks, and how fast that learns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import Ridge
from torch import nn
from torch.nn.functional import normalize

from nastoolkit.families import family_named
from nastoolkit.measurements.fine_tuning import fine_tune
from nastoolkit.measurements.image_features import ImageFeatures, class_mean_accuracy
from nastoolkit.randomness import drawn_from
from nastoolkit.statistics.curves import first_reached, mean_height
from nastoolkit.supernets import Supernet, load_supernet
from nastoolkit.systems.tans.retrieval import N_DIMS, learn, nearest, own_ranks
from nastoolkit.systems.tans.zoo import Zoo, ZooModel, embeddings, make_zoo, new_head
from nastoolkit.tasks import LabelledTask
from nastoolkit.tasks.images import folders_of_images
from nastoolkit.tasks.task_family import DigitTask, TaskFamily
from nastoolkit.training import Recipe, Sandwich, fit, in_place_distillation

TANS, PREDICTED, NEAREST, AGNOSTIC, RANDOM = "TANS", "predictor alone", "nearest data set", "task-agnostic", "random"
BASE, SCRATCH, LEAST_SQUARES = "pre-trained only", "from scratch", "least squares"
ARMS = (TANS, PREDICTED, NEAREST, AGNOSTIC, RANDOM, BASE, SCRATCH)
N_NEAR, N_HELD_OUT, N_CALIBRATION = 10, 2, 200  # models that TANS predicts for; models of a task for judging; training images
Row = dict[str, Any]


def tasks_of(folder: str, n_tasks: int, n_unseen: int, seed: int) -> tuple[Sequence[LabelledTask], Sequence[LabelledTask]]:
    """Tasks of the zoo and unseen ones: digits, or data sets in a folder, in random order."""
    if not folder:
        return TaskFamily(n_tasks, n_unseen, seed=seed).draw()
    found = folders_of_images(folder, n_tasks + n_unseen)
    drawn = [found[place] for place in np.random.default_rng(seed).permutation(len(found))]
    return drawn[:n_tasks], drawn[n_tasks : n_tasks + n_unseen]


def retrieve_and_tune(
    seed: int,
    tasks: Mapping[str, Any],
    family: str,
    n_networks: int,
    n_images: int,
    steps: Mapping[str, int],
    looks: Sequence[int],
    recipe: Mapping[str, Any],
) -> list[Row]:
    """Make a zoo, learn retrieval, and fine-tune what each arm takes for each unseen task; a job of a grid.

    Args:
        seed: Seed of tasks, weights, data and picks; the networks of the zoo are the same for all seeds.
        tasks: Other arguments of :func:`tasks_of`.
        family: Name of a family of networks for images.
        n_networks: Networks of each task in the zoo; retrieval does not learn from the first two, by which it is judged.
        n_images: Images of a task that arms see.
        steps: Steps of ``base``, in which a supernet is pre-trained on plain digits (0 takes the family's released one), of
            ``zoo``, in which it is fine-tuned for a task, of ``retrieval``, and of ``tuning`` for an unseen task.
        looks: Steps of tuning after which a network is tested.
        recipe: Settings of pre-training and of fine-tuning, see :class:`nastoolkit.training.Recipe`.

    Returns:
        Rows of ``what``: ``zoo``, the ``accuracy`` of a model of a ``task``; ``retrieval``, the ``rank`` of a task's own
        held-out model by ``arm``; ``curve``, the ``accuracy`` of an ``arm`` on test images of an unseen ``task`` after each
        ``step``, and the task of the zoo that the arm took a model of, its ``source``. Accuracies are in %.

    Raises:
        ValueError: There are too few tasks or images.
    """
    known, unseen = tasks_of(seed=seed, **tasks)
    recipes = {name: Recipe(n, seed=seed, **recipe) for name, n in steps.items()}
    base = _pretrained(family, recipes["base"])
    genotypes = base.family.space.sample(n_networks, np.random.default_rng(0))
    zoo = make_zoo(base, known, genotypes, recipes["zoo"], N_CALIBRATION)
    finder = Finder(zoo, known, n_images, steps["retrieval"], seed)
    accuracies = [{"what": "zoo", "task": model.task, "accuracy": model.accuracy} for model in zoo.models]
    curves = [row for number, task in enumerate(unseen) for row in _curves(finder, task, number, recipes["tuning"], looks)]
    return accuracies + finder.judged() + curves


def _pretrained(family: str, recipe: Recipe) -> Supernet:
    """A family's released supernet, or one that learns all plain digits."""
    if not recipe.n_steps:
        return load_supernet(family)
    supernet, task = Supernet(family_named(family), seed=recipe.seed), DigitTask(tuple(range(10)))
    fit(supernet, task, Sandwich(supernet.family.space, 1, recipe.seed), in_place_distillation, recipe, progress=False)
    return supernet


class Finder:
    """Everything that is learnt from a zoo and its tasks before an unseen task comes.

    Args:
        zoo: The zoo.
        tasks: Its tasks.
        n_images: Images of a task that are seen.
        n_steps: Steps in which retrieval is learnt.
        seed: Random seed.
    """

    def __init__(self, zoo: Zoo, tasks: Sequence[LabelledTask], n_images: int, n_steps: int, seed: int) -> None:
        self.zoo, self.tasks, self.n_images, self.seed = zoo, tasks, n_images, seed
        self.rng, largest = np.random.default_rng([seed, 1]), zoo.base.family.largest
        network, shape = zoo.base.network(largest, tasks[0], N_CALIBRATION), zoo.base.family.input_shape(largest)
        self._features = ImageFeatures(network, shape, n_images)
        raw = torch.stack([self._features(task) for task in tasks])
        self.center, self.spread = raw.mean((0, 1)), raw.std((0, 1)) + 1e-6
        self.known = (raw - self.center) / self.spread
        places = np.arange(len(zoo.models)).reshape(len(tasks), -1)
        self.held, self.shown = (
            [zoo.models[place] for place in part.ravel().tolist()] for part in np.split(places, [N_HELD_OUT], 1)
        )
        self.tans, self.alone = (learn(self.known, self.shown, n_steps, n_images // 2, seed, both) for both in (True, False))

    def seen(self, task: LabelledTask, split: str = "train") -> torch.Tensor:
        """Standardised features ``(n_images, n_features)`` of a task."""
        return (self._features(task, split) - self.center) / self.spread

    @torch.no_grad()
    def judged(self) -> list[Row]:
        """Ranks of held-out models for validation images of their tasks, by contrast and by least squares."""
        images, held = torch.stack([self.seen(task, "validation") for task in self.tasks]), embeddings(self.held)
        means = self.known.mean(1).repeat_interleave(len(self.shown) // len(self.tasks), 0)
        line = Ridge().fit(normalize(embeddings(self.shown)), means)
        both = {
            TANS: (self.tans.encode_tasks(images), self.tans.encode_models(held)),
            LEAST_SQUARES: (
                normalize(images.mean(1)),
                normalize(torch.as_tensor(line.predict(normalize(held)), dtype=held.dtype)),
            ),
        }
        return [
            {"what": "retrieval", "arm": arm, "rank": int(rank)}
            for arm, (tasks, models) in both.items()
            for number in range(N_HELD_OUT)
            for rank in own_ranks(tasks, models[number::N_HELD_OUT])
        ]

    @torch.no_grad()
    def picks(self, task: LabelledTask) -> dict[str, ZooModel]:
        """The model that each arm takes from the zoo for an unseen task."""
        images, models, every = self.seen(task)[None], self.zoo.models, embeddings(self.zoo.models)
        query, encoded = self.tans.encode_tasks(images), self.tans.encode_models(every)
        near = nearest(query[0], encoded, N_NEAR)
        by_tans = self.tans.predict(query.expand(len(near), -1), encoded[near])
        alone = self.alone.predict(self.alone.encode_tasks(images).expand(len(models), -1), self.alone.encode_models(every))
        alike = normalize(self.known.mean(1)) @ images[0].mean(0)
        return {
            TANS: models[int(near[by_tans.argmax()])],
            PREDICTED: models[int(alone.argmax())],
            NEAREST: self.zoo.best_of(int(alike.argmax())),
            AGNOSTIC: self.agnostic,
            RANDOM: models[int(self.rng.integers(len(models)))],
        }

    @cached_property
    def agnostic(self) -> ZooModel:
        """The best model of one task, namely that whose features suit all tasks of the zoo best, on average."""
        best = [self.zoo.best_of(number) for number in range(len(self.tasks))]
        return max(best, key=lambda model: np.mean([self._suits(model, task) for task in self.tasks]))

    def _suits(self, model: ZooModel, task: LabelledTask) -> float:
        shape = self.zoo.base.family.input_shape(model.genotype)
        return class_mean_accuracy(self.zoo.network(model, 2, self.seed), task, shape, self.n_images)


def _curves(finder: Finder, task: LabelledTask, number: int, recipe: Recipe, looks: Sequence[int]) -> list[Row]:
    """Accuracies of all arms while they learn an unseen task; arms that took the same model share one training."""
    zoo, picks, curves, rows = finder.zoo, finder.picks(task), dict[Any, dict[int, float]](), list[Row]()
    for arm in ARMS:
        model, n_classes = picks.get(arm, picks[TANS]), task.n_classes
        if (key := id(model) if arm in picks else arm) not in curves:
            network, shape = _network(zoo, arm, model, n_classes, recipe.seed), zoo.base.family.input_shape(model.genotype)
            curves[key] = fine_tune(network, task, shape, recipe, looks, N_CALIBRATION)
        about = {"what": "curve", "arm": arm, "task": number, "source": model.task}
        rows += [{**about, "step": step, "accuracy": accuracy} for step, accuracy in curves[key].items()]
    return rows


def _network(zoo: Zoo, arm: str, model: ZooModel, n_classes: int, seed: int) -> nn.Module:
    """What an arm fine-tunes: a model, or a network with its choices and other weights."""
    if arm == SCRATCH:
        with drawn_from(seed):
            return zoo.base.family.with_classes(n_classes).build(model.genotype)
    if arm == BASE:
        return new_head(zoo.base.extract(model.genotype), n_classes, seed)
    return zoo.network(model, n_classes, seed)


def summary(curves: pd.DataFrame) -> pd.DataFrame:
    """What curves of :func:`retrieve_and_tune` say in short: a row for each arm and seed, the means over unseen tasks.

    Returns:
        ``area`` under the curve, as a mean accuracy in %; ``final`` accuracy; ``saved``, the share in % of all steps that are
        left when an arm is as accurate as the network from scratch is at the end, 0 if it never is, and ``reached``, the
        share in % of tasks where it is.
    """
    final = curves.sort_values("step").groupby(["arm", "seed", "task"], sort=False).accuracy.last()
    rows = []
    for (arm, seed, task), own in curves.groupby(["arm", "seed", "task"], sort=False):
        step = first_reached(own.step, own.accuracy, final[SCRATCH, seed, task])
        about = {"arm": arm, "seed": seed, "area": mean_height(own.step, own.accuracy), "final": final[arm, seed, task]}
        rows.append({**about, "saved": 100 * max(0, 1 - step / own.step.max()), "reached": 100.0 * np.isfinite(step)})
    return pd.DataFrame(rows).groupby(["arm", "seed"], as_index=False, sort=False).mean()


def retrieval_ms(n_models: int, n_repeats: int = 20) -> float:
    """Median time in ms to find the ten models of a zoo that are nearest to a task."""
    models, query, times = torch.randn(n_models, N_DIMS), torch.randn(N_DIMS), list[float]()
    for _ in range(n_repeats):
        start = perf_counter()
        nearest(query, models, N_NEAR)
        times.append(1000 * (perf_counter() - start))
    return float(np.median(times))
