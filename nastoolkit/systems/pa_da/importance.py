"""Sampling of paths and of training examples by the norms of their gradients ([Lu2023], Section 3; see the package)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from nastoolkit.families import Family
from nastoolkit.training import Step
from nastoolkit.training.probes import Gradients, norms_by_block


class ImportanceSampler:
    """Draws each step's path and training examples in proportion to gradient norms of the previous epoch ([Lu2023]).

    All edges share the probabilities of operations. The norms' share of the probabilities grows linearly from 0 with every
    epoch; the rest is uniform.

    Args:
        family: Family whose choices all have the same options.
        n_rows: Number of training examples.
        n_steps: Number of steps of the whole training.
        n_epoch: Number of steps of an epoch.
        seed: Seed of all draws.
        paths: Whether paths are drawn by importance.
        examples: Whether examples are drawn by importance.

    Attributes:
        of_options: Probability of each option ``(k,)``.
        of_rows: Probability of each training example ``(n_rows,)``.

    Raises:
        ValueError: Choices have different options.
    """

    def __init__(
        self, family: Family, n_rows: int, n_steps: int, n_epoch: int, seed: int = 0, paths: bool = True, examples: bool = True
    ) -> None:
        first, *others = family.space.choices
        if different := [choice.name for choice in others if choice.options != first.options]:
            raise ValueError(f"all choices share one probability for each option, and {different[0]!r} has other options")
        self.family, self.options, self.n_steps, self.n_epoch, self.seed = family, first.options, n_steps, n_epoch, seed
        self.learns_paths, self.learns_examples = paths, examples
        self.of_options, self.of_rows = uniform(len(self.options)), uniform(n_rows)
        self.n_taken = 0
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self._option_norms, self._row_norms = np.zeros(len(self.options)), np.zeros(len(self.of_rows))

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """See :class:`nastoolkit.training.PathSampler`."""
        rng = np.random.default_rng([self.seed, self.n_taken, step])
        return [(rng.choice(len(self.options), size=self.family.space.n_genes, p=self.of_options), 1.0)]

    def rows(self, step: int, size: int) -> np.ndarray | None:
        """See :class:`nastoolkit.training.samplers.LearningSampler`."""
        if not self.learns_examples or self.n_taken < self.n_epoch:
            return None
        return np.random.default_rng([self.seed, self.n_taken, step, 1]).choice(len(self.of_rows), size, p=self.of_rows)

    def probe(self, step: Step, found: Gradients) -> tuple[dict[Any, float], list[int], list[float]]:
        """Norms of options, and of the examples of a batch with their rows."""
        options = norms_of_options(self.family, step.genotype, found) if self.learns_paths else {}
        if not self.learns_examples or step.rows is None:
            return options, [], []
        return options, step.rows.tolist(), logit_norms(step.outputs.detach(), step.targets).tolist()

    def feedback(self, step: int, losses: list[float], probes: list[Any]) -> None:
        """See :class:`nastoolkit.training.samplers.LearningSampler`."""
        for options, rows, norms in probes:
            merge(self._option_norms, map(self.options.index, options), options.values())
            merge(self._row_norms, rows, norms)
        self.n_taken += 1
        if self.n_taken % self.n_epoch == 0 and self.n_taken < self.n_steps:
            self._end_epoch(self.n_taken / self.n_steps)

    def _end_epoch(self, share: float) -> None:
        if self.learns_paths:
            self.of_options = mixed(self._option_norms, share)
        if self.learns_examples:
            self.of_rows = mixed(self._row_norms, share)
        self._begin_epoch()

    def probability(self, paths: np.ndarray) -> np.ndarray:
        """Probabilities ``(n,)`` of paths ``(n, d)`` if no others are drawn."""
        likely = self.of_options[paths].prod(axis=1)
        return likely / likely.sum()

    @property
    def told(self) -> dict[str, float]:
        """The probability of each option, named ``p OPTION``."""
        return {f"p {option}": p for option, p in zip(self.options, self.of_options.tolist(), strict=True)}

    @property
    def _arrays(self) -> tuple[str, ...]:
        return "of_options", "of_rows", "_option_norms", "_row_norms"

    def state_dict(self) -> Mapping[str, Any]:
        """Probabilities, the norms of this epoch, and the number of steps."""
        return {"n_taken": self.n_taken} | {name: torch.from_numpy(getattr(self, name).copy()) for name in self._arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from such a state."""
        self.n_taken = int(state["n_taken"])
        for name in self._arrays:
            setattr(self, name, state[name].numpy().copy())


def uniform(n: int) -> np.ndarray:
    """Equal probabilities ``(n,)``."""
    return np.full(n, 1 / n)


def mixed(weights: np.ndarray, share: float) -> np.ndarray:
    """Probabilities ``(n,)``: one share is proportional to weights ``(n,)``, the rest is uniform ([Lu2023]).

    Raises:
        ValueError: All weights are zero, or one is below zero or not a number.
    """
    if not np.isfinite(weights).all() or weights.min() < 0:
        raise ValueError("importance weights must be at least 0, and some are negative or NaN: the training may have diverged")
    if not weights.any():
        raise ValueError(
            "importance weights are all zero: nothing that was drawn in the epoch had a gradient; make epochs longer"
        )
    return share * (weights / weights.sum()) + (1 - share) * uniform(len(weights))


def merge(known: np.ndarray, places: Any, values: Any) -> None:
    """Put values in their places, averaging each with a known value there; zeros mean unknown."""
    for place, value in zip(places, values, strict=True):
        if value:
            known[place] = (known[place] + value) / 2 if known[place] else value


def norms_of_options(family: Family, genotype: np.ndarray, found: Gradients) -> dict[Any, float]:
    """Norms of the gradients of each option of a path, summed over its blocks and divided by the edges that have it."""
    chosen = family.space.decode(genotype)
    norms = norms_by_block(found, [slot.name for slot in family.slots if slot.choices])
    sums: dict[Any, float] = defaultdict(float)
    for slot in family.slots:
        if slot.name in norms:
            sums[chosen[slot.choices[0]]] += norms[slot.name]
    edges = Counter(chosen.values())
    return {option: total / edges[option] for option, total in sums.items()}


def logit_norms(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Norm ``(n,)`` of the gradient of each example's cross-entropy with respect to its logits ``(n, n_classes)``."""
    return (logits.softmax(1) - functional.one_hot(targets, logits.shape[1])).norm(dim=1)
