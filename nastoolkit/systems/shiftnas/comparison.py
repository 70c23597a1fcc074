"""Supernets that are trained along paths of several samplers, judged on the same sub-networks of each bin of cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.families import Family, family_named
from nastoolkit.families.elastic_mbconv import MBConvStage
from nastoolkit.families.mobilenet_v3 import DIGITS, MobileNetV3Family
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import Supernet
from nastoolkit.systems.shiftnas.bins import equal_ratios
from nastoolkit.systems.shiftnas.shifting import Shift, Training
from nastoolkit.tasks import load_task
from nastoolkit.training import Recipe, Uniform, fit, targets_only

OPERATIONS, BINS, SHIFT, GUMBEL = "uniform operations", "uniform bins", "shift", "shift, Gumbel"
ARMS = {OPERATIONS: None, BINS: None, SHIFT: "exact", GUMBEL: "gumbel"}
NARROW = "digits-mbv3-narrow"
TABLE = replace(
    DIGITS,
    resolutions=(24,),
    kernels=(3, 5),
    expands=(1, 2, 4, 6),
    stages=(MBConvStage(12, 2, "relu"), MBConvStage(24, 2, "relu")),
    final_expand=64,
    feature_mix=64,
)


def family_of(name: str) -> Family:
    """A family by its name; as :func:`nastoolkit.families.family_named` has it, or a narrow one for digits."""
    return MobileNetV3Family(NARROW, TABLE) if name == NARROW else family_named(name)


def judge_bins(
    family: str,
    task: str,
    arm: str,
    seed: int,
    n_bins: int,
    n_judged: int,
    n_steps: int,
    batch_size: int,
    learning_rate: float,
    cost_weight: float,
    shift_rate: float,
    every: int,
    n_images: int,
    n_calibration: int,
    device: str,
) -> list[dict[str, Any]]:
    """Train a supernet and tell how accurate its sub-networks of each bin are; a job of a grid.

    Args:
        family: Name for :func:`family_of`.
        task: Name for :func:`nastoolkit.tasks.load_task`.
        arm: Key of ``ARMS``.
        seed: Seed of weights, data and paths.
        n_bins: Number of bins of cost, see :func:`nastoolkit.systems.shiftnas.bins.equal_ratios`.
        n_judged: Number of sub-networks of each bin, the same for all arms and seeds.
        n_steps: Number of training steps; the shift begins after a quarter of them.
        batch_size: Examples a step.
        learning_rate: Learning rate of the supernet's AdamW, at its peak.
        cost_weight: Weight of the squared relative error of the generator's cost.
        shift_rate: Learning rate of the shift.
        every: Steps from one update of the shift to the next.
        n_images: Number of test images that the judged sub-networks are scored on.
        n_calibration: Training images for batch normalisation.
        device: Where to train.

    Returns:
        A row for each judged sub-network: ``bin``, ``mmacs``, ``accuracy`` in % on test images. A row for each bin: ``drawn``,
        the share in % of training steps whose path was in it; of the generator, ``pick``, its sub-network as a text of genes,
        with the ``target`` in millions of MACs, ``error``, how far it is off in %, ``scatter``, the median of this over the
        second half of the training, and ``inherited``, its accuracy in %. A row for each change of probabilities and bin:
        ``update`` and ``probability``.

    Raises:
        ValueError: There is no such arm.
    """
    if arm not in ARMS:
        raise ValueError(f"unknown arm {arm!r}; known: {'; '.join(ARMS)}")
    supernet, of_task = Supernet(family_of(family), seed=seed).to(device), load_task(task)
    bins, recipe = equal_ratios(supernet.family, n_bins), Recipe(n_steps, batch_size, learning_rate, seed=seed)
    if arm == OPERATIONS:
        sampler = Uniform(supernet.family.space, seed=seed)
        fit(supernet, of_task, sampler, targets_only, recipe, progress=False)
        rows = _drawn(bins.of(np.stack([sampler.draw(step)[0][0] for step in range(n_steps)])), n_bins)
    else:
        shift = Shift(n_bins, ARMS[arm], shift_rate, every, n_steps // 4, seed)
        training = Training(supernet, of_task, bins, shift, recipe, cost_weight=cost_weight)
        rows = _told(training, pd.DataFrame({name: pd.Series(told) for name, told in training.fit().items()}), n_calibration)
    measure = Accuracy(supernet, of_task, "test", n_calibration=n_calibration, n_images=n_images, progress=False)
    for number, networks in enumerate(bins.networks(n_judged)):
        found = {"mmacs": supernet.family.mmacs(networks), "accuracy": measure(networks)[:, 0]}
        rows += [{"bin": number, **one} for one in pd.DataFrame(found).to_dict("records")]
    return rows


def _drawn(numbers: np.ndarray, n_bins: int) -> list[dict[str, Any]]:
    shares = 100 * np.bincount(numbers, minlength=n_bins) / len(numbers)
    return [{"bin": number, "drawn": share} for number, share in enumerate(shares.tolist())]


def _told(training: Training, recorded: pd.DataFrame, n_calibration: int) -> list[dict[str, Any]]:
    """What was drawn, the generator's sub-networks, and the probabilities after each update."""
    bins, family = training.bins, training.supernet.family
    off = 100 * (recorded.mmacs / bins.targets[recorded.bin.astype(int)] - 1).abs()
    places = np.searchsorted(bins.edges[1:-1], recorded.mmacs, side="right")
    rows, late = _drawn(places, len(bins)), off[len(off) // 2 :].groupby(recorded.bin).median()
    measure = Accuracy(training.supernet, training.task, "test", n_calibration=n_calibration, progress=False)
    for row, target in zip(rows, bins.targets.tolist(), strict=True):
        path = training.generator.network(target)
        cost, inherited = float(family.mmacs(path)), float(measure(path).item())
        row |= {
            "pick": " ".join(map(str, path)),
            "target": target,
            "error": 100 * abs(cost / target - 1),
            "inherited": inherited,
        }
        row["scatter"] = float(late.get(row["bin"], np.nan))
    moves = recorded[[name for name in recorded if name.startswith("p ")]].dropna()
    for number, name in enumerate(moves):
        rows += [{"bin": number, "update": update, "probability": p} for update, p in enumerate(moves[name].tolist(), start=1)]
    return rows


def network_of(pick: str) -> np.ndarray:
    """The genotype ``(d,)`` that a pick stands for."""
    return np.array(pick.split(), dtype=np.int64)


def gains(found: pd.DataFrame, ours: str, other: str) -> pd.DataFrame:
    """How much more accurate one arm's judged sub-networks are than another's, in points.

    Args:
        found: Rows of :func:`judge_bins`.
        ours: An arm.
        other: The arm that it is held against.

    Returns:
        A row for each seed: the gain in each bin, by the bin's number, the mean over bins as ``all``, over the two outer bins
        as ``ends``, over the others as ``middle``.
    """
    means = found.dropna(subset="accuracy").pivot_table(values="accuracy", index=["arm", "seed"], columns="bin")
    gain = means.loc[ours] - means.loc[other]
    outer = [gain.columns[0], gain.columns[-1]]
    mean = {"all": gain.mean(axis=1), "ends": gain[outer].mean(axis=1), "middle": gain.drop(columns=outer).mean(axis=1)}
    return gain.assign(**mean)


def ends_drawn(found: pd.DataFrame, arm: str) -> pd.Series:
    """Share in % of an arm's training steps whose path was in one of the two outer bins, by seed."""
    rows = found[found.arm == arm].dropna(subset="drawn")
    return rows[rows.bin.isin([rows.bin.min(), rows.bin.max()])].groupby("seed").drawn.sum()
