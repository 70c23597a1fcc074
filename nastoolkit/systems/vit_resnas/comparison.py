"""What the study's jobs do: inherited accuracies, searches within a band of MACs, and networks trained alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks.named_task import NamedTask
from nastoolkit.families import FAMILIES, Family
from nastoolkit.families.multi_stage_vit import MultiStageViTFamily
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.space import SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.supernets import Supernet
from nastoolkit.systems.vit_resnas.masked import RowMasked
from nastoolkit.systems.vit_resnas.training import SANDWICH, train, training_macs
from nastoolkit.tasks import Task
from nastoolkit.tasks.fitting import ends_for
from nastoolkit.training import Fixed, Recipe, fit, targets_only

SEARCHED, RANDOM, UNIFORM = "searched", "random", "uniformly scaled"
BAND = 0.975  # least share of the budget of MACs that a searched network spends


@dataclass(frozen=True, kw_only=True)
class Problem(NamedTask):
    """Multi-stage ViTs for the images of a task.

    Attributes:
        image_size: Height and width of its images, in pixels; patches are as many as in the family's table.
        family_name: Key of ``FAMILIES``, of a family of multi-stage ViTs.

    Raises:
        ValueError: It is none of these.
    """

    image_size: int
    family_name: str

    def __post_init__(self) -> None:
        if not isinstance(FAMILIES[self.family_name](), MultiStageViTFamily):
            raise ValueError(f"{self.family_name!r} is not a family of multi-stage ViTs, such as digits-multi-stage-vit")

    def family(self, has_skip: bool = True, depth: int = 1) -> MultiStageViTFamily:
        """The networks; with or without the skip of spatial reductions, and with some times as many layers."""
        table = FAMILIES[self.family_name]().table
        patch = self.image_size * table.patch_size // table.image_size
        stages = tuple(replace(stage, n_layers=depth * stage.n_layers) for stage in table.stages)
        sizes = {"image_size": self.image_size, "patch_size": patch, **ends_for(self.task)}
        return MultiStageViTFamily(self.family_name, replace(table, stages=stages, has_skip=has_skip, **sizes))


def inherited(
    problem: dict[str, Any],
    arm: str,
    seed: int,
    training: dict[str, Any],
    warm_up: float,
    n_paths: int,
    n_judged: int,
    n_images: int,
    levels: list[float],
    budget: int,
    population: int,
    device: str,
) -> list[dict[str, Any]]:
    """Train a supernet, judge random sub-networks and search some; a job of a grid.

    Args:
        problem: Values of a :class:`Problem`.
        arm: One of ``ARMS``.
        seed: Seed of weights, data, paths and searches; arms share it.
        training: Values of a :class:`nastoolkit.training.Recipe`, without the seed; its steps are passes.
        warm_up: Share of the steps in which options open.
        n_paths: Number of sub-networks in one pass of many.
        n_judged: Number of random sub-networks.
        n_images: Number of images that they are judged on, of the test split, and that searches look at, of validation.
        levels: A search for each, for as many MACs as the network has that :func:`uniformly_scaled` makes.
        budget: Number of evaluations of a search.
        population: Number of sub-networks that it proposes at a time.
        device: Where to train and measure.

    Returns:
        One row with ``passes``, the ``gmacs`` of forward passes in training, and ``spread``, the standard deviation of the
        loss over the last quarter of the steps, if it is one of random paths. A row for each sub-network: ``network``, its
        number, its ``accuracy`` in % and the mean negative log-likelihood ``nll`` in nats. A row for each search, with these,
        its ``level``, ``mmacs`` and the options ``found``.
    """
    given, recipe = Problem(**problem), Recipe(seed=seed, **training)
    supernet = RowMasked(given.family(), seed=seed).to(device)
    done = list(train(supernet, given.task, arm, recipe, warm_up, n_paths))
    macs = sum(training_macs(supernet, sampler, len(losses), recipe.batch_size) for sampler, losses in done)
    last = np.concatenate([losses for _, losses in done])[-max(2, len(done[-1][1]) // 3) :]
    spent = {"passes": sum(len(losses) * len(sampler.draw(0)) for sampler, losses in done), "gmacs": macs / 1e9}
    rows: list[dict[str, Any]] = [{**spent, "spread": float("nan") if arm == SANDWICH else float(last.std())}]
    drawn = supernet.family.space.sample(n_judged, np.random.default_rng(0))
    rows += [{"network": number, **judged(supernet, given.task, one, n_images)} for number, one in enumerate(drawn)]
    for level in levels:
        best = searched(supernet, given.task, level, budget, population, seed, n_images)
        about = {"level": level, "mmacs": float(supernet.family.mmacs(best)), "found": supernet.family.space.decode(best)}
        rows.append({**about, **judged(supernet, given.task, best, n_images)})
    return rows


def judged(supernet: Supernet, task: Task, genotype: np.ndarray, n_images: int | None = None) -> dict[str, float]:
    """Accuracy in % and mean negative log-likelihood in nats of a sub-network with a supernet's weights, on test images."""
    measure = Accuracy(supernet, task, "test", n_calibration=250, progress=False, n_images=n_images)
    (logits,), classes = measure.predictions(genotype)
    return {"accuracy": task.score(logits, classes), "nll": float(task.loss(logits, classes))}


def uniformly_scaled(space: SearchSpace, level: float) -> np.ndarray:
    """The sub-network ``(d,)`` with all layers and with the option of every other choice at a level from 0 to 1."""
    chosen = {}
    for choice in space.choices:
        options = sorted(choice.options)
        chosen[choice.name] = options[-1 if choice.kind == "depth" else round(level * (len(options) - 1))]
    return space.encode(chosen)


def searched(
    supernet: Supernet, task: Task, level: float, budget: int, population: int, seed: int, n_images: int
) -> np.ndarray:
    """The sub-network ``(d,)`` of the best validation accuracy in the band of MACs just below a uniformly scaled one's."""
    family: Family = supernet.family
    most = float(family.mmacs(uniformly_scaled(family.space, level)))
    macs = Objective("mmacs", "min", "M", family.mmacs, at_most=most, at_least=BAND * most)
    goals = [Objective(task.metric, "max", task.unit), macs]
    validation = Accuracy(supernet, task, n_calibration=250, progress=False, n_images=n_images)
    how: dict[str, Any] = {"budget": budget, "seed": seed, "population": population, "progress": False}
    history = optimize(family.space, validation, goals, "ofa_evolution", **how)
    return history.genotypes[np.where(macs.violation(history.values[:, 1]) > 0, -np.inf, history.values[:, 0]).argmax()]


def of_equal_macs(problem: dict[str, Any], level: float, seed: int, found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Options of three networks of as many MACs: the one that was found, a random one of its band, the uniformly scaled one.

    Raises:
        ValueError: There are hardly any in the band.
    """
    family = Problem(**problem).family()
    uniform = uniformly_scaled(family.space, level)
    shares = family.macs(drawn := family.space.sample(10_000, np.random.default_rng(seed))) / family.macs(uniform)
    if not (near := drawn[(shares >= BAND) & (shares <= 1)]).size:
        raise ValueError(
            f"none of 10,000 random networks has {100 * BAND} to 100 % of the MACs at level {level}: try another level"
        )
    return {SEARCHED: found, RANDOM: family.space.decode(near[0]), UNIFORM: family.space.decode(uniform)}


def alone(
    problem: dict[str, Any],
    seed: int,
    training: dict[str, Any],
    has_skip: bool,
    depth: int,
    options: dict[str, Any] | None,
    device: str,
) -> list[dict[str, float]]:
    """Train one network from scratch and judge it on all test images; a job of a grid.

    Args:
        problem: Values of a :class:`Problem`.
        seed: Seed of weights and data.
        training: Values of a :class:`nastoolkit.training.Recipe`, without the seed.
        has_skip: Whether spatial reductions have a skip.
        depth: How many times as many layers as the family has.
        options: The network's options by name; None for the largest one.
        device: Where to train.

    Returns:
        One row: its ``mmacs``, ``accuracy`` in % and ``nll`` in nats.
    """
    given = Problem(**problem)
    family = given.family(has_skip, depth)
    genotype = family.largest if options is None else family.space.encode(options)
    supernet = Supernet(family, seed=seed).to(device)
    fit(supernet, given.task, Fixed(genotype), targets_only, Recipe(seed=seed, **training), progress=False)
    return [{"mmacs": float(family.mmacs(genotype)), **judged(supernet, given.task, genotype)}]


def gains(found: pd.DataFrame, arm: str, other: str) -> pd.DataFrame:
    """How much better an arm's random sub-networks are than another's: means over networks, a row for each task and seed.

    Returns:
        Columns ``task``, ``seed``, ``points``, of accuracy, and ``percent``, 100 times the logarithm of the ratio of mean
        negative log-likelihoods, which is about a percentage where it is small.
    """
    means = found.dropna(subset="network").groupby(["task", "seed", "arm"], sort=False)[["accuracy", "nll"]].mean()
    ours, theirs = (means.xs(name, level="arm") for name in (arm, other))
    percent = 100 * np.log(theirs.nll / ours.nll)
    return pd.DataFrame({"points": ours.accuracy - theirs.accuracy, "percent": percent}).reset_index()
