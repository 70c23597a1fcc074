"""Jobs of the notebook: searches with and without entropy, and other ways to share, from the same pre-trained towers."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from nastoolkit.blocks import channels_last
from nastoolkit.measurements.accuracy import predictions
from nastoolkit.randomness import drawn_from
from nastoolkit.supernets.calibration import calibrate_batchnorm
from nastoolkit.systems.mtl_nas.network import Gated, Shape, Tower, Towers
from nastoolkit.systems.mtl_nas.search import Search, entropies, train
from nastoolkit.tasks import load_task
from nastoolkit.tasks.scenes import Scenes, check_scenes
from nastoolkit.training import Recipe

SINGLE, SHARED, NDDR, ALL, RANDOM = "single tasks", "hard sharing", "NDDR", "all edges", "random gates"
ENTROPY, PLAIN = "MTL-NAS", "without entropy"
SOFT, HARD, AGAIN, AS_MANY_PASSES = "relaxed", "discrete", "discrete, trained again", "discrete, as many passes"
CALIBRATED = ", calibrated"  # follows the names of both forms that a search has


def compare(
    task_name: str,
    sizes: dict[str, Any],
    seed: int,
    n_pretraining: int,
    training: dict[str, Any],
    gate_rate: float,
    entropy_weight: float,
    n_random: int,
    device: str,
) -> list[dict[str, Any]]:
    """Train all arms from the same towers; a job of a grid.

    All arms take as many steps of the weights. A step of a search has two passes, one of them for the gates, so that single
    tasks and NDDR are also trained with twice as many steps.

    Args:
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        sizes: Fields of :class:`Shape`.
        seed: Seed of weights, batches and random gates.
        n_pretraining: Steps of each tower alone.
        training: ``n_steps`` of the weights of each arm, ``batch_size`` and ``learning_rate`` of a :class:`Recipe`.
        gate_rate: Learning rate of the gates.
        entropy_weight: Factor of the entropy where it is minimised.
        n_random: Number of random choices of gates.
        device: Where to train.

    Returns:
        A row for each ``arm`` and ``form`` of its gates: mean IoU ``miou`` in % and mean ``angle`` in degrees on the test
        split, ``edges`` that are on, mean ``entropy`` of the gates in nats, and processor ``seconds`` of training.
    """
    task, shape = check_scenes(load_task(task_name)), Shape(**sizes)
    recipe = Recipe(**training, weight_decay=1e-4, clip_norm=float("inf"), seed=seed)
    with drawn_from(seed):
        towers, shared = Towers(shape, (task.n_classes, 3)).to(device), Tower(shape, task.n_classes + 3).to(device)
    for network in (channels_last(towers), channels_last(shared)):
        train(network, task, replace(recipe, n_steps=n_pretraining))
    trial = Trial(task, towers, recipe)
    rows = [trial.trained(SHARED, HARD, shared)]
    for arm, gates in fixed_gates(shape, n_random, seed, device).items():
        rows.append(trial.trained(arm, HARD, trial.gated(gates)))
        if arm in (SINGLE, NDDR):
            rows.append(trial.trained(arm, AS_MANY_PASSES, trial.gated(gates), 2))
    for arm, weight in ((ENTROPY, entropy_weight), (PLAIN, 0.0)):
        rows += trial.searched(arm, Search(deepcopy(towers), task, recipe, gate_rate, weight))
    return rows


def fixed_gates(shape: Shape, n_random: int, seed: int, device: str = "cpu") -> dict[str, torch.Tensor]:
    """Gates that need no search; each random one is on with probability 1/2."""
    same = [float(layer == source) for _, layer, source in shape.edges]
    rng, n = np.random.default_rng([seed, 1]), len(same)
    drawn = {f"{RANDOM} {number}": rng.integers(2, size=n).tolist() for number in range(n_random)}
    gates: dict[str, list[float]] = {SINGLE: [0.0] * n, NDDR: same, ALL: [1.0] * n, **drawn}
    return {arm: torch.tensor(own, dtype=torch.float32, device=device) for arm, own in gates.items()}


@dataclass(frozen=True, eq=False)
class Trial:
    """What all arms of a job have in common: the scenes, pre-trained towers, of which they change copies, and the recipe."""

    task: Scenes
    towers: Towers
    recipe: Recipe
    split: str = "test"

    def gated(self, gates: torch.Tensor) -> Gated:
        """A copy of the towers with such gates."""
        return Gated(deepcopy(self.towers), gates)

    def trained(self, arm: str, form: str, network: nn.Module, times: int = 1) -> dict[str, Any]:
        """Train a network, so many times as long as a search trains weights, and measure it."""
        begun = process_time()
        train(network, self.task, replace(self.recipe, n_steps=times * self.recipe.n_steps))
        return self.measured(arm, form, network, seconds=process_time() - begun)

    def searched(self, arm: str, search: Search) -> list[dict[str, Any]]:
        """Search, and measure all forms of the gates that are found."""
        begun = process_time()
        search.train()
        about = {"entropy": float(entropies(search.logits.detach()).mean()), "seconds": process_time() - begun}
        rows = []
        for form, gates in ((SOFT, search.soft), (HARD, search.hard)):
            rows.append(self.measured(arm, form, Gated(search.towers, gates), **about))
            images = (batch.to(search.device).inputs for batch in self.task.split("train").batches(100))
            calibrated = calibrate_batchnorm(Gated(deepcopy(search.towers), gates), images)
            rows.append(self.measured(arm, form + CALIBRATED, calibrated, **about))
        return [*rows, self.trained(arm, AGAIN, self.gated(search.hard))]

    def measured(self, arm: str, form: str, network: nn.Module, **about: float) -> dict[str, Any]:
        """A row of :func:`compare`."""
        with torch.no_grad():
            found = predictions(network.eval(), self.task, self.task.split(self.split), batch_size=100)
        edges = {"edges": float(network.gates.sum())} if isinstance(network, Gated) else {}
        measures = {"miou": self.task.mean_iou(*found), "angle": self.task.mean_angle(*found)}
        return {"arm": arm, "form": form, **measures, **edges, **about}


def with_errors(found: pd.DataFrame) -> pd.DataFrame:
    """Rows of :func:`compare` with changes from single tasks of the same seed and as many steps, in %.

    They are ``missed``, that of 1 - IoU, ``turned``, that of the angle, and ``error``, their mean. All random gates of a seed
    become one arm, their mean.
    """
    arms = found.assign(arm=found.arm.str.replace(rf"^({RANDOM}) \d+$", r"\1", regex=True))
    rows = arms.groupby(["arm", "form", "seed"], sort=False).mean(numeric_only=True).reset_index()
    single = rows[(rows.arm == SINGLE) & (rows.form == HARD)].set_index("seed").loc[rows.seed].reset_index()
    rows["missed"] = 100 * ((100 - rows.miou) / (100 - single.miou) - 1)
    rows["turned"] = 100 * (rows.angle / single.angle - 1)
    return rows.assign(error=(rows.missed + rows.turned) / 2)


def gaps(errors: pd.DataFrame, suffix: str = "") -> pd.DataFrame:
    """Gap between relaxed and discrete gates: mean size of both tasks' changes, in % of single tasks' errors.

    Args:
        errors: Rows of :func:`with_errors`.
        suffix: ``CALIBRATED`` for networks whose statistics were computed anew.
    """
    wide = errors[errors.arm.isin([ENTROPY, PLAIN])].set_index(["arm", "seed", "form"])[["missed", "turned"]].unstack()
    sizes = [(wide[name, HARD + suffix] - wide[name, SOFT + suffix]).abs() for name in ("missed", "turned")]
    return ((sizes[0] + sizes[1]) / 2).rename("gap").reset_index()
