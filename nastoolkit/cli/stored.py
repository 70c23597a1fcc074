"""Results that ``nastoolkit search --store FILE`` kept, for commands that continue from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import typer

from nastoolkit import pareto
from nastoolkit.cli.search import COSTS, Files, read_bounds
from nastoolkit.families import FAMILIES, Family
from nastoolkit.history import History
from nastoolkit.objectives import Objective
from nastoolkit.studies import past_evaluations
from nastoolkit.studies.past import summary
from nastoolkit.studies.store_file import StoreError

EXACT = {name: unit for name, unit in COSTS.items() if name != "latency_ms"}  # costs that need no table
LESS_IS_BETTER = ("_ms", "_mj", "_mb", "_kb", "macs", "params")  # endings of names; for all others, more is better
PICKS = "most-accurate, knee, or the most accurate within a bound, such as mmacs=60"


def evaluations(store: Path, told: dict[str, Any], cost: str) -> History | None:
    """All evaluations of a known family, with a cost; None for other families."""
    if (name := told["settings"].get("family")) not in FAMILIES:
        return None
    family = FAMILIES[name]()
    exact = Objective(cost, "min", EXACT[cost], exact=getattr(family, cost))
    try:
        return past_evaluations(store, family.space, _objectives(told, exact))
    except StoreError:  # the family has this name, but other sub-networks
        return None


def _objectives(told: dict[str, Any], cost: Objective) -> list[Objective]:
    """The measured objectives, and a cost unless that was measured."""
    measured = told["measured"]
    objectives = [Objective(name, "min" if name.endswith(LESS_IS_BETTER) else "max", unit) for name, unit in measured.items()]
    return objectives if cost.name in measured else [*objectives, cost]


def picked(store: Path, family: Family, pick: str, cost: str, table: Path | None) -> np.ndarray:
    """The genotype ``(d,)`` that a word or a bound picks from the front of a store's content.

    Args:
        store: Store of a search of the family.
        family: Family of the sub-networks.
        pick: Choice from the front: ``most-accurate`` (the best in the first measured objective), ``knee`` (see
            :func:`nastoolkit.pareto.knee`), or an upper bound on a cost.
        cost: Cost to trade against the measured objectives, for the knee.
        table: Latency table, for ``latency_ms``.
    """
    bounds = {} if pick in ("most-accurate", "knee") else read_bounds([pick], cost)
    objective, space = Files(table, None, None, None).cost(family, next(iter(bounds), cost))
    past = past_evaluations(store, family.space, _objectives(summary(store), objective))
    past = past[(space.repair(past.genotypes) == past.genotypes).all(axis=1)]
    values = past.values[:, [o.name for o in past.objectives].index(objective.name)]
    within = past[values <= bounds.get(objective.name, np.inf)].front()
    if not len(within):
        least = f"; its least {objective.name} is {values.min():g}" if len(values) else ""
        raise typer.BadParameter(f"{store} holds no network for {pick}{least}")
    return within.genotypes[pareto.knee(within.costs) if pick == "knee" else 0]
