"""``nastoolkit race``: algorithms on a benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Annotated

import typer

from nastoolkit.benchmarks import BENCHMARKS, Benchmark
from nastoolkit.benchmarks.race import as_frame, find_targets, read_targets, run_race, summary
from nastoolkit.cli.options import AsJson
from nastoolkit.cli.search import read_bounds
from nastoolkit.cli.terminal import known, show, show_frame
from nastoolkit.search import ALGORITHMS


def race(
    benchmark: Annotated[str, typer.Option(help=f"Benchmark: {', '.join(BENCHMARKS)}.")],
    algorithms: Annotated[str, typer.Option(help=f"Algorithms to compare, separated by commas: {', '.join(ALGORITHMS)}.")],
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 10,
    budget: Annotated[int, typer.Option(min=1, help="Evaluations per search.")] = 250,
    population: Annotated[int | None, typer.Option(min=1, help="Networks per generation.")] = None,
    targets: Annotated[str, typer.Option(help="More hypervolumes to reach: numbers, or algorithms in this race.")] = "",
    at_most: Annotated[
        list[str] | None, typer.Option(help="Upper bound on an objective, such as latency_ms=3. Repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare search algorithms on a benchmark, over seeds.

    Prints the evaluations that each algorithm needs for each hypervolume: medians over seeds with 95 % intervals.
    """
    names = [known("algorithm", name.strip(), ALGORITHMS) and name.strip() for name in algorithms.split(",")]
    problem = _bounded(known("benchmark", benchmark, BENCHMARKS)(), at_most or [])
    further = read_targets(targets, names)
    settings = {} if population is None else {"population": population}
    for name in names:
        ALGORITHMS[name](problem.space, problem.objectives, **settings)  # reports at once what is missing or not accepted
    runs = {name: run_race(problem, name, seeds, budget, progress=not as_json, **settings) for name in names}
    found = summary(runs, find_targets(problem, runs, further))
    if as_json:
        show({"benchmark": benchmark, "seeds": seeds, "budget": budget, **settings, "algorithms": found}, as_json)
    else:
        show_frame(as_frame(found))


def _bounded(problem: Benchmark, bounds: Sequence[str]) -> Benchmark:
    """The problem with upper bounds, but without its own targets, which are hypervolumes of the whole front."""
    if not bounds:
        return problem
    costs = {objective.name: objective.unit for objective in problem.objectives if objective.direction == "min"}
    highest, bounded = read_bounds(bounds, problem.objectives[-1].name, costs), copy(problem)
    bounded.objectives = tuple(replace(o, at_most=highest.get(o.name, o.at_most)) for o in problem.objectives)
    bounded.targets = {}
    return bounded
