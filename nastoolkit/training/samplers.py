"""Path samplers: which sub-networks a training step runs. A draw depends only on the seed and the step, so runs can resume.

[Yu2019] J. Yu and T. Huang, "Universally Slimmable Networks and Improved Training Techniques", ICCV 2019, Section 3.
[Guo2020] Z. Guo et al., "Single Path One-Shot Neural Architecture Search with Uniform Sampling", ECCV 2020, Section 3.
[Lu2021] Z. Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021, arXiv 2005.05859, Section 3.
[Chu2021] X. Chu, B. Zhang and R. Xu, "FairNAS: Rethinking Evaluation Fairness of Weight Sharing Neural Architecture Search",
ICCV 2021, arXiv 1907.01845, Section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from nastoolkit.space import SearchSpace
from nastoolkit.support.counts import keep_whole


class PathSampler(Protocol):
    """What the fit loop asks at every step."""

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """Genotypes ``(d,)`` with the weights of their losses; the first one teaches the others.

        A path may also be several sub-networks ``(k, d)`` that share the rows of one pass, for supernets that run them so.
        """


class LearningSampler(PathSampler, Protocol):
    """A sampler that learns from steps: its draws also depend on its state, which only ``feedback`` changes.

    Attributes:
        probe: Optional function of a path's :class:`nastoolkit.training.losses.Step` and of its gradients by the names of the
            weights; :mod:`nastoolkit.training.probes` helps to write it. It is called after the backward pass of every path.
        rows: Optional function of a step's number and of the batch size, which returns the positions ``(size,)`` of the step's
            training examples, or None to let the task draw them. It works in one process only.
        shares_rows: Whether the paths of a step share the rows of the batch; otherwise each takes the whole batch.
    """

    def feedback(self, step: int, losses: list[float], probes: list[Any]) -> None:
        """Learn from a finished step.

        Args:
            step: Number of the step.
            losses: Loss of each path, the mean over all processes.
            probes: What ``probe`` returned for each path; None without a probe.
        """

    def state_dict(self) -> Mapping[str, Any]:
        """Everything that draws depend on and ``feedback`` changes: tensors, numbers and texts."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from such a state."""


@dataclass(frozen=True)
class Fixed:
    """Always the same sub-network, so that it is trained alone."""

    genotype: np.ndarray

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """See :class:`PathSampler`."""
        return [(self.genotype, 1.0)]


@dataclass(frozen=True)
class Uniform:
    """``n_paths`` random sub-networks per step (one in [Guo2020])."""

    space: SearchSpace
    n_paths: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        keep_whole(self, n_paths=1, seed=0)

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """See :class:`PathSampler`."""
        return _random_paths(self.space, self.n_paths, self.seed, step)


@dataclass(frozen=True)
class Sandwich:
    """The largest, the smallest and ``n_random`` random sub-networks per step: the two ends bound all others ([Yu2019]).

    If choices have no order, the ends have their last and first options: those of a family of cells are in the order of their
    MACs.
    """

    space: SearchSpace
    n_random: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        keep_whole(self, n_random=0, seed=0)

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """See :class:`PathSampler`."""
        ends = [(self.space.largest, 1.0), (self.space.smallest, 1.0)]
        return ends + _random_paths(self.space, self.n_random, self.seed, step)


@dataclass(frozen=True)
class Fair:
    """As many sub-networks per step as choices have options; each option of every choice is in exactly one ([Chu2021]).

    The gradients of all these add up to those of the step.

    Raises:
        ValueError: Choices have different numbers of options, or some depend on others.
    """

    space: SearchSpace
    seed: int = 0

    def __post_init__(self) -> None:
        keep_whole(self, seed=0)
        numbers = {len(options) for options in self.space.allowed}
        if len(numbers) > 1 or any(choice.when for choice in self.space.choices):
            found = " and ".join(map(str, sorted(numbers)))
            raise ValueError(
                f"fair sampling needs choices with equally many options and without conditions, got {found} options"
            )

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """See :class:`PathSampler`."""
        rng = np.random.default_rng([self.seed, step])
        return [(path, 1.0) for path in np.stack([rng.permutation(options) for options in self.space.allowed], axis=1)]


def _random_paths(space: SearchSpace, n: int, seed: int, step: int) -> list[tuple[np.ndarray, float]]:
    return [(genotype, 1.0) for genotype in space.sample(n, np.random.default_rng([seed, step]))]


@dataclass(frozen=True)
class ArchiveFrequencies:
    """One sub-network per step, whose genes have the option frequencies of an archive, independently of each other ([Lu2021]).

    A row counts for a gene only if the gene is alive there: an absent block says nothing about its kernel.

    Raises:
        ValueError: The archive has no sub-networks, or some that are not in the space.
    """

    space: SearchSpace
    genotypes: np.ndarray  # (n, d)
    seed: int = 0

    def __post_init__(self) -> None:
        keep_whole(self, seed=0)
        if not len(self.space.canonical(np.atleast_2d(self.genotypes))):
            raise ValueError("an archive needs at least one sub-network")

    @cached_property
    def _live(self) -> tuple[np.ndarray, np.ndarray]:
        """The archive's options ``(n, d)``, in each column live ones first, and the number of live ones ``(d,)``."""
        genotypes = self.space.canonical(np.atleast_2d(self.genotypes))
        alive = self.space.alive(genotypes)
        live_first = np.argsort(~alive, axis=0, kind="stable")
        return np.take_along_axis(genotypes, live_first, axis=0), alive.sum(axis=0)

    def draw(self, step: int) -> list[tuple[np.ndarray, float]]:
        """See :class:`PathSampler`."""
        options, n_live = self._live
        rows = np.random.default_rng([self.seed, step]).integers(0, np.maximum(n_live, 1))
        return [(self.space.canonical(options[rows, np.arange(self.space.n_genes)]), 1.0)]
