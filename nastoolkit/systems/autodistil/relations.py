"""The students' loss: relations between tokens in the teacher's last layer. [Xu2022], arXiv 2201.12507.

[Xu2022] D. Xu et al., "Few-shot Task-agnostic Neural Architecture Search for Distilling Large Language Models" (AutoDistil),
NeurIPS 2022, Section 3.2, Equations 4 and 5, and https://github.com/microsoft/autodistil, commit ea5cc7f.
[Wang2021] W. Wang et al., "MiniLMv2: Multi-Head Self-Attention Relation Distillation for Compressing Pretrained Transformers",
Findings of ACL 2021, arXiv 2012.15828: relation heads.

Differs from the paper in: the squared differences of a token's relations are summed, not averaged, which multiplies the loss
by the number of tokens in a text. The released code compares scores before the softmax, the paper relations after it: both
are available, by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from typing import Any

import numpy as np
import torch
from torch import nn

from nastoolkit.blocks import device_of
from nastoolkit.families import Family
from nastoolkit.supernets import Supernet
from nastoolkit.systems.autodistil.students import layers_of
from nastoolkit.taps import parts_of, taps
from nastoolkit.tasks import Split, Task
from nastoolkit.training.losses import PathLoss, Step, TaskLoss, weights_hash

LAYER = ("query", "key", "value")  # whose relations are compared, with equal weights


def relations(states: torch.Tensor, n_heads: int, mask: torch.Tensor, kind: str = "softmax") -> torch.Tensor:
    """How strongly the tokens of a text are related to each other ([Xu2022], Equation 4).

    Args:
        states: Queries, keys or values of all attention heads ``(n, length, channels)``.
        n_heads: Number of relation heads, among which the channels are divided again; left-over channels are not used.
        mask: Mask ``(n, length)``, 1 for tokens and 0 for padding.
        kind: Kind of relation: ``softmax``, as in the paper, or ``scores`` before it, as in its code.

    Returns:
        Relations ``(n, n_heads, length, length)``; 0 at padding.

    Raises:
        ValueError: There is no such kind, or there are fewer channels than relation heads.
    """
    if kind not in ("softmax", "scores"):
        raise ValueError(f"relations are compared as softmax or as scores, got {kind!r}")
    width = states.shape[-1] // n_heads
    if not width:
        raise ValueError(f"a student has {states.shape[-1]} channels of queries, too few for {n_heads} relation heads")
    heads = states[..., : n_heads * width].unflatten(-1, (n_heads, width)).transpose(1, 2)
    scores, padding = heads @ heads.transpose(2, 3) / sqrt(width), mask[:, None, None, :] == 0
    return scores.masked_fill(padding, 0.0) if kind == "scores" else scores.masked_fill(padding, -inf).softmax(-1)


class Relations:
    """Students learn the relations in the teacher's last layer, and nothing else ([Xu2022], Equations 4 and 5).

    Args:
        teacher: Network whose encoder is that of a :class:`nastoolkit.families.bert.BertFamily`; put into evaluation mode.
        family: Family of the students.
        n_heads: Number of relation heads.
        kind: See :func:`relations`.

    Attributes:
        features: Features that steps provide: queries, keys and values of all layers; the last layer's are compared.
    """

    def __init__(self, teacher: nn.Module, family: Family, n_heads: int = 12, kind: str = "softmax") -> None:
        self.teacher, self.n_heads, self.kind = teacher.eval(), n_heads, kind
        layers = [slot.name for slot in family.slots if slot.name.startswith("encoder.")]
        self.features = tuple(f"{layer}.attention.{part}" for layer in layers for part in LAYER)
        self._inputs: object = None
        self._wanted = list[torch.Tensor]()

    def __call__(self, task_loss: TaskLoss) -> PathLoss:
        """The criterion for :func:`nastoolkit.training.fit`; it ignores the task's loss."""
        return lambda step: self.of_step(step)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that distinguish runs."""
        return {"teacher": weights_hash(self.teacher), "relation_heads": self.n_heads, "relations": self.kind}

    def of_step(self, step: Step) -> torch.Tensor:
        """The loss ``()`` of a path."""
        return self.loss(step.inputs, list(step.features.values())[-len(LAYER) :])

    def loss(self, inputs: Any, states: Sequence[torch.Tensor]) -> torch.Tensor:
        """Squared differences from the teacher's relations: summed over queries, keys and values, averaged over all tokens.

        Args:
            inputs: Inputs of the networks.
            states: The student's queries, keys and values ``(n, length, channels)``.
        """
        if inputs is not self._inputs:  # all paths of a step have the same inputs
            self._inputs, self._wanted = inputs, self._relations(inputs, last_states(self.teacher, inputs))
        pairs = zip(self._relations(inputs, states), self._wanted, strict=True)
        return torch.stack([(own - wanted).square().sum(-1).mean() for own, wanted in pairs]).sum()

    def _relations(self, inputs: Any, states: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        return [relations(one, self.n_heads, inputs[1], self.kind) for one in states]


@torch.no_grad()
def last_states(network: nn.Module, inputs: Any) -> list[torch.Tensor]:
    """Queries, keys and values ``(n, length, channels)`` in the last layer of a network's encoder."""
    found: dict[str, torch.Tensor] = {}
    names = [f"encoder.{layers_of(network)[-1]}.attention.{part}" for part in LAYER]
    with taps(parts_of(network, names), found.__setitem__):
        network(inputs)
    return [found[name] for name in names]


@torch.no_grad()
def relation_loss(supernet: Supernet, students: np.ndarray, texts: Split, criterion: Relations) -> np.ndarray:
    """The loss ``(n,)`` of students ``(n, d)`` on texts, by which the task-agnostic search ranks ([Xu2022], Section 3.3)."""
    networks, found = [supernet.extract(genotype) for genotype in students], np.zeros(len(students))
    for batch in texts.batches(100):
        inputs = batch.to(device_of(supernet)).inputs
        losses = [criterion.loss(inputs, last_states(network, inputs)).item() for network in networks]
        found += np.array(losses) * len(batch) / len(texts)
    return found


class Unlabelled:
    """The texts of a task, with its masking, but without its targets.

    Args:
        task: Task whose inputs begin with ``(input_ids, attention_mask, token_type_ids)``.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.name = task, f"{task.name}, unlabelled"
        self.vocabulary = getattr(task, "vocabulary", None)

    def batch(self, step: int, size: int, seed: int = 0, rows: np.ndarray | None = None) -> Split:
        """See :class:`nastoolkit.tasks.Task`; targets are the attention mask, which is not used."""
        return texts_of(self.task.batch(step, size, seed, rows))

    def loss(self, outputs: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """Not available: the criterion has its own loss."""
        raise NotImplementedError

    def split(self, name: str) -> Split:
        """All texts of a split in memory."""
        (whole,) = self.task.split(name).batches(len(self.task.split(name)))
        return texts_of(whole)


def texts_of(split: Split) -> Split:
    """The texts of a batch of a task."""
    return Split(split.inputs[:3], split.inputs[1], split.rows)
