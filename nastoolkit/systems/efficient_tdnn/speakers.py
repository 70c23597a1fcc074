"""The miniature: a supernet of speech networks trained in stages, and its sub-networks within three budgets.

[Wang2021] R. Wang et al., "EfficientTDNN: Efficient Architecture Search for Speaker Recognition", arXiv 2103.13581: stages
that open kernels, depths and twice widths, one random path a step, additive angular margin; a predictor and an evolution.

Differs from the paper in: inputs are a second of speech in 24 bands, and networks have a few thousand weights; the predictor
is a ridge regression on a few measured networks; the margin is smaller, as such small networks learn nothing in few steps with
the paper's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nastoolkit.families import FAMILIES
from nastoolkit.measurements import Accuracy
from nastoolkit.predictors import PREDICTORS
from nastoolkit.space import SearchSpace
from nastoolkit.statistics.power import Equivalence
from nastoolkit.supernets import KernelTransform, Slice, Supernet, chain
from nastoolkit.systems.efficient_tdnn.model_predictive import evolve
from nastoolkit.tasks import TASKS, Task
from nastoolkit.training import AngularMargin, Recipe, Stage, Uniform, fit_stages
from nastoolkit.verdicts import AGREES, INCONCLUSIVE, LEAST_SEEDS, NO_EFFECT, NOT_TESTED

LOSS, LEARNING_RATE = AngularMargin(0.1, 15.0), 5e-3
BASE = 0.75  # MACs of the paper's Base network, as a share of those of the largest one
CLOSE = 0.8  # least share of a budget for networks of about as many MACs
N_DRAWN, N_PICKED = 20_000, 4


def seen(space: SearchSpace) -> SearchSpace:
    """The part of a space on which a supernet is trained: widths are multiples of a quarter of the largest ones."""
    widths = {choice.name: choice.options for choice in space.choices if choice.kind == "width"}
    return space.restrict({name: [w for w in options if 4 * w % max(options) == 0] for name, options in widths.items()})


def stages(space: SearchSpace) -> list[Stage]:
    """The paper's stages: the largest network, then also all kernels, all depths, widths down to a half, and all widths."""
    left = {c.name: [c.options[place] for place in kept] for c, kept in zip(space.choices, space.allowed, strict=True)}
    largest = {
        kind: {choice.name: [max(choice.options)] for choice in space.choices if choice.kind == kind}
        for kind in ("kernel", "depth", "width")
    }
    half = {name: [width for width in left[name] if 2 * width >= max(left[name])] for name in largest["width"]}
    return [
        Stage("largest", space.restrict(largest["kernel"] | largest["depth"] | largest["width"])),
        Stage("kernel", space.restrict(largest["depth"] | largest["width"])),
        Stage("depth", space.restrict(largest["width"])),
        Stage("width1", space.restrict(half)),
        Stage("width2", space),
    ]


def trained(task: Task, family_name: str, seed: int, n_steps: int, batch_size: int) -> Supernet:
    """A supernet after all stages, each of ``n_steps`` steps."""
    family = FAMILIES[family_name]().with_classes(task.n_classes)  # type: ignore[attr-defined]
    supernet = Supernet(family, chain(KernelTransform(), Slice()), seed=seed)
    opened = stages(seen(family.space))
    recipes = [Recipe(n_steps, batch_size, LEARNING_RATE, seed=seed + 1000 * place) for place in range(len(opened))]
    fit_stages(supernet, task, opened, lambda space: Uniform(space, seed=seed), LOSS, recipes, progress=False)
    return supernet


def budgets_and_widths(
    task_name: str,
    family_name: str,
    seed: int,
    n_steps: int,
    batch_size: int,
    n_labels: int,
    n_random: int,
    shares: list[float],
    n_calibration: int,
) -> list[dict[str, Any]]:
    """Train a supernet and judge some of its networks; a job of a grid.

    Args:
        task_name: Key of ``TASKS``, for speaker verification.
        family_name: Key of ``FAMILIES``, for time-delay networks.
        seed: Random seed of everything.
        n_steps: Number of training steps in each stage.
        batch_size: Number of pieces in a step.
        n_labels: Number of networks with errors on validation people, from which the predictor learns.
        n_random: Number of random networks of about as many MACs within each budget; also of networks of seen and of unseen
            widths.
        shares: Budgets, as shares of the MACs of a network such as the paper's Base.
        n_calibration: Number of training pieces for the statistics of batch normalisation.

    Returns:
        Rows with ``arm``, ``share`` (of a budget, or none), ``mmacs`` and ``eer`` on test people, in %.
    """
    task = TASKS[task_name]()
    supernet = trained(task, family_name, seed, n_steps, batch_size)
    judge = Judge(supernet, task, n_calibration)
    space, rng = supernet.family.space, np.random.default_rng([seed, 1])
    labelled = seen(space).sample(n_labels, rng)
    model = PREDICTORS["ridge"]().fit(space.features(labelled), judge.errors(labelled, "validation"))
    rows = []
    for share in shares:
        limit = share * BASE * float(supernet.family.mmacs(space.largest))
        rows += judge.within(limit, model, n_random, rng, share)
    coarse, fine = seen(space).sample(n_random, rng), _unseen(space, n_random, rng)
    return rows + judge.rows("seen widths", coarse, None) + judge.rows("unseen widths", fine, None)


def _unseen(space: SearchSpace, n: int, rng: np.random.Generator) -> np.ndarray:
    """Networks ``(n, d)`` whose widths occurred in no path of the training."""
    known = seen(space).allowed
    names = [choice.name for choice in space.choices if choice.kind == "width"]
    others = {
        name: [option for place, option in enumerate(space.choices[gene].options) if place not in known[gene]]
        for gene, name in enumerate(space.names)
        if name in names
    }
    return space.restrict(others).sample(n, rng)


class Judge:
    """Measures the errors of sub-networks, each extracted and calibrated."""

    def __init__(self, supernet: Supernet, task: Task, n_calibration: int) -> None:
        self.family = supernet.family
        splits = ("validation", "test")
        self._measures = {split: Accuracy(supernet, task, split, n_calibration, progress=False) for split in splits}

    def errors(self, genotypes: np.ndarray, split: str) -> np.ndarray:
        """Equal error rates ``(n,)`` in %."""
        return 100 - self._measures[split](genotypes)[:, 0]

    def rows(self, arm: str, genotypes: np.ndarray, share: float | None) -> list[dict[str, Any]]:
        """Errors of networks on test people, a row for each."""
        found = zip(self.family.mmacs(genotypes), self.errors(genotypes, "test"), strict=True)
        return [{"arm": arm, "share": share, "mmacs": mmacs, "eer": eer} for mmacs, eer in found]

    def best(self, genotypes: np.ndarray) -> np.ndarray:
        """The network ``(1, d)`` that is best on validation people."""
        return genotypes[[self.errors(genotypes, "validation").argmin()]]

    def within(self, limit: float, model: Any, n: int, rng: np.random.Generator, share: float) -> list[dict[str, Any]]:
        """The network that a search finds within a MACs limit, n random ones of about as many MACs, and the best of these."""
        space, mmacs = seen(self.family.space), self.family.mmacs

        def costs(genotypes: np.ndarray) -> np.ndarray:
            return np.stack([model.predict(space.features(genotypes)), mmacs(genotypes)], axis=1)

        tried = np.unique(evolve(space, costs, limit, rng), axis=0)
        tried = tried[mmacs(tried) < limit]
        picked = tried[model.predict(space.features(tried)).argsort()[:N_PICKED]]
        drawn = space.sample(N_DRAWN, rng)
        close = drawn[(mmacs(drawn) < limit) & (mmacs(drawn) >= CLOSE * limit)][:n]
        found = {"searched": self.best(picked), "random": close, "best of random": self.best(close)}
        return [row for arm, genotypes in found.items() for row in self.rows(arm, genotypes, share)]


def residuals(found: pd.DataFrame) -> pd.DataFrame:
    """How much higher the error is for unseen widths than for seen ones, at equal MACs: ``points`` by seed.

    A linear function of the logarithm of MACs is fitted to the errors of both kinds together.
    """
    rows = []
    for seed, networks in found[found.arm.str.endswith("widths")].groupby("seed"):
        line = np.polyfit(np.log(networks.mmacs), networks.eer, 1)
        off = networks.eer - np.polyval(line, np.log(networks.mmacs))
        is_new = networks.arm == "unseen widths"
        rows.append({"seed": seed, "points": off[is_new].mean() - off[~is_new].mean(), "eer": networks.eer.mean()})
    return pd.DataFrame(rows)


def word_of(found: Equivalence) -> str:
    """The verdict on "there is no difference": it agrees, the difference certainly matters, or neither is known."""
    if found.difference.n < LEAST_SEEDS:
        return NOT_TESTED
    if found.is_equivalent:
        return AGREES
    beyond = found.difference.low > found.margin or found.difference.high < -found.margin
    return NO_EFFECT if beyond else INCONCLUSIVE
