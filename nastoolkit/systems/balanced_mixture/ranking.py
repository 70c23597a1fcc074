"""How well supernets with several copies of the weights rank configurations of pooling: the paper's own, and miniatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from time import process_time
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.measurements import Accuracy
from nastoolkit.published.pooled_resnet20 import PooledNetworks
from nastoolkit.statistics import partial_correlation, rank_contributions, rank_correlation
from nastoolkit.supernets import Supernet
from nastoolkit.systems.balanced_mixture.assignment import LEARNED, RANDOM, UNBALANCED, BalancedMixture
from nastoolkit.systems.balanced_mixture.pooling import RESNET20, PoolingFamily, PoolingTable
from nastoolkit.tasks import Task, load_task
from nastoolkit.training import Recipe, fit, targets_only

MACS = "log MACs"
DEFAULT = "4-3-3"  # of ResNet20
PRINTED = {1: "0.142", 2: "0.311", 4: "0.533", 8: "0.530"}  # [Javan2023], Figure 3: Kendall's tau, by copies


@dataclass(frozen=True, kw_only=True)
class PoolingProblem:
    """Configurations of pooling of one residual network, and a task.

    Attributes:
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        image_size: Height and width of what networks see.
        widths: Channels of the stem and of each block.
    """

    task_name: str
    image_size: int
    widths: Sequence[int]

    @cached_property
    def task(self) -> Task:
        """The task."""
        return load_task(self.task_name)

    def family(self, n_copies: int = 1) -> PoolingFamily:
        """The networks, for images of the task, with so many copies of the weights.

        Raises:
            ValueError: There are more copies than configurations.
        """
        inputs = next(self.task.split("train").batches(1)).inputs
        sizes = {"image_size": self.image_size, "widths": tuple(self.widths), "n_copies": n_copies}
        table = replace(RESNET20, image_channels=inputs.shape[1], n_classes=self.task.n_classes, **sizes)  # type: ignore[attr-defined]
        return PoolingFamily(f"{self.task_name}-poolings", table)

    @property
    def configurations(self) -> np.ndarray:
        """All genotypes ``(c, 2)``, of the first copy."""
        n = len(self.family().table.configurations)
        return np.stack([np.arange(n), np.zeros(n, int)], axis=1)

    def as_argument(self) -> dict[str, Any]:
        """Its values, for a job."""
        return asdict(self)


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
        learning_rate: Learning rate of SGD in the beginning.
        highest: Highest temperature.
        decay: Share of a score that stays at a step.
        n_calibration: Training images for batch normalisation.
        device: Where to train.

    Returns:
        A row for each epoch: its number ``epoch``, and ``busiest``, the largest share of its steps that a copy had. A row for
        each configuration: its ``place`` and name, its ``copy``, and what it inherits from it on validation images: its
        ``accuracy`` in %, and ``likelihood``, the mean log-likelihood of the right classes in nats. A row with
        ``seconds``, the processor time of all.

    Raises:
        ValueError: There are more copies than configurations, or no such rule.
    """
    start, given = process_time(), PoolingProblem(**problem)
    supernet = Supernet(given.family(n_copies), seed=seed).to(device)
    n_epoch = max(1, n_steps // n_epochs)
    sampler = BalancedMixture(supernet, given.task, n_steps, n_epoch, batch_size, seed, rule, highest, decay)
    how: dict[str, Any] = {"weight_decay": 2.5e-4, "clip_norm": 5.0, "optimizer": "sgd", "warm_up": 0.0}
    fit(supernet, given.task, sampler, targets_only, Recipe(n_steps, batch_size, learning_rate, seed=seed, **how), progress=False)
    shares = sampler.traffic / sampler.traffic.sum(axis=1, keepdims=True)
    rows: list[dict[str, Any]] = [{"epoch": number, "busiest": share} for number, share in enumerate(shares.max(axis=1).tolist())]
    rows += _inherited(supernet, given.task, sampler, n_calibration)
    return [*rows, {"seconds": process_time() - start}]


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
        A row for each task, arm and seed, ``MACS`` among the arms, which needs no supernet: Kendall's ``tau``; ``beyond MACs``,
        tau with MACs partialled out; ``gain``, how many points better the chosen configuration truly is than the default
        one; and ``chosen``, its name.
    """
    rows = []
    for problem in problems:
        truth, names = truths[problem.task_name], problem.family().table.configurations
        macs, default = problem.family().macs(problem.configurations), truth[names.index(DEFAULT)]
        own = found[found.task == problem.task_name].dropna(subset="place").groupby(["arm", "seed"], sort=False)[judge]
        said = {key: group.to_numpy() for key, group in own}
        said |= {(MACS, seed): macs for seed in dict.fromkeys(seed for _, seed in said)}
        for (arm, seed), values in said.items():
            best = int(values.argmax())
            told = {"task": problem.task_name, "arm": arm, "seed": seed, **_correlations(values, truth, macs)}
            rows.append({**told, "gain": truth[best] - default, "chosen": names[best]})
    return pd.DataFrame(rows)


def _correlations(values: np.ndarray, truth: np.ndarray, macs: np.ndarray) -> dict[str, float]:
    """Kendall's tau of values ``(n,)`` with the truth, and what is left of it without MACs."""
    tau, by_macs, of_macs = (rank_correlation(*pair).value for pair in ((values, truth), (values, macs), (truth, macs)))
    return {"tau": tau, "beyond MACs": partial_correlation(tau, by_macs, of_macs)}


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
    rows, parts = [], {}
    for arm, values in {**table.shared, MACS: macs}.items():
        best = int(values.argmax())
        said = _correlations(values, table.alone, macs)
        gain = table.alone[best] - table.alone[table.configurations.index(DEFAULT)]
        told = {"arm": arm, **said, "cut": np.floor(1000 * said["tau"]) / 1000, "printed": PRINTED.get(arm)}
        rows.append({**told, "chosen": table.configurations[best], "gain": gain})
        parts[arm] = rank_contributions(values, table.alone)
    return pd.DataFrame(rows), pd.DataFrame(parts)
