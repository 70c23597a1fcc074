"""NCP's predictor and editing: a code moves along a predictor's gradient and is rounded to a network after every step.

[Ding2021] M. Ding et al., "Learning Versatile Neural Architectures by Propagating Network Codes", ICLR 2022,
arXiv 2103.13253. Settings are those of https://github.com/dingmyu/NCP, commit 5259acd.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nastoolkit.randomness import drawn_from
from nastoolkit.space import SearchSpace

N_EPOCHS, BATCH_SIZE, LEARNING_RATE, WEIGHT_DECAY = 200, 128, 1e-2, 1e-7
N_STEPS, STEP, GAIN, COST_WEIGHT = 70, 3.0, 0.1, 0.5


class Codes:
    """Networks as vectors of numbers, standardised over some networks, and back.

    Ordered options are numbers; other options are indicators, of which the largest counts.

    Args:
        space: Space of the genotypes; ordered options are numbers.
        genotypes: Networks ``(n, d)`` that get mean 0 and standard deviation 1.
    """

    def __init__(self, space: SearchSpace, genotypes: np.ndarray) -> None:
        self.space = space
        self._blocks = [
            np.array(choice.options, float)[:, None] if choice.ordered else np.eye(len(choice.options))
            for choice in space.choices
        ]
        numbers = self._numbers(genotypes)
        self._mean, self._std = numbers.mean(axis=0), np.where(numbers.std(axis=0) > 0, numbers.std(axis=0), 1.0)
        ends = [(block[allowed, :].min(0), block[allowed, :].max(0)) for block, allowed in self._allowed()]
        self.low, self.high = (self._scaled(np.concatenate(end)) for end in zip(*ends, strict=True))

    def of(self, genotypes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` to codes ``(n, f)``."""
        return self._scaled(self._numbers(genotypes))

    def nearest(self, codes: np.ndarray) -> np.ndarray:
        """Genotypes ``(n, d)`` nearest to codes ``(n, f)``, choice by choice."""
        parts = np.split(codes * self._std + self._mean, np.cumsum([block.shape[1] for block in self._blocks])[:-1], axis=1)
        genes = [
            np.array(allowed)[((part[:, None] - block[allowed, :]) ** 2).sum(axis=2).argmin(axis=1)]
            for part, (block, allowed) in zip(parts, self._allowed(), strict=True)
        ]
        return self.space.canonical(np.stack(genes, axis=1))

    def _allowed(self) -> list[tuple[np.ndarray, list[int]]]:
        return [(block, list(allowed)) for block, allowed in zip(self._blocks, self.space.allowed, strict=True)]

    def _numbers(self, genotypes: np.ndarray) -> np.ndarray:
        columns = zip(self._blocks, self.space.canonical(np.atleast_2d(genotypes)).T, strict=True)
        return np.hstack([block[genes] for block, genes in columns])

    def _scaled(self, numbers: np.ndarray) -> np.ndarray:
        return (numbers - self._mean) / self._std


class CodePredictor(nn.Module):
    """Predicts a task's metric and costs of networks from their codes: two shared layers, then two for each group of values.

    Args:
        n_inputs: Length of a code.
        n_costs: Number of costs in addition to the metric.
    """

    def __init__(self, n_inputs: int, n_costs: int = 0) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.BatchNorm1d(n_inputs), *_layer(n_inputs, 256, 0.5))
        heads = [nn.Sequential(*_layer(256, 128, 0.5), nn.Linear(128, 1))]
        heads += [nn.Sequential(*_layer(256, 128, 0.0), nn.Linear(128, n_costs))] if n_costs else []
        self.heads = nn.ModuleList(heads)

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes ``(n, f)`` to standardised values ``(n, 1 + n_costs)``, the metric first."""
        features = self.trunk(codes)
        return torch.cat([head(features) for head in self.heads], dim=1)

    @torch.no_grad()
    def predict(self, codes: np.ndarray) -> np.ndarray:
        """Codes ``(n, f)`` to standardised metrics ``(n,)``."""
        return self.eval()(torch.tensor(codes, dtype=torch.float32))[:, 0].numpy()


def _layer(n_inputs: int, n_outputs: int, dropout: float) -> list[nn.Module]:
    return [nn.Linear(n_inputs, n_outputs), nn.BatchNorm1d(n_outputs), nn.SiLU(), nn.Dropout(dropout)]


def fit_predictor(codes: np.ndarray, values: np.ndarray, seed: int, n_epochs: int = N_EPOCHS) -> CodePredictor:
    """Train a predictor on four fifths of some networks; the weights that are best on the other fifth are kept.

    Args:
        codes: Codes ``(n, f)``.
        values: Raw values ``(n, 1 + n_costs)``, the metric first.
        seed: Seed of the split, the weights, the batches and dropout.
        n_epochs: Number of passes over the networks.
    """
    order, n_fit = np.random.default_rng(seed).permutation(len(codes)), round(0.8 * len(codes))
    x = torch.tensor(codes[order], dtype=torch.float32)
    y = torch.tensor((values - values.mean(axis=0)) / values.std(axis=0), dtype=torch.float32)[order]
    with drawn_from(seed):
        return _trained(CodePredictor(x.shape[1], y.shape[1] - 1), (x[:n_fit], y[:n_fit]), (x[n_fit:], y[n_fit:]), n_epochs)


def _trained(
    predictor: CodePredictor, fitted: tuple[torch.Tensor, ...], held: tuple[torch.Tensor, ...], n_epochs: int
) -> CodePredictor:
    (x, y), n_batches, best = fitted, max(1, len(fitted[0]) // BATCH_SIZE), (np.inf, predictor.state_dict())
    optimizer = torch.optim.Adam(predictor.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, n_epochs * n_batches, pct_start=0.3, div_factor=10
    )
    for _ in range(n_epochs):
        for rows in torch.randperm(len(x)).tensor_split(n_batches):
            loss = functional.smooth_l1_loss(predictor.train()(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        error = float(np.abs(predictor.predict(held[0].numpy()) - held[1][:, 0].numpy()).mean())
        if error < best[0]:
            best = error, {name: tensor.clone() for name, tensor in predictor.state_dict().items()}
    predictor.load_state_dict(best[1])
    return predictor.eval()


def edit(
    predictors: Sequence[CodePredictor],
    codes: Codes,
    start: np.ndarray,
    n_steps: int = N_STEPS,
    cost_weight: float = COST_WEIGHT,
    winner_takes_all: bool = False,
) -> np.ndarray:
    """Edit networks for one task or for several at once.

    Every step sets each predictor's target slightly above its current prediction, and slightly below for the costs; the code
    follows the summed gradient within the bounds of the grid, and the nearest network is recorded.

    Args:
        predictors: Predictors, one for each task, with the same codes; their gradients are summed.
        codes: Translation between codes and networks.
        start: Networks ``(n, d)``, each edited separately.
        n_steps: Number of steps.
        cost_weight: Weight of the costs; 0 ignores them.
        winner_takes_all: Whether only the number with the largest gradient moves.

    Returns:
        The networks ``(n_steps + 1, n, d)`` from the start to the end.

    Raises:
        ValueError: There are no predictors.
    """
    if not predictors:
        raise ValueError("editing needs the predictor of at least one task")
    low, high = (torch.tensor(end, dtype=torch.float32) for end in (codes.low, codes.high))
    x, networks = torch.tensor(codes.of(start), dtype=torch.float32), [codes.space.canonical(np.atleast_2d(start))]
    for _ in range(n_steps):
        slope = gradient(predictors, x, cost_weight)
        if winner_takes_all:
            slope = slope * (slope.abs() == slope.abs().amax(dim=1, keepdim=True))
        x = torch.clamp(x - STEP * slope, low, high)
        networks.append(codes.nearest(x.numpy().astype(float)))
    return np.stack(networks)


def gradient(predictors: Sequence[CodePredictor], codes: torch.Tensor, cost_weight: float = COST_WEIGHT) -> torch.Tensor:
    """The gradient ``(n, f)`` of the summed loss of all tasks at codes ``(n, f)``.

    Near its target, a smooth L1 loss is half the squared distance, so this is ``GAIN`` times the slope of the prediction:
    downwards for the metric, upwards for costs.
    """
    x = codes.detach().requires_grad_()
    loss = torch.zeros(())
    for predictor in predictors:
        values = predictor(x)
        wanted = values.detach() + GAIN * torch.tensor([1.0] + [-1.0] * (values.shape[1] - 1))
        distances = functional.smooth_l1_loss(values, wanted, reduction="none").sum(dim=0)
        loss = loss + distances[0] + cost_weight * distances[1:].sum()
    return torch.autograd.grad(loss, x)[0]
