"""Which operation each edge keeps: the one of the largest alpha, or the one that the supernet misses most ([Wang2021])."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nastoolkit.supernets.mixtures import without
from nastoolkit.systems.darts_pt.search import Darts

Choose = Callable[[Darts, str], int]  # the option of an edge that is not decided yet


def by_magnitude(search: Darts, edge: str) -> int:
    """The option with the largest share."""
    return int(search.shares()[edge].argmax())


def by_perturbation(search: Darts, edge: str) -> int:
    """The option without which accuracy is lowest ([Wang2021], Algorithm 1); among equals, without which the loss is highest.

    A masked share is not given to the other options.
    """
    shares = search.shares()
    return min(range(len(shares[edge])), key=lambda option: search.judged(without(shares, edge, option)))


def pick(search: Darts) -> np.ndarray:
    """The cell ``(d,)`` of the largest alphas, as DARTS takes it, all edges at once."""
    return search.mixture.strongest(search.shares())


def pick_step_by_step(search: Darts, choose: Choose, n_tuning: int) -> np.ndarray:
    """Decide edges in random order, and tune what is left after each but the last ([Wang2021], Algorithm 1).

    Args:
        search: Left as it is.
        choose: ``by_perturbation``, or ``by_magnitude`` for the paper's PT-Mag.
        n_tuning: Number of tuning steps after each edge.

    Returns:
        The cell ``(d,)``.
    """
    search, rng = search.copy(), np.random.default_rng(search.recipe.seed)
    for edge in rng.permutation(search.logits.names):
        if search.decided:
            search.tune(n_tuning)
        search.decided[str(edge)] = choose(search, edge)
    return pick(search)


def strengths(search: Darts, n_tuning: int) -> list[dict[str, Any]]:
    """What alphas and perturbations say of each operation, and how good it is ([Wang2021], Figure 1).

    Args:
        search: Left as it is.
        n_tuning: Number of steps that weights are tuned for after an edge is decided.

    Returns:
        A row for each ``edge`` and ``option``: its ``share``; the ``drop`` of accuracy in points if it is masked; and
        ``discretised``, the accuracy in % after the edge has only this option, and weights are tuned.
    """
    shares, rows = {edge: share.detach() for edge, share in search.shares().items()}, list[dict[str, Any]]()
    whole, _ = search.judged(shares)
    for edge, share in shares.items():
        for option in range(len(share)):
            alone = search.copy()
            alone.decided[edge] = option
            alone.tune(n_tuning, learns_alphas=False)
            masked, _ = search.judged(without(shares, edge, option))
            discretised, _ = alone.judged(alone.shares())
            found = {"share": float(share[option]), "drop": whole - masked, "discretised": discretised}
            rows.append({"edge": edge, "option": option, **found})
    return rows
