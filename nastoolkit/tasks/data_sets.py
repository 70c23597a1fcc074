"""Data on disk: where they are looked for, how official splits become ours, and what to do if data are missing.

[Cai2020] H. Cai et al., "Once-for-All: Train One Network and Specialize it for Efficient Deployment", ICLR 2020: its code
holds out 10,000 of ImageNet's training images to select sub-networks on, and reports on the official validation images.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from nastoolkit.tasks.base import SPLITS, Classification, Examples, Split, drawn_rows


class MissingDataError(OSError):
    """A data set is missing or incomplete; the message says what to fetch and where to put it."""


class StoredExamples(Examples, Protocol):
    """Examples that are read when they are needed."""

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> Split:
        """The examples at ``places`` ``(n,)``, in memory and augmented for training."""


class StoredTask:
    """A task whose examples are read at the first call of ``split`` or ``batch``.

    Args:
        name: See :class:`nastoolkit.tasks.Task`.
        remedy: Sentences that say what to fetch and where to put it.
    """

    def __init__(self, name: str, remedy: str) -> None:
        self.name = name
        self.remedy = remedy

    def split(self, name: str) -> Examples:
        """One of the three fixed splits, as evaluation sees it.

        Raises:
            ValueError: There is no such split.
            MissingDataError: The data are missing or incomplete.
        """
        if name not in SPLITS:
            raise ValueError(f"unknown split {name!r}; known: {SPLITS}")
        return self._splits[name]

    @property
    def n_rows(self) -> int:
        """Number of training examples."""
        return len(self._splits["train"])

    def batch(self, step: int, size: int, seed: int = 0, rows: np.ndarray | None = None) -> Split:
        """Training data of one step, with every example once per epoch. It depends only on its arguments."""
        rng = np.random.default_rng([seed, step])
        places = places_of_step(self.n_rows, step, size, seed) if rows is None else drawn_rows(rows, self.n_rows, size, rng)
        return replace(self._splits["train"].draw(places, rng), rows=torch.from_numpy(places))

    def read(self) -> Mapping[str, StoredExamples]:
        """The three splits, from disk."""
        raise NotImplementedError

    def missing(self, what: str, remedy: str | None = None) -> MissingDataError:
        """An error that says what is wrong with the data, and the remedy."""
        return MissingDataError(f"task {self.name!r}: {what}.\n{remedy or self.remedy}")

    @cached_property
    def _splits(self) -> Mapping[str, StoredExamples]:
        return self.read()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_splits"}  # other processes read for themselves


class StoredClassification(StoredTask, Classification):
    """Classification of stored examples.

    Search selects on ``validation`` and reports on ``test``, so both need labels. A data set with three labelled splits keeps
    them. Otherwise its official validation or test split is our ``test``, and a tenth of the training examples, at most
    ``most_held_out``, is our ``validation``, which is always the same ([Cai2020]). A split's order is shuffled with a fixed
    seed.

    Args:
        name: See :class:`StoredTask`.
        remedy: See :class:`StoredTask`.
        most_held_out: Largest number of examples held out of the training split.
    """

    def __init__(self, name: str, remedy: str, most_held_out: int = 10_000) -> None:
        super().__init__(name, remedy)
        self.most_held_out = most_held_out

    def our_splits(self, sizes: Mapping[str, int]) -> dict[str, tuple[str, np.ndarray]]:
        """The official split and its rows, ``(n,)``, that make each of our splits.

        Args:
            sizes: Number of examples of the labelled official splits, by our names.

        Raises:
            MissingDataError: There is no training split, or no other split.
        """
        others = [name for name in sizes if name != "train"]
        if not others or "train" not in sizes:
            raise self.missing(f"labelled splits found: {', '.join(sizes) or 'none'}; needed: train, and validation or test")
        rows = {name: np.random.default_rng(0).permutation(n) for name, n in sizes.items()}
        if len(others) == 2:
            return {name: (name, rows[name]) for name in SPLITS}
        held_out, rest = np.split(rows["train"], [max(1, min(self.most_held_out, sizes["train"] // 10))])
        return {"train": ("train", rest), "validation": ("train", held_out), "test": (others[0], rows[others[0]])}


def datasets_folder() -> Path:
    """Folder in which data sets are looked for: ``NASTOOLKIT_DATASETS``, by default ``datasets`` in the current folder."""
    return Path(os.environ.get("NASTOOLKIT_DATASETS") or "datasets").absolute()


def places_of_step(n: int, step: int, size: int, seed: int) -> np.ndarray:
    """The training examples of ``n`` that a step uses, ``(size,)``: each once per epoch, ordered by seed and epoch."""
    epochs, positions = np.divmod(step * size + np.arange(size), n)
    return np.concatenate([_order(n, seed, int(epoch))[positions[epochs == epoch]] for epoch in np.unique(epochs)])


@lru_cache(maxsize=2)
def _order(n: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch, 1]).permutation(n)
