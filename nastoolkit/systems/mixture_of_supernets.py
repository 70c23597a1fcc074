"""Mixture-of-Supernets: feed-forward weights mixed for each sub-network, compared with one set of weights for all.

[Jawahar2023] G. Jawahar et al., "Mixture-of-Supernets: Improving Weight-Sharing Supernet Training with
Architecture-Routed Mixture-of-Experts", arXiv 2306.04845: its supernets come nearer to what sub-networks reach when each is
trained alone than HAT's, and so give better trade-offs of quality and cost. The rule is
:class:`nastoolkit.supernets.ExpertMixture`.
[Wang2020] H. Wang et al., "HAT: Hardware-Aware Transformers for Efficient Natural Language Processing", ACL 2020: the family
of networks, and the search by validation loss.

Differs from the paper in: losses of sub-networks are compared instead of BLEU, which saturates in the miniature; MACs bound
the search instead of latency; OFA's evolutionary search replaces HAT's, which has other settings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from nastoolkit.blocks import Inputs
from nastoolkit.families import FAMILIES, Family
from nastoolkit.families.hat import HATFamily
from nastoolkit.families.translator import EOS, PAD
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.predictors import kendall_tau
from nastoolkit.studies import optimize
from nastoolkit.supernets import ExpertMixture, SharingRule, Slice, Supernet
from nastoolkit.supernets.experts import ARCHITECTURE, FIXED, LAYER, NEURON
from nastoolkit.systems.card import Card
from nastoolkit.tasks import Task, load_task
from nastoolkit.training import Optimizer, Recipe, Sandwich, fit, targets_only
from nastoolkit.training.passes import Passes

CARD = Card(
    name="mixture_of_supernets",
    title="Mixture-of-Supernets: Improving Weight-Sharing Supernet Training with Architecture-Routed Mixture-of-Experts",
    paper="2306.04845",
    claim="Experts of feed-forward weights, mixed by a router that reads the architecture, bring sub-networks with inherited "
    "weights nearer to what they reach alone.",
    methods=("sharing_of", "inherited_losses", "searched_losses"),
    notebooks=("gap_to_training_alone",),
    taught_in="docs/how_to_family.md",
    needs="WMT14 English-German with HAT's dictionary, a GPU",
)

HAT, LAYER_WISE, NEURON_WISE, FIXED_INPUT = "HAT", "layer-wise", "neuron-wise", "fixed input"
ARMS = (HAT, LAYER_WISE, NEURON_WISE, FIXED_INPUT)


def sharing_of(arm: str, n_experts: int, router_width: int) -> SharingRule:
    """The sharing rule of an arm; the last one is a control with all parameters of the third, but no routing.

    Args:
        arm: One of ``ARMS``.
        n_experts: Number of copies of feed-forward weights; HAT has one.
        router_width: Number of hidden units of routers.

    Raises:
        ValueError: The arm is unknown.
    """
    if arm not in ARMS:
        raise ValueError(f"unknown arm {arm!r}; known: {', '.join(ARMS)}")
    if arm == HAT:
        return Slice()
    gate, given = (LAYER if arm == LAYER_WISE else NEURON), (FIXED if arm == FIXED_INPUT else ARCHITECTURE)
    return ExpertMixture(n_experts, gate, given, router_width)


def family_of(name: str, table: Mapping[str, Any]) -> HATFamily:
    """One of HAT's families with some changed values in its table; tuples are given as lists.

    Raises:
        ValueError: The name is not one of HAT's families.
    """
    family = FAMILIES[name]()
    if not isinstance(family, HATFamily):
        raise ValueError(f"{name!r} is not a family of HAT's Transformers, such as number-words-transformer or hat-wmt")
    changed = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return HATFamily(name, replace(family.table, **changed))


def spread_by_macs(family: Family, n: int, seed: int = 0) -> np.ndarray:
    """Sub-networks ``(n, d)`` from the smallest to the largest, with random ones between them, evenly spaced in MACs.

    Raises:
        ValueError: There are fewer than three.
    """
    if n < 3:
        raise ValueError(f"at least 3 sub-networks are needed, the smallest, the largest and one between; got {n}")
    space = family.space
    drawn = space.sample(1000, np.random.default_rng(seed))
    least, most = family.macs(np.stack([space.smallest, space.largest]))
    levels = np.linspace(least, most, n)[1:-1]
    nearest = np.abs(family.macs(drawn)[:, None] - levels).argmin(axis=0)
    return np.concatenate([[space.smallest], drawn[nearest], [space.largest]])


def by_likelihood(task_name: str) -> Task:
    """A translation task judged by the mean log-likelihood of the right tokens; its negative is the loss."""
    task = copy(load_task(task_name))
    names = {"name": f"{task_name}, by likelihood", "metric": "log_likelihood", "unit": "nats"}
    vars(task).update(names, predict=log_likelihoods, score=mean_log_likelihood)
    return task


def log_likelihoods(network: nn.Module, inputs: Inputs) -> torch.Tensor:
    """Log-likelihood ``(n, t)`` of each right token, given the tokens before it; 0 for padding.

    The right token at a place is the one that the decoder reads at the next place, or the end token.
    """
    _, target_in = inputs
    following = nn.functional.pad(target_in[:, 1:], (0, 1), value=PAD)
    right = following.masked_fill(following == PAD, EOS)
    found = network(inputs).log_softmax(-1).gather(-1, right[..., None]).squeeze(-1)
    return found.masked_fill(target_in == PAD, 0.0)


def mean_log_likelihood(found: torch.Tensor, targets: torch.Tensor) -> float:
    """The mean over all tokens except padding."""
    return found.double().sum().item() / int((targets != PAD).sum())


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A supernet to train, in plain values for jobs.

    Attributes:
        family_name: Key of ``FAMILIES``, for one of HAT's families.
        table: See :func:`family_of`.
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        arm: One of ``ARMS``.
        seed: Seed of the data, the paths and the initial weights, which arms share.
        mixture: Arguments of :func:`sharing_of`.
        training: Values of a :class:`nastoolkit.training.Recipe`, without the seed.
        folder: Folder that keeps the training, so that a killed one can continue.
        device: Device for training and measuring.
    """

    family_name: str
    table: dict[str, Any]
    task_name: str
    arm: str
    seed: int
    mixture: dict[str, int]
    training: dict[str, Any]
    folder: str
    device: str

    def trained(self) -> Supernet:
        """The supernet trained by the sandwich rule, with targets as labels for every path; the same at every call."""
        family = family_of(self.family_name, self.table)
        supernet = Supernet(family, sharing_of(self.arm, **self.mixture), self.seed).to(self.device)
        paths, recipe = Sandwich(family.space, n_random=1, seed=self.seed), Recipe(seed=self.seed, **self.training)
        fit(supernet, load_task(self.task_name), paths, targets_only, recipe, progress=False, resume=self.file)
        return supernet

    @property
    def file(self) -> Path:
        """The file that keeps the training, in one folder for each set of values shared by arms and seeds."""
        shared = [self.family_name, self.table, self.task_name, self.mixture, self.training]
        made_of = hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:8]
        return Path(self.folder) / made_of / f"{self.arm} {self.seed}.pt"


def inherited_losses(trial: dict[str, Any], arm: str, seed: int, n_networks: int) -> pd.DataFrame:
    """Losses on test sentences with weights from an arm's supernet; a job of a grid.

    Args:
        trial: Values of a :class:`Trial`, without arm and seed.
        arm: Arm of the trial.
        seed: Seed of the trial.
        n_networks: Number of sub-networks; see :func:`spread_by_macs`.

    Returns:
        A row for each sub-network: its place ``network``, its ``mmacs``, and its ``loss`` in nats per token.
    """
    one = Trial(**trial, arm=arm, seed=seed)
    supernet = one.trained()
    genotypes = spread_by_macs(supernet.family, n_networks)
    losses = -Accuracy(supernet, by_likelihood(one.task_name), "test", progress=False)(genotypes)[:, 0]
    return pd.DataFrame({"network": range(n_networks), "mmacs": supernet.family.mmacs(genotypes), "loss": losses})


def searched_losses(
    trial: dict[str, Any],
    arm: str,
    seed: int,
    bounds: list[float],
    algorithm: str,
    budget: int,
    population: int,
    n_validation: int,
) -> pd.DataFrame:
    """The sub-networks with the least validation loss under bounds on MACs, and their test losses; a job of a grid.

    Args:
        trial: Values of a :class:`Trial`, without arm and seed.
        arm: Arm of the trial.
        seed: Seed of the trial and of the searches.
        bounds: Bounds as shares of the largest sub-network's MACs, one for each search.
        algorithm: Key of ``ALGORITHMS``.
        budget: Number of evaluations of a search.
        population: Number of sub-networks that it proposes at a time.
        n_validation: Number of validation sentences for the search.

    Returns:
        A row for each bound: ``bound``, the ``mmacs`` of the best sub-network, and its ``loss`` in nats per token.
    """
    one = Trial(**trial, arm=arm, seed=seed)
    supernet, task, rows = one.trained(), by_likelihood(one.task_name), []
    family, quality = supernet.family, Objective(task.metric, "max", task.unit)
    validation = Accuracy(supernet, task, progress=False, n_images=n_validation)
    test = Accuracy(supernet, task, "test", progress=False)
    for bound in bounds:
        most = bound * float(family.mmacs(family.space.largest))
        cost = Objective("mmacs", "min", "M", exact=family.mmacs, at_most=most)
        how: dict[str, Any] = {"budget": budget, "seed": seed, "population": population, "progress": False}
        history = optimize(family.space, validation, [quality, cost], algorithm, **how)
        best = history.genotypes[np.where(history.values[:, 1] <= most, history.values[:, 0], -np.inf).argmax()]
        rows.append({"bound": bound, "mmacs": float(family.mmacs(best)), "loss": -float(test(best).item())})
    return pd.DataFrame(rows)


def gaps(found: pd.DataFrame, alone: np.ndarray) -> pd.DataFrame:
    """Distance of inherited losses from those of training alone: the mean absolute difference over sub-networks.

    Args:
        found: Rows of :func:`inherited_losses`, of all arms and seeds.
        alone: Losses ``(n_networks,)`` of the same sub-networks, trained alone.

    Returns:
        A row for each seed, a column for each arm.
    """
    losses = found.pivot_table("loss", ["seed", "arm"], "network", sort=False)
    return (losses - alone).abs().mean(axis=1).unstack("arm")[list(ARMS)]


def agreements(found: pd.DataFrame, alone: np.ndarray) -> pd.DataFrame:
    """Kendall's tau between inherited losses and those of training alone; arguments and result are those of :func:`gaps`."""
    losses = found.pivot_table("loss", ["seed", "arm"], "network", sort=False)
    return losses.apply(lambda row: kendall_tau(alone, row), axis=1).unstack("arm")[list(ARMS)]


def step_ratios(family: Family, task: Task, mixture: Mapping[str, int], batch_size: int, n_pairs: int) -> pd.Series:
    """Processor time of each arm's training step divided by that of HAT: medians of steps side by side."""
    supernets = {arm: Supernet(family, sharing_of(arm, **mixture)).train() for arm in ARMS}
    recipe, paths = Recipe(n_steps=n_pairs + 2, batch_size=batch_size), Sandwich(family.space, n_random=1)
    passes = {arm: Passes(supernet, task, paths, targets_only, recipe) for arm, supernet in supernets.items()}
    optimizers = {arm: Optimizer(supernet.parameters(), recipe) for arm, supernet in supernets.items()}
    runs = [{arm: _seconds(passes[arm], optimizers[arm], n) for arm in ARMS} for n in range(n_pairs + 2)]
    seconds = pd.DataFrame(runs[2:])
    return seconds.div(seconds[HAT], axis=0).median()


def _seconds(passes: Passes, optimizer: Optimizer, number: int) -> float:
    start = process_time()
    passes.step(number)
    optimizer.step()
    return process_time() - start
