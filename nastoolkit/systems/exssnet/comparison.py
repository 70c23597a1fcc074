"""Jobs of the notebook: arms that learn a stream of tasks, and what is told of each task when all are learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from time import process_time
from typing import Any

import pandas as pd
import torch

from nastoolkit.systems.exssnet.learning import NEW, TRANSFERS, Learner, Method, logits_of
from nastoolkit.systems.exssnet.streams import Piece, stream_of
from nastoolkit.training import Recipe

NAIVE, SUPSUP, SSNET, EXSSNET = "naive", "SupSup", "SSNet", "ExSSNeT"
ARMS = (NAIVE, SUPSUP, SSNET, EXSSNET)


def method_of(
    arm: str, density: float, n_steps: int, transfer: str, mask_rate: float, weight_rate: float, seed: int
) -> Method:
    """How an arm learns, at the same number of steps a task; the naive one trains all weights of the network.

    Raises:
        ValueError: There is no such arm or transfer.
    """
    for what, name, known in (("arm", arm, ARMS), ("transfer", transfer, TRANSFERS)):
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}; known: {', '.join(known)}")
    mask_steps = {NAIVE: 0, SUPSUP: n_steps}.get(arm, n_steps // 2)
    how: dict[str, Any] = {"weight_decay": 0.0, "clip_norm": inf, "warm_up": 0.0, "seed": seed}
    masks, weights = (Recipe(n_steps, learning_rate=rate, **how) for rate in (mask_rate, weight_rate))
    kept = 1.0 if arm == NAIVE else density
    return Method(kept, mask_steps, n_steps - mask_steps, arm == EXSSNET, transfer, masks, weights)


def learn_stream(
    arm: str,
    density: float,
    seed: int,
    stream: Mapping[str, Any],
    hidden: Sequence[int],
    n_steps: int,
    mask_rate: float,
    weight_rate: float,
    transfer: str = NEW,
) -> list[dict[str, Any]]:
    """Learn a stream of tasks; a job of a grid.

    Args:
        arm: One of ``ARMS``.
        density: Share of a layer's weights that a mask keeps; the naive arm has no masks.
        seed: Seed of weights, scores, data and orders.
        stream: Other arguments of :func:`nastoolkit.systems.exssnet.streams.stream_of`.
        hidden: Hidden units of each layer.
        n_steps: Training steps of a task, of both kinds together.
        mask_rate: Learning rate of scores, at its peak.
        weight_rate: Learning rate of weights, at its peak.
        transfer: What scores start from, one of ``TRANSFERS``.

    Returns:
        A row for each ``task``: its ``accuracy`` in % when all are learnt, ``learnt`` when it was, ``early`` after a tenth of
        the mask's steps; ``changed``, the largest change of a logit since it was learnt; ``free``, the share of weights that
        no earlier mask had; ``partner``, the task that scores were taken from, and, if an earlier task is related, whether
        it ``is_related``; and the ``seconds`` of processor time of the whole stream.

    Raises:
        ValueError: An arm, a stream or a transfer is unknown, a density is no share, or weights are used up.
    """
    begun, pieces = process_time(), stream_of(seed=seed, **stream)
    method = method_of(arm, density, n_steps, transfer, mask_rate, weight_rate, seed)
    widths = [pieces[0].n_pixels, *hidden, len(pieces[0].classes)]
    learner, logits = Learner(widths, len(pieces), method, seed), list[torch.Tensor]()
    for number, piece in enumerate(pieces):
        learner.learn(piece)
        logits.append(logits_of(learner.network(number), piece))
    rows = [_row(learner, number, pieces, before) for number, before in enumerate(logits)]
    return [{**row, "seconds": process_time() - begun} for row in rows]


def _row(learner: Learner, task: int, pieces: Sequence[Piece], before: torch.Tensor) -> dict[str, Any]:
    """What is to be told of a task when all are learnt."""
    piece, now, free = pieces[task], logits_of(learner.network(task), pieces[task]), learner.free(task)
    accuracies = [piece.score(logits, piece.split("test").targets) for logits in (now, before)]
    row: dict[str, Any] = {
        "task": task,
        "accuracy": accuracies[0],
        "learnt": accuracies[1],
        "changed": float((now - before).abs().max()),
    }
    row["free"] = sum(int(mask.sum()) for mask in free) / sum(mask.numel() for mask in free)
    row |= {"early": learner.early[task] if learner.early else None, "partner": learner.partners[task]}
    if any(other.order == piece.order for other in pieces[:task]):
        partner = row["partner"]
        row["is_related"] = float(partner is not None and pieces[partner].order == piece.order)
    return row


def fading(found: pd.DataFrame) -> pd.DataFrame:
    """What share of the weights is free before each task, and what would be if masks were independent, ``(1 - k)**t``.

    Args:
        found: Rows of :func:`learn_stream`.

    Returns:
        Columns ``task``, ``free`` in %, ``density`` and ``masks``, which names both kinds.
    """
    learnt = found.groupby(["density", "task"], as_index=False).free.mean().assign(masks="learnt")
    independent = learnt.assign(free=(1 - learnt.density) ** learnt.task, masks="independent")
    both = pd.concat([learnt, independent], ignore_index=True)
    return both.assign(free=100 * both.free)
