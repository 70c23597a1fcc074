"""Ways to fine-tune a pre-trained network: plainly, with distillation, or as a supernet with or without a teacher.

[Sridhar2023], arXiv 2308.15609, Tables 1 and 2.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import nn

from nastoolkit import pareto
from nastoolkit.benchmarks import SupernetProblem
from nastoolkit.benchmarks.supernet_problem import MACS
from nastoolkit.families import FAMILIES, Family
from nastoolkit.families.masked_bert import MaskedBertFamily
from nastoolkit.measurements import Accuracy
from nastoolkit.space import SearchSpace
from nastoolkit.studies.results import as_text
from nastoolkit.supernets import Supernet, load_pretrained, load_supernet, save_supernet, with_new_head
from nastoolkit.systems.instatune.loss import InstaTuneLoss, LargestAndRandom, elastic_space, strong_teacher
from nastoolkit.tasks import Task, load_task
from nastoolkit.tasks.fitting import check_vocabulary
from nastoolkit.training import Fixed, Optimizer, PathSampler, Recipe, fit, in_place_distillation
from nastoolkit.training.losses import Criterion

PLAIN, DISTILLED, CUT = "plain fine-tuning", "distilled", "cut by hand, distilled"
ALONE, TAUGHT, TAUGHT_FIRST, RANDOM = "no teacher", "teacher", "teacher in the first half", "from random weights"
GAMMAS = {ALONE: (0.0, 0.0), TAUGHT: (1.0, 1.0), TAUGHT_FIRST: (1.0, 0.0), RANDOM: (0.0, 0.0)}  # for each half of the steps
HALF, FULL, FRONT = "half", "full", "front"
FEWER = 0.75  # largest share of MACs of a network that saves a quarter of them
ANOTHER = 1000  # added to a seed so that it does not draw the same again


def pretrained(family_name: str, checkpoint: str, task_name: str, training: dict[str, Any], folder: str) -> Supernet:
    """A pre-trained network as a supernet: from a file, or trained on masked words once and then read from the folder.

    Args:
        family_name: Key of ``FAMILIES``, for networks that predict masked words, or for classifiers, whose head is replaced.
        checkpoint: File or folder of a pre-trained network; if empty, one is trained.
        task_name: Name of a task of masked words, for :func:`nastoolkit.tasks.load_task`.
        training: Settings of a recipe; its seed also determines the initial weights.
        folder: Folder that keeps the training, so that a killed one can continue.
    """
    recipe, family = Recipe(**training), FAMILIES[family_name]()
    if checkpoint and isinstance(family, MaskedBertFamily):
        return load_supernet(family_name, checkpoint)
    if checkpoint:
        return load_pretrained(family_name, checkpoint, n_classes=2)
    supernet, largest = Supernet(family, seed=recipe.seed), Fixed(elastic_space(family.space).largest)
    file = Path(folder) / f"{family_name}-{_hash([family.fingerprint, task_name, training])}.pt"
    fit(supernet, load_task(task_name), largest, in_place_distillation, recipe, progress=False, resume=file)
    return supernet


def pretrain(start: dict[str, Any], task_name: str) -> list[dict[str, float]]:
    """One row with the result of pre-training; a job of a grid, whose weights are kept for :func:`compare`.

    Args:
        start: Arguments of :func:`pretrained`.
        task_name: Task for fine-tuning, which must have the same tokens.

    Returns:
        The share in % of masked words in the validation split that the network predicts, ``told``.

    Raises:
        ValueError: The tokens differ.
    """
    supernet = pretrained(**start)
    check_vocabulary(supernet, load_task(task_name))
    if start["checkpoint"]:
        return [{"told": np.nan}]
    words, largest = load_task(start["task_name"]), elastic_space(supernet.family.space).largest
    return [{"told": float(Accuracy(supernet, words, progress=False)(largest).item())}]


@dataclass(frozen=True)
class Tuning:
    """Values that all ways to fine-tune share.

    Attributes:
        task: Task to fine-tune on.
        recipe: Recipe of the training, in two halves along one schedule.
        alpha: Share of the task's own loss when something is distilled.
        folder: Folder that keeps trainings, so that a killed one can continue.
    """

    task: Task
    recipe: Recipe
    alpha: float
    folder: Path

    @property
    def halves(self) -> dict[str, Recipe]:
        """The recipe for each half of the steps, each with its own data."""
        n = self.recipe.n_steps // 2
        second = replace(self.recipe, n_steps=self.recipe.n_steps - n, seed=self.recipe.seed + ANOTHER)
        return {HALF: replace(self.recipe, n_steps=n), FULL: second}

    def train(
        self, supernet: Supernet, way: str, sampler: Callable[[int], PathSampler], criteria: Sequence[Criterion]
    ) -> Iterator[tuple[str, float]]:
        """Train a supernet in place, with a criterion for each half of the steps.

        Args:
            supernet: Supernet to train.
            way: Name of the files that keep the training.
            sampler: Function that makes a half's sampler from a seed.
            criteria: Criterion of the first and of the second half.

        Yields:
            ``HALF`` and ``FULL`` when that much is done, each with the MACs of all passes so far, in 10^12.
        """
        optimizer, tmacs = Optimizer(supernet.parameters(), self.recipe), 0.0
        for (stage, recipe), criterion in zip(self.halves.items(), criteria, strict=True):
            how: dict[str, Any] = {"resume": self.folder / f"{way}, {stage}.pt", "optimizer": optimizer, "progress": False}
            fit(supernet, self.task, sampler(recipe.seed), criterion, recipe, **how)
            tmacs += _tmacs(supernet.family, sampler(recipe.seed), recipe, getattr(criterion, "gamma", 0.0) > 0)
            yield stage, tmacs

    def tuned(self, supernet: Supernet, way: str, genotype: np.ndarray, teacher: nn.Module | None = None) -> pd.DataFrame:
        """One row for a network trained alone: plainly, or with a teacher by Equation 1."""
        criterion = InstaTuneLoss(teacher, alpha=self.alpha) if teacher else in_place_distillation
        *_, (stage, tmacs) = self.train(supernet, way, lambda seed: Fixed(genotype), [criterion] * 2)
        return self.judged(supernet, genotype[None]).assign(way=way, stage=stage, tmacs=tmacs)

    def sliced(
        self, supernet: Supernet, way: str, criteria: Sequence[Criterion], space: SearchSpace, networks: np.ndarray
    ) -> list[pd.DataFrame]:
        """Rows for some sub-networks ``(n, d)`` of a supernet trained with its slices, after half and all of the steps."""
        stages = self.train(supernet, way, lambda seed: LargestAndRandom(space, seed=seed), criteria)
        return [self.judged(supernet, networks).assign(way=way, stage=stage, tmacs=tmacs) for stage, tmacs in stages]

    def judged(self, supernet: Supernet, genotypes: np.ndarray) -> pd.DataFrame:
        """MACs of sub-networks ``(n, d)``, and accuracies on test examples."""
        test = Accuracy(supernet, self.task, "test", progress=False)(genotypes)[:, 0]
        return pd.DataFrame({"mmacs": supernet.family.mmacs(genotypes), "test": test, "validation": np.nan})

    def searched(self, supernet: Supernet, way: str, space: SearchSpace, budget: int, population: int) -> pd.DataFrame:
        """A row for each network of the front that LINAS finds by validation accuracy and MACs."""
        file = save_supernet(supernet, self.folder / f"{way}.safetensors")
        values: dict[str, Any] = {
            "family_name": supernet.family.name,
            "task_name": self.task.name,
            "folder": str(self.folder / way),
        }
        problem = SupernetProblem(**values, checkpoint=str(file), device=str(next(supernet.parameters()).device))
        history = problem.search(MACS, "linas", budget, self.recipe.seed, space, population=population)
        front, n = history.front(), len(self.task.split("validation"))
        tmacs = n * float(supernet.family.macs(history.genotypes).sum()) / 1e12
        columns = {"validation": front.values[:, 0], "way": way, "stage": FRONT, "tmacs": tmacs}
        return self.judged(supernet, front.genotypes).assign(**columns)


def compare(
    start: dict[str, Any],
    task_name: str,
    seed: int,
    training: dict[str, Any],
    alpha: float,
    n_networks: int,
    budget: int,
    population: int,
    device: str,
    folder: str,
) -> pd.DataFrame:
    """All ways to fine-tune a pre-trained network, and the fronts of those that create a supernet; a job of a grid.

    Args:
        start: Arguments of :func:`pretrained`.
        task_name: Task to fine-tune on.
        seed: Seed of new heads, random weights, data, paths and searches.
        training: Settings of the recipe of fine-tuning.
        alpha: See :class:`InstaTuneLoss`.
        n_networks: Number of random sub-networks to judge after half and all of the steps, the same for all ways.
        budget: Number of evaluations of the search in each supernet.
        population: Number of sub-networks that it proposes at a time.
        device: Device that trains and measures.
        folder: Folder that keeps trainings and measurements until there is a result, so that a killed job can continue.

    Returns:
        A row for each network: ``way``, ``stage`` (``HALF`` or ``FULL`` of the steps; ``FRONT`` for a search's result),
        ``mmacs``, ``most_mmacs`` of the largest network, ``n_classes``, accuracies in %: ``test`` and, for fronts,
        ``validation``; ``tmacs``, the MACs in 10^12 of the training so far, including the teacher's passes, or of the search.
    """
    given = [start, task_name, seed, training, alpha, n_networks, budget, population]
    problem = SupernetProblem(family_name=start["family_name"], task_name=task_name, folder=folder)
    task, n_classes, files = problem.task, problem.n_classes, Path(folder) / f"{seed}-{_hash(given)}"
    tuning = Tuning(task, Recipe(**training, seed=seed), alpha, files)
    words = pretrained(**start).to(device)
    begin = partial(with_new_head, words, n_classes, seed)
    unread = with_new_head(Supernet(words.family, seed=seed + ANOTHER).to(device), n_classes, seed)
    plain, space = begin(), elastic_space(begin().family.space)
    found = [tuning.tuned(plain, PLAIN, space.largest)]
    teacher, networks = strong_teacher(plain, space, task), space.sample(n_networks, np.random.default_rng(seed))
    found.append(tuning.tuned(begin(), DISTILLED, space.largest, teacher))
    found.append(tuning.tuned(begin(), CUT, cut_by_hand(plain.family, space), teacher))
    for way, gammas in GAMMAS.items():
        supernet = unread if way == RANDOM else begin()
        criteria = [InstaTuneLoss(teacher, gamma, alpha) for gamma in gammas]
        found += tuning.sliced(supernet, way, criteria, space, networks)
        found.append(tuning.searched(supernet, way, space, budget, population))
    shutil.rmtree(files)
    return pd.concat(found).assign(most_mmacs=float(plain.family.mmacs(space.largest)), n_classes=n_classes)


def cut_by_hand(family: Family, space: SearchSpace) -> np.ndarray:
    """The network ``(d,)`` with the most MACs among those that save a quarter and have the same options in all layers."""
    kinds = [choice.name.rpartition(".")[2] for choice in space.choices]
    allowed = dict(zip(kinds, space.allowed, strict=True))
    alike = (dict(zip(allowed, options, strict=True)) for options in product(*allowed.values()))
    genotypes = space.canonical(np.array([[options[kind] for kind in kinds] for options in alike]))
    macs = family.macs(genotypes)
    return genotypes[np.where(macs <= FEWER * macs.max(), macs, -1).argmax()]


def judged(found: pd.DataFrame) -> pd.DataFrame:
    """Results of the ways on test examples.

    Args:
        found: Rows of :func:`compare`, of several seeds.

    Returns:
        A row for each seed, in %: the accuracy of the largest network after ``PLAIN`` and ``DISTILLED`` fine-tuning, and of
        the ``CUT`` one; the mean accuracy of random sub-networks by way and stage, such as ``teacher, half``; the accuracy
        ``searched`` and the MACs ``saved`` of the network with the best validation accuracy among those of the teacher's
        front that save a quarter of the MACs; and the hypervolume of each way's front, such as ``teacher, front``, between
        chance and the MACs of the largest network, in % of that box.
    """
    rows = {seed: _judged(networks) for seed, networks in found.groupby("seed")}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")


def _judged(found: pd.DataFrame) -> dict[str, float]:
    on_front, most, chance = found.stage == FRONT, found.most_mmacs.iloc[0], 100 / found.n_classes.iloc[0]
    alone = found[found.way.isin([PLAIN, DISTILLED, CUT])].set_index("way").test.to_dict()
    means = found[~on_front & found.way.isin(GAMMAS)].groupby(["way", "stage"]).test.mean()
    fronts = {way: front for way, front in found[on_front].groupby("way")}
    shares = {f"{way}, {FRONT}": _share(front, most, chance) for way, front in fronts.items()}
    cheap = fronts[TAUGHT].sort_values(["validation", "mmacs"], ascending=[False, True])
    pick = cheap[cheap.mmacs <= max(FEWER * most, cheap.mmacs.min())].iloc[0]
    searched = {"searched": pick.test, "saved": 100 * (1 - pick.mmacs / most)}
    return alone | {f"{way}, {stage}": mean for (way, stage), mean in means.items()} | searched | shares


def _share(front: pd.DataFrame, most: float, chance: float) -> float:
    """Hypervolume of a front between chance and the most MACs, in % of that box."""
    costs = np.stack([-front.test, front.mmacs], axis=1)
    return pareto.dominated_share(costs, ideal=(-100, 0), reference_point=(-chance, most))


def _tmacs(family: Family, sampler: PathSampler, recipe: Recipe, has_teacher: bool) -> float:
    """MACs of a training, in 10^12: three passes along every path, and one of the teacher, which is the largest network."""
    paths = [genotype for step in range(recipe.n_steps) for genotype, _ in sampler.draw(step)]
    taught = has_teacher * recipe.n_steps * float(family.macs(elastic_space(family.space).largest))
    return recipe.batch_size * (3 * float(family.macs(np.array(paths)).sum()) + taught) / 1e12


def _hash(values: Any) -> str:
    return hashlib.sha256(as_text(values).encode()).hexdigest()[:12]
