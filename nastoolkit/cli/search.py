"""``nastoolkit search``: the best sub-networks of a supernet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nastoolkit.cli.options import AsJson, Checkpoint, FamilyName
from nastoolkit.cli.terminal import Seed, known, show
from nastoolkit.families import Family
from nastoolkit.latency import LookupTable
from nastoolkit.measurements import Accuracy
from nastoolkit.objectives import Objective
from nastoolkit.search import ALGORITHMS, DEFAULT_ALGORITHM
from nastoolkit.space import SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.supernets import load_supernet
from nastoolkit.tasks import TASKS

COSTS = {"mmacs": "MMACs", "params": "", "size_mb": "MB", "peak_kb": "kB", "latency_ms": "ms"}  # with their units


def search(
    family: FamilyName = "digits-mbv3",
    cost: Annotated[str, typer.Option(help=f"Weighed against accuracy: {', '.join(COSTS)}.")] = "mmacs",
    at_most: Annotated[
        list[str] | None, typer.Option(help="A bound, such as mmacs=60, on any cost; a number bounds the cost. Several times.")
    ] = None,
    table: Annotated[Path | None, typer.Option(help="Latencies, from `nastoolkit profile`, or a CSV: block, ms.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Inputs a batch; warns if the table is for others.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads; warns if the table is for others.")] = None,
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASKS)}.")] = "digits",
    algorithm: Annotated[str, typer.Option(help=f"default ({DEFAULT_ALGORITHM}) or {', '.join(ALGORITHMS)}.")] = "default",
    budget: Annotated[int, typer.Option(min=1, help="Evaluations.")] = 100,
    population: Annotated[int, typer.Option(min=1, help="Sub-networks a generation, or parents of the inner search.")] = 50,
    seed: Seed = 0,
    store: Annotated[Path | None, typer.Option(help="SQLite file that keeps every evaluation; rerun to resume.")] = None,
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Search a supernet for the best sub-networks and print the measured Pareto front."""
    known("algorithm", algorithm, {"default": None, **ALGORITHMS})
    supernet = load_supernet(family, checkpoint)
    accuracy = Accuracy(supernet, known("task", task, TASKS)(), progress=not as_json)
    bounds = _bounds(at_most or [], cost)
    costs = [_cost(supernet.family, name, table, batch_size, threads) for name in dict.fromkeys([cost, *bounds])]
    objectives = [
        Objective(accuracy.task.metric, "max", accuracy.task.unit),
        *(replace(objective, at_most=bounds.get(objective.name)) for objective, _ in costs),
    ]
    space = min((space for _, space in costs), key=lambda space: space.size)
    history = optimize(
        space,
        accuracy,
        objectives,
        algorithm,
        budget,
        seed,
        store,
        population=population,
        progress=not as_json,
    )
    front = history.front()
    rows = [
        {**dict(zip((o.name for o in objectives), map(float, values), strict=True)), "genotype": ",".join(map(str, genotype))}
        for genotype, values in zip(front.genotypes, front.values, strict=True)
    ]
    show({"evaluations": len(history), "front": rows}, as_json)


def _bounds(texts: Sequence[str], cost: str) -> dict[str, float]:
    """Bounds by cost, from texts such as ``mmacs=60``; a number alone bounds ``cost``."""
    bounds: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        name = name.strip() or cost
        known("cost", name, COSTS)
        if name in bounds:
            raise typer.BadParameter(f"{name} has two bounds, {bounds[name]:g} and {number}")
        try:
            bounds[name] = float(number)
        except ValueError:
            raise typer.BadParameter(f"a bound is a cost and a number, such as mmacs=60, got {text!r}") from None
    return bounds


def _cost(
    family: Family, cost: str, table: Path | None, batch_size: int | None, threads: int | None
) -> tuple[Objective, SearchSpace]:
    """An objective that is weighed against accuracy, or bounded, and the part of the space that it knows."""
    if cost == "latency_ms":
        if table is None:
            raise typer.BadParameter("latency_ms needs --table FILE; make one with: nastoolkit profile --output FILE")
        measured = LookupTable.load(table, family, batch_size, threads)
        return Objective("latency_ms", "min", "ms", exact=measured.latency_ms), measured.space
    return Objective(cost, "min", known("cost", cost, COSTS), exact=getattr(family, cost)), family.space
