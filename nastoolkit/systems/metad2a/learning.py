"""What is learnt from known tasks before an unseen one comes, the generator and the predictor, and what both then say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from nastoolkit.randomness import drawn_from
from nastoolkit.systems.metad2a.graphs import CellGenerator, CellPredictor

KL_WEIGHT, LEARNING_RATE = 0.005, 3e-3
N_GOOD = 3  # cells of each task that the generator learns from


def some(features: torch.Tensor, n_images: int, rng: np.random.Generator) -> torch.Tensor:
    """Random images of every class, ``(n_tasks, n_classes, n_images, d)``."""
    return features[:, :, torch.from_numpy(rng.permutation(features.shape[2])[:n_images])]


def best_cells(cells: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """The best of all cells ``(n_cells, n_edges)`` for each task, by ``truth`` ``(n_tasks, n_cells)``."""
    return cells[truth.topk(min(N_GOOD, len(cells)), dim=1).indices]


def learn_generator(
    features: torch.Tensor, cells: torch.Tensor, truth: torch.Tensor, n_nodes: int, n_images: int, n_steps: int, seed: int
) -> CellGenerator:
    """Learn to write the best cells of known tasks.

    Args:
        features: Features of known tasks, ``(n_tasks, n_classes, n, d)``.
        cells: All cells ``(n_cells, n_edges)``.
        truth: Accuracies ``(n_tasks, n_cells)``.
        n_nodes: Nodes of a cell.
        n_images: Images of each class that a step sees.
        n_steps: Number of steps of Adam; each sees all pairs of a task and one of its best cells.
        seed: Random seed.
    """
    good = best_cells(cells, truth)
    with drawn_from(seed):
        generator = CellGenerator(features.shape[-1], int(cells.max()) + 1, n_nodes)
    rng, noise = np.random.default_rng([seed, 1]), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(generator.parameters(), LEARNING_RATE)
    for _ in range(n_steps):
        generator.loss(some(features, n_images, rng), good, noise, KL_WEIGHT).backward()
        optimizer.step()
        optimizer.zero_grad()
    return generator


def learn_predictor(
    features: torch.Tensor, cells: torch.Tensor, truth: torch.Tensor, n_nodes: int, n_images: int, n_steps: int, seed: int
) -> CellPredictor:
    """Learn the accuracies of all cells, standardised within each task, by least squares; see :func:`learn_generator`."""
    wanted = (truth - truth.mean(1, keepdim=True)) / (truth.std(1, keepdim=True) + 1e-6)
    with drawn_from(seed):
        predictor = CellPredictor(features.shape[-1], int(cells.max()) + 1, n_nodes)
    rng, optimizer = np.random.default_rng([seed, 2]), torch.optim.Adam(predictor.parameters(), LEARNING_RATE)
    for _ in range(n_steps):
        nn.functional.mse_loss(predictor(some(features, n_images, rng), cells), wanted).backward()
        optimizer.step()
        optimizer.zero_grad()
    return predictor


def predicted(
    predictor: CellPredictor,
    features: torch.Tensor,
    cells: torch.Tensor,
    n_images: int,
    n_draws: int,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Mean prediction ``(n_tasks, n_cells)`` of ``cells`` ``(n_cells, n_edges)`` for every task, over draws of images."""
    with torch.no_grad():
        return torch.stack([predictor(some(features, n_images, rng), cells) for _ in range(n_draws)]).mean(0)


def generated(
    generator: CellGenerator, features: torch.Tensor, n_cells: int, n_images: int, n_draws: int, seed: int
) -> torch.Tensor:
    """Cells ``(n_tasks, n_cells, n_edges)`` for every task, as many from each of some draws of images."""
    rng, drawn = np.random.default_rng([seed, 3]), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        means = torch.stack([generator.encode(some(features, n_images, rng))[0] for _ in range(n_draws)], 1)
    codes = means.repeat(1, -(-n_cells // n_draws), 1)[:, :n_cells]
    return generator.sample(codes.flatten(0, 1), drawn)[0].unflatten(0, codes.shape[:2])


def ranked(cells: Sequence[int], scores: torch.Tensor) -> list[int]:
    """Different cells of a list of their numbers, those with the highest scores ``(n_all_cells,)`` first."""
    return sorted(dict.fromkeys(cells), key=lambda cell: -float(scores[cell]))
