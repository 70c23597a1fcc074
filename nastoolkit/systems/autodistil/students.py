"""Sub-spaces of students, their supernets' paths, and their initial weights from the teacher. [Xu2022], arXiv 2201.12507.

[Xu2022] D. Xu et al., "Few-shot Task-agnostic Neural Architecture Search for Distilling Large Language Models" (AutoDistil),
NeurIPS 2022, Sections 3.1 and 3.2, and https://github.com/microsoft/autodistil, commit ea5cc7f.

Differs from the paper in: the sub-spaces are parts of one family, so that a supernet has weights that its students never use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.families import Family
from nastoolkit.space import genotype_keys
from nastoolkit.supernets import Supernet
from nastoolkit.supernets.copies import Part

_LARGER = {"layers": (9, 10, 11, 12), "ratio": (2.5, 3.0, 3.5, 4.0)}
PARTS: dict[str, dict[str, Part]] = {  # by family; for bert-base-thin those of [Xu2022], Table 1
    "text-bert-thin": {"small": {"dim": (16, 24)}, "middle": {"dim": (32, 40)}, "large": {"dim": (48, 56)}},
    "bert-base-thin": {
        "tiny": {"layers": (4, 5, 6, 7), "dim": (128, 160, 192, 224), "ratio": (2.0, 2.5, 3.0, 3.5), "heads": (7, 8, 9, 10)},
        "small": {**_LARGER, "dim": (256, 288, 320, 352), "heads": (7, 8, 9, 10)},
        "base": {**_LARGER, "dim": (544, 576, 608, 640), "heads": (9, 10, 11, 12)},
    },
}


def sub_spaces(family: Family, parts: Mapping[str, Part]) -> dict[str, np.ndarray]:
    """All students ``(n, d)`` of each part of the space, ordered by MACs.

    Raises:
        ValueError: A part has no students, or two parts share some.
    """
    found, seen = {}, set[bytes]()
    for name, part in parts.items():
        try:
            allowed = family.space.restrict(part).allowed
        except (KeyError, ValueError) as error:
            raise ValueError(f"sub-space {name!r} has no students of {family.name!r}: {error}") from error
        students = np.unique(family.space.canonical(np.array([*product(*allowed)])), axis=0)
        if not seen.isdisjoint(keys := set(genotype_keys(students))):
            raise ValueError(f"sub-space {name!r} has students of another one: every student has one supernet")
        seen |= keys
        found[name] = by_macs(family, students)
    return found


def at_random(family: Family, students: np.ndarray, n_parts: int, seed: int) -> dict[str, np.ndarray]:
    """The same students ``(n, d)`` in random parts of equal size: the control."""
    order = np.random.default_rng(seed).permutation(len(students))
    return {f"random {number}": by_macs(family, students[rows]) for number, rows in enumerate(np.array_split(order, n_parts))}


def by_macs(family: Family, students: np.ndarray) -> np.ndarray:
    """Students ``(n, d)``, ordered by MACs."""
    return students[np.argsort(family.macs(students), kind="stable")]


@dataclass(frozen=True)
class SandwichOf:
    """The students with the most and the fewest MACs and ``n_random`` others, at every step ([Xu2022], Section 3.2).

    Attributes:
        students: Genotypes ``(n, d)``, ordered by MACs.
        n_random: Number of random students.
        seed: Seed of the draws.
    """

    students: np.ndarray
    n_random: int = 2
    seed: int = 0

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """See :class:`nastoolkit.training.PathSampler`."""
        rows = np.random.default_rng([self.seed, step]).integers(len(self.students), size=self.n_random)
        return [(self.students[row], 1.0) for row in (-1, 0, *rows)]


@torch.no_grad()
def take_from_teacher(supernet: Supernet, teacher: nn.Module) -> None:
    """Initialise students with slices of the teacher's layers: the leading channels and the first heads.

    Layer i of n is the teacher's layer i * n' / n of n', rounded down, both from 0 ([Xu2022], Section 3.2, and its code).

    Args:
        supernet: Supernet to change in place, except for its classifier.
        teacher: Network of a :class:`nastoolkit.families.bert.BertFamily`.

    Raises:
        ValueError: The teacher has other tokens or heads of another size, or is smaller somewhere.
    """
    theirs, share = teacher.state_dict(), len(layers_of(teacher)) / len(layers_of(supernet.shared))
    ours = {name: weight for name, weight in supernet.shared.state_dict().items() if not name.startswith("classifier.")}
    pairs = {name: (weight, theirs[_at_teacher(name, share)]) for name, weight in ours.items()}
    _check_fits(pairs, _head_size(supernet.shared), _head_size(teacher))
    for weight, whole in pairs.values():
        weight.copy_(whole[tuple(map(slice, weight.shape))])


def _at_teacher(name: str, share: float) -> str:
    """The teacher's name of a weight, if it has ``share`` layers for each of ours."""
    return re.sub(r"(?<=^encoder\.layer)\d+", lambda match: str(int((int(match[0]) - 1) * share) + 1), name)


def _check_fits(pairs: Mapping[str, tuple[torch.Tensor, torch.Tensor]], head: int, teachers_head: int) -> None:
    """Refuse a teacher if the students' weights are not slices of its weights."""
    words, teachers_words = map(len, pairs["embeddings.tokens.weight"])
    if words != teachers_words:
        raise ValueError(f"the teacher has {teachers_words} tokens and its students {words}: they need the same vocabulary")
    if head != teachers_head:
        raise ValueError(
            f"heads of the teacher have {teachers_head} channels and those of its students {head}: take equal ones"
        )
    for name, (weight, whole) in pairs.items():
        if any(own > theirs for own, theirs in zip(weight.shape, whole.shape, strict=True)):
            raise ValueError(f"students have {name} of {tuple(weight.shape)}, and the teacher only {tuple(whole.shape)}")


def _head_size(network: nn.Module) -> int:
    attention: Any = network.get_submodule(f"encoder.{layers_of(network)[0]}.attention")
    return attention.query.out_features // attention.n_heads


def layers_of(network: nn.Module) -> list[str]:
    """Names of the encoder's layers, in order."""
    return [name for name, _ in network.get_submodule("encoder").named_children()]
