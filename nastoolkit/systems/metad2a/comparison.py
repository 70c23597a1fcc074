"""Jobs of the notebook: cells that each arm proposes for tasks that it has not seen, judged by a table of all cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import rankdata

from nastoolkit.benchmarks.members import members
from nastoolkit.families.cells import CellsFamily
from nastoolkit.measurements.image_features import class_features, images_by_class
from nastoolkit.systems.metad2a.learning import (
    best_cells,
    generated,
    learn_generator,
    learn_predictor,
    predicted,
    ranked,
)
from nastoolkit.systems.metad2a.truth import cells_of
from nastoolkit.tasks import LabelledTask
from nastoolkit.tasks.fitting import cells_for

METAD2A, WRONG, MARGINAL, RANDOM = "MetaD2A", "another task's images", "marginal frequencies", "random"
AGNOSTIC, NEAREST, EVERY = "task-agnostic", "nearest task", "predictor on every cell"
N_DRAWS, N_PROPOSED = 10, 5  # draws of images that are averaged over; cells of which the best predicted one is taken
Row = dict[str, Any]


def propose(
    seed: int,
    tasks: Sequence[LabelledTask],
    measured: np.ndarray,
    sizes: dict[str, Any],
    n_unseen: int,
    n_images: dict[str, int],
    steps: dict[str, int],
    n_generated: int,
) -> list[Row]:
    """Learn from known tasks, and propose cells for unseen ones by every arm; a job of a grid.

    Args:
        seed: Seed of which tasks are unseen, of weights and of draws.
        tasks: All tasks.
        measured: Their cells' accuracies in %, ``(n_tasks, n_cells, n_repeats)``.
        sizes: See :func:`cells_of`.
        n_unseen: Number of unseen tasks.
        n_images: Images of each class: ``known`` ones, and those ``shown`` to an encoder at a time.
        steps: Steps of ``features``, ``generator`` and ``predictor``.
        n_generated: Number of cells that are generated for each task.

    Returns:
        Rows for each ``arm`` and unseen ``task``: mean ``percentile`` of the cells that it draws from, in %, and ``regret`` in
        points of the best of its first ``n_trained`` cells. Those of MetaD2A also have the share of ``unique`` cells among the
        generated ones, and the ``seconds`` of the search for all unseen tasks.

    Raises:
        ValueError: The table is not one of these tasks and all cells, or a task has too few images or classes.
    """
    cells = members(cells_of(tasks[0], sizes).space)
    _check(measured, len(tasks), len(cells))
    order = np.random.default_rng([seed, 0]).permutation(len(tasks))
    truth, n_known = torch.from_numpy(measured[order].mean(2)).float(), len(tasks) - n_unseen
    ordered, size = [tasks[place] for place in order], sizes["image_size"]
    features = _features(ordered, n_known, n_images["known"], size, steps["features"], seed)
    learning = {"n_nodes": sizes["n_nodes"], "n_images": n_images["shown"], "seed": seed}
    known = (features[:n_known], torch.from_numpy(cells), truth[:n_known])
    generator = learn_generator(*known, n_steps=steps["generator"], **learning)
    predictor = learn_predictor(*known, n_steps=steps["predictor"], **learning)
    start = perf_counter()
    made = generated(generator, features[n_known:], n_generated, n_images["shown"], N_DRAWS, seed)
    judged = predicted(predictor, features[n_known:], known[1], n_images["shown"], N_DRAWS, np.random.default_rng(seed))
    seconds = perf_counter() - start
    arms = CellArms(known[1], truth[:n_known], features.mean((1, 2)), _numbers(made, known[1]), judged, seed)
    return [
        {"task": name, **row, **({"seconds": seconds} if row["arm"] == METAD2A else {})}
        for place, name in enumerate(task.name for task in ordered[n_known:])
        for row in _rows(arms.of(place), truth[n_known + place])
    ]


def _check(measured: np.ndarray, n_tasks: int, n_cells: int) -> None:
    if measured.ndim != 3 or measured.shape[:2] != (n_tasks, n_cells):
        raise ValueError(f"a table of {n_tasks} tasks and {n_cells} cells with some repeats is needed, got {measured.shape}")


def _features(tasks: Sequence[LabelledTask], n_known: int, n_images: int, size: int, n_steps: int, seed: int) -> torch.Tensor:
    """Features of all tasks, known ones first, by a small network with two stages of cells."""
    n_classes = min(task.n_classes for task in tasks)
    family = cells_for(tasks[0], channels=16, n_cells=1, n_stages=2, n_nodes=3, image_size=size)
    family = CellsFamily("features", replace(family.table, n_classes=n_known * n_classes))
    shape = family.input_shape(family.largest)
    images = torch.stack([images_by_class(task, n_classes, n_images, shape) for task in tasks])
    return class_features(images, n_known, family, n_steps, seed)


def _numbers(some: torch.Tensor, cells: torch.Tensor) -> np.ndarray:
    """Places ``(...)`` of cells ``(..., n_edges)`` among all ``(n_cells, n_edges)``."""
    return (some[..., None, :] == cells).all(-1).int().argmax(-1).numpy()


@dataclass(frozen=True, eq=False)
class CellArms:
    """What all arms know before they propose cells, which are numbers.

    Attributes:
        cells: All cells ``(n_cells, n_edges)``.
        known: Accuracies of known tasks ``(n_known, n_cells)``.
        means: Mean features of all tasks, known ones first, ``(n_tasks, d)``.
        made: Generated cells for unseen tasks ``(n_unseen, n_generated)``.
        judged: Predictions for unseen tasks ``(n_unseen, n_cells)``.
        seed: Random seed.
    """

    cells: torch.Tensor
    known: torch.Tensor
    means: torch.Tensor
    made: np.ndarray
    judged: torch.Tensor
    seed: int

    def of(self, task: int) -> list[CellProposal]:
        """Proposals of all arms for an unseen task."""
        rng, every = np.random.default_rng([self.seed, 4, task]), np.arange(len(self.cells))
        judged, frequent = self.judged[task], self._by_frequency(rng)
        agnostic = ranked(every.tolist(), self.known.mean(0))
        alike = torch.cosine_similarity(self.means[: len(self.known)], self.means[len(self.known) + task], dim=1)
        nearest = ranked(every.tolist(), self.known[int(alike.argmax())])
        others = [other for other in range(len(self.made)) if other != task]
        return [
            CellProposal(METAD2A, self.made[task], best_of(self.made[task], judged)),
            *(CellProposal(WRONG, self.made[other], best_of(self.made[other], self.judged[other])) for other in others),
            CellProposal(MARGINAL, frequent, best_of(frequent, judged)),
            CellProposal(RANDOM, every, best_of(rng.permutation(every), judged)),
            CellProposal(AGNOSTIC, np.array(agnostic[:1]), agnostic),
            CellProposal(NEAREST, np.array(nearest[:1]), nearest),
            CellProposal(EVERY, every, ranked(every.tolist(), judged)),
        ]

    def _by_frequency(self, rng: np.random.Generator) -> np.ndarray:
        """Cells whose edges are drawn, each by itself, from those of the best cells of all known tasks."""
        good = best_cells(self.cells, self.known).flatten(0, 1).numpy()
        drawn = np.stack([rng.choice(edge, self.made.shape[1]) for edge in good.T], 1)
        return _numbers(torch.from_numpy(drawn), self.cells)


@dataclass(frozen=True, eq=False)
class CellProposal:
    """Cells that an ``arm`` draws from ``(n,)``, and those that it would train, the best predicted first."""

    arm: str
    drawn: np.ndarray
    order: list[int]


def best_of(drawn: np.ndarray, judged: torch.Tensor) -> list[int]:
    """The first different cells of those drawn, the best predicted one first."""
    return ranked([*dict.fromkeys(drawn.tolist())][:N_PROPOSED], judged)


def _rows(proposals: Sequence[CellProposal], truth: torch.Tensor) -> list[Row]:
    """Percentiles and regrets of one task's proposals; those of an arm that has several are their mean."""
    percentiles = 100 * (rankdata(truth) - 1) / (len(truth) - 1)
    rows = [
        {
            "arm": one.arm,
            "percentile": percentiles[one.drawn].mean(),
            "unique": len({*one.drawn.tolist()}) / len(one.drawn),
            "n_trained": n,
            "regret": float(truth.max() - truth[one.order[:n]].max()),
        }
        for one in proposals
        for n in range(1, N_PROPOSED + 1)
    ]
    return pd.DataFrame(rows).groupby(["arm", "n_trained"], as_index=False, sort=False).mean().to_dict("records")
