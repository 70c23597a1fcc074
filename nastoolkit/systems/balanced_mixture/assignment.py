"""The learned assignment of configurations to copies of the weights, and its balancing ([Javan2023], Section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch

from nastoolkit.blocks import device_of
from nastoolkit.supernets import Supernet
from nastoolkit.tasks import Split, Task

LEARNED, UNBALANCED, RANDOM = "balanced", "not balanced", "at random"
RULES = (LEARNED, UNBALANCED, RANDOM)
TOLERANCE = 1e-4  # of the load of a copy
N_ROUNDS = 100_000  # after which balancing gives up


def soft_assignment(scores: np.ndarray, temperature: float, scales: np.ndarray) -> np.ndarray:
    """Probability of each copy for each configuration ``(c, m)``: a softmax of scores, divided by the copies' scales.

    Args:
        scores: How good each configuration is with each copy ``(c, m)``.
        temperature: Factor of the scores; the greater it is, the surer the assignment.
        scales: Logarithm of each copy's scale ``(m,)``.
    """
    logits = temperature * scores - scales
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    return likely / likely.sum(axis=1, keepdims=True)


def balancing(scores: np.ndarray, temperature: float, tolerance: float = TOLERANCE) -> np.ndarray:
    """Logarithms of scales ``(m,)`` with which all copies have the same load, by [Sinkhorn1967]'s iteration.

    Columns are divided by their means, and rows by their sums, in turns; the scales of rows cancel out.

    Args:
        scores: See :func:`soft_assignment`.
        temperature: Factor of the scores.
        tolerance: How far a load may be from that of all others.

    Raises:
        ValueError: Scores that are no numbers, or that differ so much that the iteration does not end.
    """
    n_copies = scores.shape[1]
    scales = np.zeros(n_copies)
    for _ in range(N_ROUNDS if np.isfinite(scores).all() else 0):
        loads = soft_assignment(scores, temperature, scales).mean(axis=0)
        if np.abs(loads - 1 / n_copies).max() <= tolerance:
            return scales
        scales += np.log(n_copies * loads)
    raise ValueError(f"copies could not be balanced: scores at temperature {temperature:g} differ too much or are NaN")


class BalancedMixture:
    """A random configuration a step, and a copy of the weights that is drawn for it; a sampler that learns.

    The score of a configuration with a copy is a running mean of accuracies on validation batches, which starts at 1. With
    every epoch the temperature rises along a line, and the copies are balanced.

    Args:
        supernet: What is trained; its family has the choices ``pooling`` and ``copy``.
        task: Gives the validation images.
        n_steps: Number of steps of the whole training.
        n_epoch: Number of steps of an epoch.
        batch_size: Validation images that a step is judged by.
        seed: Seed of all draws.
        rule: ``LEARNED``; ``UNBALANCED``, without scales; or ``RANDOM``, a fixed random assignment, as many to each copy.
        highest: Temperature of the last epoch; that of the first is 1.
        decay: Share of a score that stays when a new accuracy comes in.

    Attributes:
        scores: ``(c, m)``.
        scales: Logarithm of each copy's scale ``(m,)``.
        traffic: Number of steps that each copy had in each epoch that is over, and in this one ``(e, m)``.

    Raises:
        ValueError: There is no such rule.
    """

    def __init__(
        self,
        supernet: Supernet,
        task: Task,
        n_steps: int,
        n_epoch: int,
        batch_size: int,
        seed: int = 0,
        rule: str = LEARNED,
        highest: float = 100.0,
        decay: float = 0.9,
    ) -> None:
        if rule not in RULES:
            raise ValueError(f"unknown rule {rule!r}; known: {', '.join(RULES)}")
        self.supernet, self.task, self.space = supernet, task, supernet.family.space
        self.n_steps, self.n_epoch, self.batch_size, self.seed = n_steps, n_epoch, batch_size, seed
        self.rule, self.highest, self.decay = rule, highest, decay
        shape = tuple(len(choice.options) for choice in self.space.choices)
        self.scores, self.scales = np.ones(shape), np.zeros(shape[1])
        self.traffic, self.n_taken = np.zeros((-(-n_steps // n_epoch), shape[1])), 0

    @property
    def temperature(self) -> float:
        """That of this epoch."""
        epoch = min(self.n_taken, self.n_steps - 1) // self.n_epoch
        return 1 + (self.highest - 1) * epoch / max(1, len(self.traffic) - 1)

    @property
    def assignment(self) -> np.ndarray:
        """Probability of each copy for each configuration ``(c, m)``."""
        if self.rule == RANDOM:
            return np.eye(len(self.scales))[self._owners]
        return soft_assignment(self.scores, self.temperature, self.scales)

    @cached_property
    def _owners(self) -> np.ndarray:
        return np.random.default_rng([self.seed, 2]).permutation(np.arange(len(self.scores)) % len(self.scales))

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """See :class:`nastoolkit.training.PathSampler`; configurations are the same for any number of copies."""
        (genotype,) = self.space.sample(1, np.random.default_rng([self.seed, step]))
        likely = self.assignment[genotype[0]]
        genotype[1] = np.random.default_rng([self.seed, step, 1]).choice(len(likely), p=likely)
        return [(genotype, 1.0)]

    def feedback(self, step: int, losses: list[float], probes: list[Any]) -> None:
        """See :class:`nastoolkit.training.samplers.LearningSampler`."""
        ((genotype, _),) = self.draw(step)
        place = tuple(genotype)
        self.scores[place] = self.decay * self.scores[place] + (1 - self.decay) * self._validated(genotype, step)
        self.traffic[self.n_taken // self.n_epoch, genotype[1]] += 1
        self.n_taken += 1
        if self.rule == LEARNED and self.n_taken % self.n_epoch == 0:
            self.scales = balancing(self.scores, self.temperature)

    @torch.no_grad()
    def _validated(self, genotype: np.ndarray, step: int) -> float:
        """Accuracy in 0..1 on a validation batch, by whose own statistics it is normalised."""
        rows = np.random.default_rng([self.seed, step, 3]).integers(len(self._held_out), size=self.batch_size)
        batch = self._held_out[rows].to(device_of(self.supernet))
        return (self.supernet(batch.inputs, genotype).argmax(dim=1) == batch.targets).float().mean().item()

    @cached_property
    def _held_out(self) -> Split:
        examples = self.task.split("validation")
        return next(examples.batches(len(examples), self.supernet.family.input_shape(self.space.smallest)))

    @property
    def copies(self) -> np.ndarray:
        """The likeliest copy of each configuration ``(c,)``."""
        return self.assignment.argmax(axis=1)

    def state_dict(self) -> Mapping[str, Any]:
        """Scores, scales, traffic, and the number of steps."""
        arrays = {name: torch.from_numpy(getattr(self, name).copy()) for name in ("scores", "scales", "traffic")}
        return {"n_taken": self.n_taken, **arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from such a state."""
        self.n_taken = int(state["n_taken"])
        for name in ("scores", "scales", "traffic"):
            setattr(self, name, state[name].numpy().copy())
