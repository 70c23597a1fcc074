"""Blocks of the students, what each learns from its teacher, and how well its paths do ([Li2020]; see the package)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from nastoolkit.benchmarks.members import members
from nastoolkit.blocks import device_of
from nastoolkit.families import Family
from nastoolkit.families.one import OneNetwork
from nastoolkit.families.part import Part
from nastoolkit.measurements import Accuracy
from nastoolkit.supernets import Supernet
from nastoolkit.systems.dna_family.traversal import RatedPaths
from nastoolkit.tasks import Task
from nastoolkit.tasks.imitation import Imitation, Teacher
from nastoolkit.training import Fixed, Recipe, Uniform, fit, targets_only


def cut(family: Family, ends: Sequence[str]) -> list[Part]:
    """Blocks of a family's networks, each up to a stage whose name is given; what comes after the last one is left out."""
    names = [slot.name for slot in family.slots]
    lasts = [max((n for n, name in enumerate(names) if name.startswith(f"{end}.")), default=-1) for end in ends]
    return [Part(family, before + 1, last) for before, last in zip([-1, *lasts], lasts, strict=False)]


def learnt_blocks(teacher: Teacher, blocks: Sequence[Part], recipe: Recipe) -> list[Supernet]:
    """A supernet for each block, trained to imitate the teacher's, each from the teacher's own features.

    Args:
        teacher: The teacher.
        blocks: Blocks of the students.
        recipe: Training of each block.
    """
    supernets = [Supernet(block, seed=recipe.seed).to(device_of(teacher.network)) for block in blocks]
    for number, supernet in enumerate(supernets):
        paths = Uniform(supernet.family.space, seed=recipe.seed)
        fit(supernet, Imitation(teacher, number), paths, targets_only, recipe, progress=False)
    return supernets


def rated(teacher: Teacher, number: int, supernet: Supernet, paths: np.ndarray) -> np.ndarray:
    """Relative L1 distances ``(n,)`` of paths through a block on validation images, each calibrated by itself."""
    measure = Accuracy(supernet, Imitation(teacher, number), n_calibration=teacher.n_images, progress=False)
    return -measure(paths)[:, 0]


def all_rated(teacher: Teacher, supernets: Sequence[Supernet]) -> list[RatedPaths]:
    """Every path of every block, with its rating and its MACs."""
    found = []
    for number, supernet in enumerate(supernets):
        paths = members(supernet.family.space)
        found.append(RatedPaths(paths, rated(teacher, number, supernet, paths), supernet.family.macs(paths)))
    return found


def trained_alone(family: Family, genotype: np.ndarray, task: Task, recipe: Recipe, device: str = "cpu") -> nn.Module:
    """A network after training by itself, as a teacher is, in evaluation mode."""
    supernet = Supernet(OneNetwork(family, genotype), seed=recipe.seed).to(device)
    only = supernet.family.space.largest
    fit(supernet, task, Fixed(only), targets_only, recipe, progress=False)
    return supernet.network(only, task)
