"""Jobs of the notebook: tickets found in one training, and by a search that pruning follows; their transfer between tasks."""

from __future__ import annotations

from typing import Any

import torch

from nastoolkit.families.mixed_chain import MixedChain
from nastoolkit.systems.supertickets.tickets import Ticket, check_sparsity
from nastoolkit.systems.supertickets.training import Pruning, Search, accuracy, retrain, search
from nastoolkit.tasks import Task, load_task
from nastoolkit.tasks.fitting import ends_for
from nastoolkit.training import Recipe

AT_ONCE, PROGRESSIVE, REACTIVATING, SUPER = "at once", "progressive", "reactivating", "SuperTickets"
JOINT = {AT_ONCE: (False, False), PROGRESSIVE: (True, False), REACTIVATING: (False, True), SUPER: (True, True)}
MAGNITUDE, RANDOM = "search, then prune", "search, then prune at random"
MOVED, SHUFFLED, OWN = "moved mask", "shuffled mask", "own mask"
Settings = dict[str, Any]


def family_for(network: Settings, task_name: str, sparsities: list[float]) -> MixedChain:
    """The family of a task's networks, if that and the sparsities make sense.

    Raises:
        ValueError: A sparsity is no share above 0 and below 1, or there is no such network or task of images.
    """
    for sparsity in sparsities:
        check_sparsity(sparsity)
    return _family(load_task(task_name), **network)


def _family(task: Task, image_size: int, **sizes: Any) -> MixedChain:
    ends = ends_for(task)
    return MixedChain((ends["image_channels"], image_size), ends["n_classes"], **sizes)


def _searched(task: Task, network: Settings, recipe: Recipe, how: Settings, pruning: Pruning | None = None) -> Ticket:
    ticket = Ticket(_family(task, **network), recipe.seed)
    search(ticket, task, recipe, Search(**how), pruning)
    return ticket


def _parts(recipe: Settings, seed: int, is_retrained: bool) -> tuple[Recipe, Recipe]:
    """Settings of the search and of retraining, which takes half of all steps or none."""
    n = recipe["n_steps"] // 2 if is_retrained else 0
    return Recipe(**{**recipe, "n_steps": recipe["n_steps"] - n, "seed": seed}), Recipe(
        **{**recipe, "n_steps": n, "seed": seed}
    )


def _row(arm: str, sparsity: float, ticket: Ticket, task: Task) -> Settings:
    return {"arm": arm, "masked": 100 * sparsity, "accuracy": accuracy(ticket, task), **ticket.costs()}


def search_and_prune(
    arm: str,
    share: float,
    is_retrained: bool,
    task_name: str,
    network: Settings,
    seed: int,
    recipe: Settings,
    how: Settings,
) -> list[Settings]:
    """A ticket that is found in one training; a job of a grid.

    Args:
        arm: A key of ``JOINT``.
        share: Share of weights to be masked.
        is_retrained: Whether half of the steps are retraining.
        task_name: Name for :func:`nastoolkit.tasks.load_task`.
        network: Arguments of :class:`MixedChain`, and ``image_size``.
        seed: Seed of weights and batches.
        recipe: Settings of the training; its steps are all, those of retraining too.
        how: Settings of the search, see :class:`Search`.

    Returns:
        A row: ``arm``, the share that is ``masked`` in %, ``accuracy`` in % on test images, and :meth:`Ticket.costs`.
    """
    task, (first, last) = load_task(task_name), _parts(recipe, seed, is_retrained)
    ticket = _searched(task, network, first, how, Pruning(share, *JOINT[arm]))
    retrain(ticket, task, last)
    return [_row(arm, share, ticket, task)]


def search_then_prune(
    shares: list[float], is_retrained: bool, task_name: str, network: Settings, seed: int, recipe: Settings, how: Settings
) -> list[Settings]:
    """Tickets of one search without pruning, pruned by magnitude and at random after it; as :func:`search_and_prune`."""
    task, (first, last) = load_task(task_name), _parts(recipe, seed, is_retrained)
    ticket, rows = _searched(task, network, first, how), list[Settings]()
    found = {name: tensor.clone() for name, tensor in ticket.supernet.state_dict().items()}
    for arm, share in [(MAGNITUDE, 0.0), *((arm, each) for arm in (MAGNITUDE, RANDOM) for each in shares)]:
        ticket.supernet.load_state_dict(found)
        if share:
            ticket.prune(share, torch.Generator().manual_seed(seed) if arm == RANDOM else None)
        retrain(ticket, task, last)
        rows.append(_row(arm, share, ticket, task))
    return rows


def move_tickets(
    share: float, source: str, target: str, network: Settings, seed: int, recipe: Settings, how: Settings
) -> list[Settings]:
    """Train tickets of one task on another, in half of the steps; a job of a grid.

    Returns:
        Rows as those of :func:`search_and_prune`, for the mask of the source's ticket and for a shuffled one; both with the
        source's weights (``is_kept``) and with those from before the training, as is the mask of a ticket that was found on
        the target. The last layer is taken from the source only if it has as many outputs.
    """
    tasks = {name: load_task(name) for name in (source, target)}
    whole, (_, last) = Recipe(**recipe, seed=seed), _parts(recipe, seed, is_retrained=True)
    found = {name: _searched(task, network, whole, how, Pruning(share)) for name, task in tasks.items()}
    ways = [(MOVED, source, True), (SHUFFLED, source, True), (MOVED, source, False), (SHUFFLED, source, False)]
    rows = list[Settings]()
    for arm, origin, is_kept in [*ways, (OWN, target, False)]:
        ticket = Ticket(_family(tasks[target], **network), seed)
        ticket.take(found[origin], is_kept)
        if arm == SHUFFLED:
            ticket.shuffle(torch.Generator().manual_seed(seed))
        retrain(ticket, tasks[target], last)
        rows.append({**_row(arm, share, ticket, tasks[target]), "is_kept": is_kept})
    return rows
