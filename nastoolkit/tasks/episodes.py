"""Episodes: small tasks drawn from the examples of a classification task, for learning to learn.

[Vinyals2016] O. Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016, Section 2.2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from nastoolkit.tasks.base import Split


def episode(examples: Split, step: int, n_classes: int, n_support: int, n_query: int, seed: int = 0) -> tuple[Split, Split]:
    """Examples to learn from and others to answer, of the same few classes, whose targets are 0 to ``n_classes`` - 1.

    Args:
        examples: A split of a classification task.
        step: Number of the episode; with the seed it says which one this is.
        n_classes: Classes of the episode.
        n_support: Examples of each class to learn from.
        n_query: Examples of each class to answer.
        seed: Seed of what is drawn.

    Raises:
        ValueError: The split has too few classes, or too few examples of one that is drawn.
    """
    rng, targets = np.random.default_rng([seed, step]), examples.targets.numpy()
    known, n = np.unique(targets), n_support + n_query
    if len(known) < n_classes:
        raise ValueError(f"an episode of {n_classes} classes needs as many, and the examples have {len(known)}")
    rows = [np.flatnonzero(targets == one) for one in rng.choice(known, n_classes, replace=False)]
    if (fewest := min(map(len, rows))) < n:
        raise ValueError(f"an episode needs {n} examples of each class, and one has {fewest}")
    drawn = np.stack([rng.choice(places, n, replace=False) for places in rows])
    return _part(examples, drawn[:, :n_support]), _part(examples, drawn[:, n_support:])


def _part(examples: Split, rows: np.ndarray) -> Split:
    targets = torch.arange(len(rows)).repeat_interleave(rows.shape[1])
    return replace(examples.take(rows.ravel()), targets=targets)
