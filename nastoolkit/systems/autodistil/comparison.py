"""One supernet for each sub-space against one for all, and what the loss says about students: jobs of a grid. [Xu2022].

[Xu2022] D. Xu et al., "Few-shot Task-agnostic Neural Architecture Search for Distilling Large Language Models" (AutoDistil),
NeurIPS 2022, arXiv 2201.12507, Sections 3.3 and 4.

Differs from the paper in: the one supernet for all gets as many steps as the others together.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from nastoolkit.families import FAMILIES, Family
from nastoolkit.families.masked_bert import MaskedBertFamily
from nastoolkit.measurements import Accuracy
from nastoolkit.space import genotype_keys
from nastoolkit.supernets import Supernet, load_supernet, with_new_head
from nastoolkit.supernets.loading import load_pretrained
from nastoolkit.systems.autodistil.relations import Relations, Unlabelled, relation_loss
from nastoolkit.systems.autodistil.students import PARTS, SandwichOf, at_random, by_macs, sub_spaces, take_from_teacher
from nastoolkit.tasks import Classification, Task, load_task
from nastoolkit.tasks.data_sets import StoredClassification
from nastoolkit.tasks.fitting import check_vocabulary
from nastoolkit.training import Fixed, Recipe, fit, in_place_distillation

BY_SIZE, ONE, RANDOM, SLICES = ARMS = ("three by size", "one for all", "three at random", "no training")


@dataclass(frozen=True, kw_only=True)
class Study:
    """Plain values that all arms share.

    Attributes:
        folder: Folder that keeps teachers trained here.
        family_name: Family of the students, a key of ``PARTS``.
        teacher_name: Key of ``FAMILIES`` for the family whose largest network is the teacher.
        checkpoint: File, folder or address of the teacher's weights; ignored if it is trained here.
        teacher_steps: Number of steps to train the teacher on the texts; with 0, the checkpoint is used.
        teacher_batch: Number of texts in each of these steps.
        text_name: Task with the texts.
        task_name: Task for fine-tuning students.
        n_steps: Number of steps for each of the supernets by size; one for all gets their sum.
        batch_size: Number of texts in a step.
        learning_rate: Peak learning rate of the supernets.
        tune_steps: Number of fine-tuning steps.
        tune_rate: Learning rate of fine-tuning.
        n_students: Number of measured students in each sub-space.
        n_texts: Number of texts for measuring relation losses.
        n_heads: Number of relation heads.
        relation: See :func:`nastoolkit.systems.autodistil.relations.relations`.
        device: Device for training.
    """

    folder: str
    family_name: str
    teacher_name: str
    checkpoint: str
    teacher_steps: int
    teacher_batch: int
    text_name: str
    task_name: str
    n_steps: int
    batch_size: int
    learning_rate: float
    tune_steps: int
    tune_rate: float
    n_students: int
    n_texts: int
    n_heads: int
    relation: str
    device: str = "cpu"

    def as_argument(self) -> dict[str, Any]:
        """The values, as an argument of jobs."""
        return asdict(self)

    @cached_property
    def family(self) -> Family:
        """The students' family."""
        return FAMILIES[self.family_name]()

    @cached_property
    def parts(self) -> dict[str, np.ndarray]:
        """Students ``(n, d)`` of each sub-space.

        Raises:
            ValueError: The family has no sub-spaces.
        """
        if self.family_name not in PARTS:
            raise ValueError(f"there are no sub-spaces of {self.family_name!r}; known: {', '.join(PARTS)}")
        return sub_spaces(self.family, PARTS[self.family_name])

    @cached_property
    def texts(self) -> Task:
        """The texts that students learn from."""
        return load_task(self.text_name)

    @property
    def task(self) -> StoredClassification:
        """The task that students are fine-tuned on.

        Raises:
            ValueError: The task has no classes.
        """
        task = load_task(self.task_name)
        if not isinstance(task, Classification):
            raise ValueError(f"students are fine-tuned on a task with classes, and {self.task_name!r} has none")
        return cast(StoredClassification, task)

    @property
    def teacher(self) -> Supernet:
        """A supernet whose largest network is the teacher: trained once, or loaded."""
        family = FAMILIES[self.teacher_name]()
        if not self.teacher_steps and isinstance(family, MaskedBertFamily):
            return load_supernet(self.teacher_name, self.checkpoint or None).to(self.device)
        if not self.teacher_steps:
            return load_pretrained(self.teacher_name, self.checkpoint, n_classes=2).to(self.device)
        supernet = Supernet(family).to(self.device)
        recipe = Recipe(self.teacher_steps, self.teacher_batch)
        resume = Path(self.folder) / f"{self.teacher_name}-{self.text_name}-{self.teacher_steps}x{self.teacher_batch}.pt"
        fit(supernet, self.texts, Fixed(supernet.family.largest), in_place_distillation, recipe, progress=False, resume=resume)
        return supernet

    @property
    def criterion(self) -> Relations:
        """The loss that students learn by.

        Raises:
            ValueError: The teacher's vocabulary is not that of the texts.
        """
        supernet = self.teacher
        check_vocabulary(supernet, self.texts)
        teacher = with_new_head(supernet, 2).extract(supernet.family.largest)  # predicts no words: its outputs do not matter
        return Relations(teacher, self.family, self.n_heads, self.relation)

    def split(self, arm: str, seed: int) -> dict[str, np.ndarray]:
        """The students of each supernet of an arm."""
        parts = self.parts
        students = np.concatenate([*parts.values()])
        if arm == BY_SIZE:
            return parts
        return at_random(self.family, students, len(parts), seed) if arm == RANDOM else {arm: by_macs(self.family, students)}

    def measured(self, arm: str) -> np.ndarray:
        """Students ``(n, d)`` of each sub-space, evenly spaced by MACs' rank; every second one for other arms than by size."""
        parts = self.parts.values()
        rows = [np.linspace(0, len(part) - 1, self.n_students).round().astype(int) for part in parts]
        return np.concatenate([part[of if arm == BY_SIZE else of[::2]] for part, of in zip(parts, rows, strict=True)])


def teach(study: dict[str, Any]) -> list[dict[str, float]]:
    """Train or load the teacher; one row with the share in % of masked words that it predicts, ``told``, and its ``mmacs``."""
    given = Study(**study)
    supernet = given.teacher
    largest = supernet.family.largest
    told = Accuracy(supernet, given.texts, "test", progress=False)(largest).item() if given.teacher_steps else 0.0
    return [{"told": told, "mmacs": float(supernet.family.with_classes(2).mmacs(largest))}]


def distil(study: dict[str, Any], arm: str, seed: int) -> pd.DataFrame:
    """Train the supernets of an arm; a row for each measured student.

    The columns are the number of the ``student``, its choices, ``mmacs``, its ``supernet``, the ``gmacs`` of this supernet's
    forward passes, the relation losses ``loss`` on validation and ``test_loss`` on test texts, and ``tuned``, the metric of
    the fine-tuned student on the task's test split.
    """
    given = Study(**study)
    criterion, texts, task = given.criterion, Unlabelled(given.texts), given.task
    measured, found = given.measured(arm), []
    for name, students in given.split(arm, seed).items():
        supernet, gmacs = _trained(given, students, criterion, texts, given.n_steps * _share(given, arm), seed)
        own = measured[[one.tobytes() in set(genotype_keys(students)) for one in measured]]
        rows = pd.DataFrame([{"student": tuple(genotype), **given.family.space.decode(genotype)} for genotype in own])
        rows = rows.assign(supernet=name, gmacs=gmacs, mmacs=given.family.mmacs(own))
        for column, split in (("loss", "validation"), ("test_loss", "test")):
            rows[column] = relation_loss(supernet, own, texts.split(split)[: given.n_texts], criterion)
        found.append(rows.assign(tuned=[_tuned(given, supernet, genotype, task, seed) for genotype in own]))
    return pd.concat(found)


def _share(given: Study, arm: str) -> int:
    """Steps of an arm's supernet as a multiple of those of a supernet by size."""
    return {ONE: len(PARTS[given.family_name]), SLICES: 0}.get(arm, 1)


def _trained(
    given: Study, students: np.ndarray, criterion: Relations, texts: Unlabelled, n_steps: int, seed: int
) -> tuple[Supernet, float]:
    """A supernet initialised with the teacher's weights and trained, and the GMACs of its forward passes."""
    supernet, sampler = Supernet(given.family, seed=seed).to(given.device), SandwichOf(students, seed=seed)
    take_from_teacher(supernet, criterion.teacher)
    recipe = Recipe(n_steps, given.batch_size, given.learning_rate, seed=seed)
    fit(supernet, cast(Task, texts), sampler, criterion, recipe, progress=False)
    paths = [genotype for step in range(n_steps) for genotype, _ in sampler.draw(step)]
    macs = given.family.macs(np.array(paths, dtype=int).reshape(-1, students.shape[1]))
    return supernet, float(given.batch_size * macs.sum() / 1e9)


def _tuned(given: Study, supernet: Supernet, genotype: np.ndarray, task: StoredClassification, seed: int) -> float:
    """The metric of a student on the task's test split after fine-tuning."""
    tuned = with_new_head(supernet, task.n_classes, seed)
    recipe = Recipe(given.tune_steps, given.batch_size, given.tune_rate, seed=seed)
    fit(tuned, task, Fixed(genotype), in_place_distillation, recipe, progress=False)
    return float(Accuracy(tuned, task, "test", progress=False)(genotype)[0, 0])


def gains(found: pd.DataFrame, column: str, sign: int = 1) -> pd.DataFrame:
    """How much better other arms are than one supernet for all, a row for each seed: the mean over the students of all arms.

    Args:
        found: Rows of :func:`distil`.
        column: Column to compare.
        sign: 1 for points, where more is better; -1 for % of a loss, where less is better.
    """
    table = found.pivot_table(column, ["seed", "student"], "arm", sort=False).dropna()
    one, others = table[ONE], table.drop(columns=ONE)
    more = others.sub(one, axis=0) if sign > 0 else -100 * others.div(one, axis=0) + 100
    return more.groupby("seed").mean()


def rankings(found: pd.DataFrame) -> pd.DataFrame:
    """Spearman's correlation of three quantities with students' scores, a row for each seed.

    They are the negative loss, MACs, and the loss beyond MACs: the partial correlation, with ranks by MACs held fixed.
    """
    rows = {}
    for seed, students in found[found.arm == BY_SIZE].groupby("seed"):
        ranks = students.assign(loss=-students.loss)[["loss", "mmacs", "tuned"]].rank().corr()
        loss, macs, both = ranks.loc["loss", "tuned"], ranks.loc["mmacs", "tuned"], ranks.loc["loss", "mmacs"]
        beyond = (loss - macs * both) / np.sqrt((1 - macs**2) * (1 - both**2))
        rows[seed] = {"loss": loss, "MACs": macs, "loss beyond MACs": beyond}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")


def picks(found: pd.DataFrame, budget: float) -> pd.DataFrame:
    """Scores of picked students within a budget of MMACs, in points above the mean within it, a row for each seed.

    Columns are the student with the least loss, the one with the most MACs, and the best of all.
    """
    rows = {}
    for seed, students in found[(found.arm == BY_SIZE) & (found.mmacs <= budget)].groupby("seed"):
        above = (students.tuned - students.tuned.mean()).to_numpy()
        least, largest = students.loss.to_numpy().argmin(), students.mmacs.to_numpy().argmax()
        rows[seed] = {"agnostic": above[least], "largest": above[largest], "best": above.max()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("seed")
