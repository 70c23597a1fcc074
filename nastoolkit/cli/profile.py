"""``nastoolkit profile``: a latency lookup table of this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from nastoolkit.cli.options import AsJson, FamilyName, Threads
from nastoolkit.cli.terminal import known, show
from nastoolkit.families import family_named
from nastoolkit.latency import LookupTable
from nastoolkit.latency.backends import BACKENDS
from nastoolkit.support.files import beside, check_output
from nastoolkit.support.interrupts import explain_resume


def profile(
    family: FamilyName = "digits-mbv3",
    backend: Annotated[str, typer.Option(help=f"Runtime: {', '.join(BACKENDS)}.")] = "torch",
    batch_size: Annotated[int, typer.Option(min=1, help="Batch size.")] = 1,
    threads: Threads = 1,
    resolution: Annotated[int | None, typer.Option(help="Only networks for images of this height and width.")] = None,
    check: Annotated[int, typer.Option(min=2, help="Random networks to check the table on.")] = 40,
    output: Annotated[Path | None, typer.Option(help="File to save the table to (JSON).")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a latency table on this machine, and how far it is from whole networks' latency."""
    started = time.perf_counter()
    known("backend", backend, BACKENDS)
    of_family = family_named(family)
    if output is not None:
        check_output(output)
    built = LookupTable.measure(
        of_family,
        backend,
        batch_size=batch_size,
        threads=threads,
        within=None if resolution is None else {"resolution": [resolution]},
        resume=beside(output, ".partial") if output else None,
        progress=not as_json,
    )
    build_seconds = time.perf_counter() - started
    if output is not None:
        built.save(output)
    kept = "without --output nothing is kept" if output is None else f"{output} keeps it"
    with explain_resume(lambda: f"interrupted before the table was checked: {kept}"):
        checked = built.validate(check, progress=not as_json)
    result = {
        "family": family,
        "blocks": len(built.timings),
        "mape_percent": checked.mape_percent,
        "bias_percent": checked.bias_percent,
        "clock_percent": checked.clock_percent,
        "drift_percent": checked.drift_percent,
        "noisy_networks": built.n_noisy,
        "spearman": checked.spearman,
        "kendall_tau": checked.kendall_tau,
        "kendall_tau_of_macs": checked.macs_kendall_tau,
        "build_seconds": build_seconds,
        "lookups_per_second": _lookups_per_second(built),
        "unit": "ms",
        **built.conditions,
        **built.clockwork().facts,
    }
    if output is not None:
        result["table"] = str(built.save(output))
    show(result, as_json)
    if checked.is_worse_than_macs:
        taus = f"Kendall tau {checked.kendall_tau:.2f}, and that of MACs is {checked.macs_kendall_tau:.2f}"
        typer.echo(f"this table ranks networks worse than their MACs do: {taus}; measure again on a quiet machine", err=True)
        raise typer.Exit(1)


def _lookups_per_second(table: LookupTable, n: int = 100_000) -> float:
    genotypes = table.space.sample(n, np.random.default_rng(0))
    started = time.perf_counter()
    table.latency_ms(genotypes)
    return n / (time.perf_counter() - started)
