"""Cross-modal retrieval: data sets and networks in one space, learnt by contrast (Sections 3.2 and 3.3; see the package)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss, normalize

from nastoolkit.randomness import drawn_from
from nastoolkit.systems.tans.zoo import ZooModel, embeddings

MARGIN, N_DIMS, LEARNING_RATE = 0.2, 128, 1e-2


class Retriever(nn.Module):
    """Encoders of data sets and of networks, and a predictor of accuracy from both.

    Args:
        n_features: Features of an image.
        n_embedding: Length of a network's embedding.
    """

    def __init__(self, n_features: int, n_embedding: int) -> None:
        super().__init__()
        self.query, self.model = nn.Linear(n_features, N_DIMS), nn.Linear(n_embedding, N_DIMS)
        self.predictor = nn.Linear(2 * N_DIMS, 1)

    def encode_tasks(self, features: torch.Tensor) -> torch.Tensor:
        """Tasks ``(n, n_dims)``, of length 1, from features of some images of each, ``(n, n_images, n_features)``."""
        return normalize(self.query(features).mean(1), dim=1)

    def encode_models(self, embedded: torch.Tensor) -> torch.Tensor:
        """Models ``(n, n_dims)``, of length 1, from their embeddings ``(n, d)``."""
        return normalize(self.model(normalize(embedded, dim=1)), dim=1)

    def predict(self, tasks: torch.Tensor, models: torch.Tensor) -> torch.Tensor:
        """Predicted accuracy ``(n,)``, a share, of models on tasks, both encoded, ``(n, n_dims)``."""
        return torch.sigmoid(self.predictor(torch.cat([tasks, models], dim=1)))[:, 0]


def hinge(scores: torch.Tensor, margin: float = MARGIN) -> torch.Tensor:
    """Sum of what negatives lack to be a margin below the positive of their row, and below that of their column.

    Args:
        scores: ``(n, n)``, positives on the diagonal.
        margin: Distance that is wanted.
    """
    positives, negatives = scores.diagonal(), 1 - torch.eye(len(scores))
    rows, columns = (torch.relu(margin + scores - positives.view(shape)) for shape in ((-1, 1), (1, -1)))
    return ((rows + columns) * negatives).sum()


def learn(
    features: torch.Tensor, models: Sequence[ZooModel], n_steps: int, n_images: int, seed: int, contrasts: bool = True
) -> Retriever:
    """Learn encoders and predictor together; a step sees a random network of every task.

    Args:
        features: Features of training images of all tasks, ``(n_tasks, n, n_features)``.
        models: As many of each task, those of a task one after the other.
        n_steps: Number of steps of Adam.
        n_images: Images of each task that a step sees, drawn at random.
        seed: Random seed.
        contrasts: Whether it learns by contrast; otherwise only errors of the predictor count.
    """
    embedded = embeddings(models).unflatten(0, (len(features), -1))
    accuracies = torch.tensor([model.accuracy / 100 for model in models]).view(len(features), -1)
    with drawn_from(seed):
        retriever = Retriever(features.shape[-1], embedded.shape[-1])
    rng, every = np.random.default_rng(seed), torch.arange(len(features))
    optimizer = torch.optim.Adam(retriever.parameters(), LEARNING_RATE)
    for _ in range(n_steps):
        images = torch.from_numpy(rng.permutation(features.shape[1])[:n_images])
        chosen = torch.from_numpy(rng.integers(embedded.shape[1], size=len(features)))
        tasks, found = retriever.encode_tasks(features[:, images]), retriever.encode_models(embedded[every, chosen])
        loss = mse_loss(retriever.predict(tasks, found), accuracies[every, chosen])
        optimizer.zero_grad()
        (loss + hinge(found @ tasks.T) if contrasts else loss).backward()
        optimizer.step()
    return retriever


def nearest(query: torch.Tensor, models: torch.Tensor, n: int) -> torch.Tensor:
    """Places of the ``n`` models ``(n_models, n_dims)`` most similar to a task ``(n_dims,)``, the nearest first."""
    return torch.topk(models @ query, min(n, len(models))).indices


def own_ranks(tasks: torch.Tensor, models: torch.Tensor) -> torch.Tensor:
    """Rank ``(n,)`` of each task's own model among those of all tasks, from 1 on; both are encoded, ``(n, n_dims)``."""
    similarity = tasks @ models.T
    return 1 + (similarity > similarity.diagonal().view(-1, 1)).sum(1)
