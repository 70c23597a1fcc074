"""How well supernets with several copies of the weights rank configurations of pooling: the paper's own, and miniatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.benchmarks.cells_problem import MACS, tau
from nastoolkit.benchmarks.named_task import NamedTask
from nastoolkit.measurements import Accuracy, ground_truth
from nastoolkit.published.pooled_resnet20 import PooledNetworks
from nastoolkit.statistics import partial_correlation, rank_contributions
from nastoolkit.supernets import Supernet
from nastoolkit.systems.balanced_mixture.assignment import LEARNED, RANDOM, UNBALANCED, BalancedMixture
from nastoolkit.systems.balanced_mixture.pooling import RESNET20, PoolingFamily
from nastoolkit.tasks import Task
from nastoolkit.tasks.fitting import ends_for
from nastoolkit.training import Recipe, fit, targets_only

PRINTED: dict[int | str, str] = {
    1: "0.142",
    2: "0.311",
    4: "0.533",
    8: "0.530",
}  # Figure 3: Kendall's tau, by copies


@dataclass(frozen=True, kw_only=True)
class PoolingProblem(NamedTask):
    """Configurations of pooling of one residual network, and a task.

    Attributes:
        image_size: Height and width of what networks see.
        widths: Channels of the stem and of each block.
    """

    image_size: int
    widths: Sequence[int]

    def family(self, n_copies: int = 1) -> PoolingFamily:
        """The networks, for images of the task, with so many copies of the weights.

        Raises:
            ValueError: There are more copies than configurations, or the task has no images or no classes.
        """
        sizes = {"image_size": self.image_size, "n_copies": n_copies, **ends_for(self.task)}
        table = replace(RESNET20, widths=tuple(self.widths), **sizes)
        return PoolingFamily(f"{self.task_name}-poolings", table)

    @property
    def configurations(self) -> np.ndarray:
        """All genotypes ``(c, 2)``, of the first copy."""
        n = len(self.family().table.configurations)
        return np.stack([np.arange(n), np.zeros(n, int)], axis=1)

    def true_accuracies(self, recipe: Recipe, n_seeds: int, folder: str | Path, n_workers: int, device: str) -> np.ndarray:
        """Test accuracies ``(c, n_seeds)`` in % of all configurations, each trained alone."""
        how: dict[str, Any] = {"split": "test", "n_workers": n_workers, "device": device}
        return ground_truth(self.family(), self.task, recipe, self.configurations, range(n_seeds), folder, **how)


def arms_of(copies: Sequence[int], n_steps: int) -> dict[str, dict[str, Any]]:
    """Arguments of :func:`rank_poolings` by which arms differ.

    Args:
        copies: Numbers of copies; the last one is also assigned at random, not balanced, and has a rival: one copy that is
            trained as long as each of its copies is on average.
        n_steps: Number of training steps.
    """
    most, learned = copies[-1], {"rule": LEARNED, "n_steps": n_steps}
    arms = {f"M = {n}": {"n_copies": n, **learned} for n in copies}
    arms |= {f"M = {most}, {rule}": {"n_copies": most, **learned, "rule": rule} for rule in (RANDOM, UNBALANCED)}
    return arms | {f"M = 1, 1/{most} of the steps": {"n_copies": 1, **learned, "n_steps": n_steps // most}}


def rank_poolings(
    problem: dict[str, Any],
    n_copies: int,
    rule: str,
    seed: int,
    n_steps: int,
    n_epochs: int,
    batch_size: int,
    optimizer: str,
    learning_rate: float,
    highest: float,
    decay: float,
    n_calibration: int,
    device: str,
) -> list[dict[str, Any]]:
    """Train copies of a supernet, and rank all configurations by what they inherit; a job of a grid.

    Args:
        problem: Values of a :class:`PoolingProblem`.
        n_copies: Number of copies.
        rule: How configurations get copies; see :class:`BalancedMixture`, also for ``highest`` and ``decay``.
        seed: Seed of weights, data, configurations and copies.
        n_steps: Number of training steps of all copies together.
        n_epochs: Number of times that copies are balanced.
        batch_size: Examples a step, and as many for validation.
        optimizer: Optimiser; see :class:`nastoolkit.training.Recipe`.
        learning_rate: Its highest learning rate, from which a cosine leads to 0.
        highest: Highest temperature.
        decay: Share of a score that stays at a step.
        n_calibration: Training images for batch normalisation.
        device: Where to train.

    Returns:
        A row for each epoch: its number ``epoch``, and ``busiest``, the largest share of its steps that a copy had. A row for
        each configuration: its ``place`` and name, its ``copy``, and what it inherits from it on validation images: its
        ``accuracy`` in %, and ``likelihood``, the mean log-likelihood of the right classes in nats. A row with
        ``seconds``, the processor time of all, and ``late``, the largest share of the last quarter's steps that a copy had.

    Raises:
        ValueError: There are more copies than configurations, or no such rule.
    """
    start, given = process_time(), PoolingProblem(**problem)
    supernet = Supernet(given.family(n_copies), seed=seed).to(device)
    n_epoch = max(1, n_steps // n_epochs)
    sampler = BalancedMixture(supernet, given.task, n_steps, n_epoch, batch_size, seed, rule, highest, decay)
    recipe = Recipe(n_steps, batch_size, learning_rate, weight_decay=2.5e-4, seed=seed, optimizer=optimizer)
    fit(supernet, given.task, sampler, targets_only, recipe, progress=False)
    traffic = enumerate(sampler.traffic)
    rows: list[dict[str, Any]] = [{"epoch": number, "busiest": busiest(steps)} for number, steps in traffic]
    rows += _inherited(supernet, given.task, sampler, n_calibration)
    last = sampler.traffic[-max(1, len(sampler.traffic) // 4) :].sum(axis=0)
    return [*rows, {"seconds": process_time() - start, "late": busiest(last)}]


def busiest(steps: np.ndarray) -> float:
    """The largest share that a copy has of all steps, from the number of steps of each ``(m,)``."""
    return float(steps.max() / steps.sum())


def _inherited(supernet: Supernet, task: Task, sampler: BalancedMixture, n_calibration: int) -> list[dict[str, Any]]:
    """What each configuration inherits from its likeliest copy."""
    measure, rows = Accuracy(supernet, task, n_calibration=n_calibration, progress=False), list[dict[str, Any]]()
    for place, copy in enumerate(sampler.copies.tolist()):
        (logits,), classes = measure.predictions(np.array([place, copy]))
        name = supernet.family.table.configurations[place]
        said = {"accuracy": task.score(logits, classes), "likelihood": -float(task.loss(logits, classes))}
        rows.append({"place": place, "configuration": name, "copy": copy, **said, "score": sampler.scores[place].max()})
    return rows


def ranked(
    found: pd.DataFrame, problems: Sequence[PoolingProblem], truths: Mapping[str, np.ndarray], judge: str = "likelihood"
) -> pd.DataFrame:
    """How well each supernet ranks, and what it would choose.

    Args:
        found: Rows of :func:`rank_poolings`, with columns ``task``, ``arm`` and ``seed``.
        problems: The problems.
        truths: True accuracy of each configuration ``(c,)`` in %, by tasks.
        judge: Column that ranks; the greater, the better.

    Returns:
        A row for each task, arm and seed, ``MACS`` among the arms, which needs no supernet: Kendall's ``tau``; tau with MACs
        partialled out, ``beyond MACs``; ``gain``, how many points better the chosen configuration truly is than the default
        one; ``chosen``, its name; and ``late``, as in ``found``.
    """
    rows = []
    for problem in problems:
        family, truth = problem.family(), truths[problem.task_name]
        names, macs = family.table.configurations, family.macs(problem.configurations)
        default = truth[names.index(family.table.default)]
        own = found[found.task == problem.task_name].dropna(subset="place").groupby(["arm", "seed"], sort=False)[judge]
        said = {key: group.to_numpy() for key, group in own}
        said |= {(MACS, seed): macs for seed in dict.fromkeys(seed for _, seed in said)}
        for (arm, seed), values in said.items():
            best = int(values.argmax())
            told = {"task": problem.task_name, "arm": arm, "seed": seed, **_correlations(values, truth, macs)}
            rows.append({**told, "gain": truth[best] - default, "chosen": names[best]})
    late = found.dropna(subset="late")[["task", "arm", "seed", "late"]]
    return pd.DataFrame(rows).merge(late, on=["task", "arm", "seed"], how="left")


def _correlations(values: np.ndarray, truth: np.ndarray, macs: np.ndarray) -> dict[str, float]:
    """Kendall's tau of values ``(n,)`` with the truth, and what is left of it without MACs."""
    with_truth, with_macs = tau(values, truth), tau(values, macs)
    return {"tau": with_truth, "beyond MACs": partial_correlation(with_truth, with_macs, tau(truth, macs))}


def reread(table: PooledNetworks) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rankings by the published supernets of the published truth.

    Args:
        table: The 36 configurations of ResNet20.

    Returns:
        A row for each number of copies, and for ``MACS``: ``tau``; ``cut``, its first three digits; those that are
        ``printed``; ``beyond MACs``; the configuration ``chosen``, and how many points better than the default it is, its
        ``gain``. And what each configuration adds to each tau, whose mean it is: a column for each of these.
    """
    family = PoolingFamily("resnet20", RESNET20)
    places = [family.table.configurations.index(name) for name in table.configurations]
    macs = family.macs(np.stack([places, np.zeros(len(places), int)], axis=1))
    rows, parts = [], dict[int | str, np.ndarray]()
    supernets: dict[Any, np.ndarray] = {**table.shared, MACS: macs}
    for arm, values in supernets.items():
        best = int(values.argmax())
        said = _correlations(values, table.alone, macs)
        gain = table.alone[best] - table.alone[table.configurations.index(RESNET20.default)]
        told = {"arm": arm, **said, "cut": np.floor(1000 * said["tau"]) / 1000, "printed": PRINTED.get(arm)}
        rows.append({**told, "chosen": table.configurations[best], "gain": gain})
        parts[arm] = rank_contributions(values, table.alone)
    return pd.DataFrame(rows), pd.DataFrame(parts)
