"""``nastoolkit search``: the best sub-networks of a supernet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from nastoolkit.cli.options import AsJson, Checkpoint, FamilyName
from nastoolkit.cli.tactics import MEASURES, PastSearches
from nastoolkit.cli.terminal import Seed, front_rows, known, show
from nastoolkit.families import Family
from nastoolkit.latency import LookupTable
from nastoolkit.objectives import Objective
from nastoolkit.predictors import Estimate, read_networks
from nastoolkit.search import ALGORITHMS, DEFAULT_ALGORITHM
from nastoolkit.space import SearchSpace
from nastoolkit.studies import optimize
from nastoolkit.supernets import load_supernet
from nastoolkit.tasks import TASKS

COSTS = {"mmacs": "MMACs", "params": "", "size_mb": "MB", "peak_kb": "kB", "latency_ms": "ms"}  # with their units


def search(
    family: FamilyName = "digits-mbv3",
    cost: Annotated[str, typer.Option(help=f"Cost to keep low: {', '.join(COSTS)}.")] = "mmacs",
    at_most: Annotated[
        list[str] | None,
        typer.Option(help="Upper bound, such as mmacs=60; a number alone bounds --cost. Repeatable."),
    ] = None,
    table: Annotated[Path | None, typer.Option(help="Latency table of `nastoolkit profile`, or a CSV: block, ms.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Batch size: warns if the table has another.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads: warns if the table has others.")] = None,
    latencies: Annotated[Path | None, typer.Option(help="CSV of networks timed elsewhere: genotype, latency_ms.")] = None,
    task: Annotated[str, typer.Option(help=f"Data set and metric: {', '.join(TASKS)}.")] = "digits",
    measure: Annotated[str, typer.Option(help=f"What to measure: {', '.join(MEASURES)}.")] = "accuracy",
    algorithm: Annotated[
        str, typer.Option(help=f"Algorithm: default ({DEFAULT_ALGORITHM}), {', '.join(ALGORITHMS)}.")
    ] = "default",
    budget: Annotated[int, typer.Option(min=1, help="Number of networks to measure.")] = 100,
    population: Annotated[int, typer.Option(min=1, help="Networks per generation.")] = 50,
    seed: Seed = 0,
    store: Annotated[Path | None, typer.Option(help="SQLite file of all measurements: rerun to resume.")] = None,
    estimate: Annotated[Path | None, typer.Option(help="Measure nothing: predict from this store's measurements.")] = None,
    popdb: Annotated[Path | None, typer.Option(help="Search only what the best of this store use (PopDB).")] = None,
    warm_start: Annotated[Path | None, typer.Option(help="Start from the best networks of this store.")] = None,
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Search a supernet for its best networks and print the Pareto front."""
    known("algorithm", algorithm, {"default": None, **ALGORITHMS})
    made, past = known("measure", measure, MEASURES), PastSearches(estimate, popdb, warm_start)
    bounds, files = read_bounds(at_most or [], cost), Files(table, latencies, batch_size, threads)
    files.check(names := dict.fromkeys([cost, *bounds]))
    supernet = load_supernet(family, checkpoint)
    measured, evaluate = made(supernet, known("task", task, TASKS)(), not as_json)
    costs = [files.cost(supernet.family, name) for name in names]
    space = min((space for _, space in costs), key=lambda space: space.size)
    quality, worth = past.predicted(space, measured)
    objectives = [quality, *(replace(objective, at_most=bounds.get(objective.name)) for objective, _ in costs)]
    part, smaller = past.space(space, objectives)
    history = optimize(
        part,
        evaluate if quality.exact is None else None,
        objectives,
        algorithm,
        budget,
        seed,
        store,
        population=population,
        warm_start=past.first(part, objectives),
        progress=not as_json,
    )
    show({"evaluations": len(history), **worth, **smaller, "front": front_rows(history)}, as_json)
    if not history.on_front.any():  # a warning has said how close the nearest sub-network is
        raise typer.Exit(1)


def read_bounds(texts: Sequence[str], cost: str, costs: Mapping[str, str] = COSTS) -> dict[str, float]:
    """Bounds by cost, from texts such as ``mmacs=60``; a number alone bounds ``cost``. The known costs are ``costs``."""
    bounds: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        name = name.strip() or cost
        known("cost", name, costs)
        if name in bounds:
            raise typer.BadParameter(f"{name} has two bounds, {bounds[name]:g} and {number}")
        try:
            bounds[name] = float(number)
        except ValueError:
            bounds[name] = np.nan
        if not 0 < bounds[name] < np.inf:
            raise typer.BadParameter(f"a bound is a cost and a number above 0, such as {name}=60, got {text!r}")
    return bounds


@dataclass(frozen=True)
class Files:
    """Source of latencies: a table of blocks, or networks that were timed elsewhere."""

    table: Path | None
    latencies: Path | None
    batch_size: int | None
    threads: int | None

    def check(self, costs: Collection[str]) -> None:
        """Refuse options of which a search for these costs would make no use."""
        of_table = {"--batch-size": self.batch_size, "--threads": self.threads}
        given = {"--table": self.table, "--latencies": self.latencies, **of_table}
        named = [option for option, value in given.items() if value is not None]
        if named and "latency_ms" not in costs:
            about = f"{', '.join(named)} would not be used: this search is about {', '.join(costs)}"
            raise typer.BadParameter(f"{about}; add --cost latency_ms, or --at-most latency_ms=NUMBER")
        if {"--table", "--latencies"} <= {*named}:
            raise typer.BadParameter("--table and --latencies both give latency_ms: name one of them")
        if self.table is None and (unused := [option for option in named if option in of_table]):
            raise typer.BadParameter(
                f"{', '.join(unused)} would not be used: without --table FILE nothing is compared with them"
            )

    def cost(self, family: Family, name: str) -> tuple[Objective, SearchSpace]:
        """An objective to trade against accuracy, or to bound, and the part of the space that it covers."""
        if name != "latency_ms":
            return Objective(name, "min", known("cost", name, COSTS), exact=getattr(family, name)), family.space
        latency = Objective("latency_ms", "min", "ms")
        if self.latencies is not None:
            timed = Estimate(read_networks(self.latencies, family.space, latency), latency.name)
            return replace(latency, exact=timed), family.space
        if self.table is None:
            how = "make one with: nastoolkit profile --output FILE"
            raise typer.BadParameter(f"latency_ms needs --table FILE, or --latencies FILE; {how}")
        measured = LookupTable.load(self.table, family, self.batch_size, self.threads)
        return replace(latency, exact=measured.latency_ms), measured.space
