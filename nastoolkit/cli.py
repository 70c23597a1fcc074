"""The command line: ``nastoolkit search | profile | race | export | fetch | papers | doctor``, ``--json`` for programs."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import nastoolkit
from nastoolkit.benchmarks import BENCHMARKS
from nastoolkit.benchmarks.race import as_text, find_targets, read_targets, run_race, summary
from nastoolkit.checkpoints import embedded_names
from nastoolkit.checkpoints.download import PUBLISHED, Release, check_hash, fetch, keep_copy
from nastoolkit.export import export_network, network_card
from nastoolkit.families import FAMILIES, Family
from nastoolkit.measurements import Accuracy, LookupTable, NotAvailableError, Rapl, describe_machine
from nastoolkit.measurements.backends import BACKENDS
from nastoolkit.objectives import Objective
from nastoolkit.public import DATA_SETS, fetch_data
from nastoolkit.search import ALGORITHMS, DEFAULT_ALGORITHM, optimize
from nastoolkit.supernet import load_supernet
from nastoolkit.tasks import TASKS
from nastoolkit.terminal import known, run

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
FamilyName = Annotated[str, typer.Option(help=f"One of {', '.join(FAMILIES)}.")]
Checkpoint = Annotated[
    str | None, typer.Option(help="A file, a Hugging Face folder or an address; by default what ships or was fetched.")
]
Threads = Annotated[int, typer.Option(min=1, help="Threads that PyTorch may use.")]


def _show(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({key: None if value != value else value for key, value in result.items()}))  # JSON has no NaN
        return
    for key, value in result.items():
        if not isinstance(value, list):
            typer.echo(f"{key}: {_text(value)}")
            continue
        typer.echo(f"{key}:")
        for row in value:
            typer.echo("  " + ("  ".join(f"{k}={_text(v)}" for k, v in row.items()) if isinstance(row, dict) else row))


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cost(family: Family, cost: str, table: Path | None, batch_size: int | None, threads: int | None) -> Objective:
    """The objective that is weighed against accuracy."""
    if cost == "latency_ms":
        if table is None:
            raise typer.BadParameter("latency_ms needs --table FILE; make one with: nastoolkit profile --output FILE")
        measured = LookupTable.load(table, family, batch_size, threads)
        return Objective("latency_ms", "min", "ms", exact=measured.latency_ms)
    exact_costs = {"mmacs": ("MMACs", family.mmacs), "params": ("", family.params), "size_mb": ("MB", family.size_mb)}
    unit, exact = known("cost", cost, {**exact_costs, "latency_ms": None})
    return Objective(cost, "min", unit, exact=exact)


@app.command()
def search(
    family: FamilyName = "digits-mbv3",
    cost: Annotated[str, typer.Option(help="Weighed against accuracy: mmacs, params, size_mb, latency_ms.")] = "mmacs",
    at_most: Annotated[float | None, typer.Option(help="A bound on the cost, in its unit.")] = None,
    table: Annotated[Path | None, typer.Option(help="Lookup table for latency_ms, from `nastoolkit profile`.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Latency is wanted for; warns if the table is for another.")] = None,
    threads: Annotated[int | None, typer.Option(help="Latency is wanted for; warns if the table is for others.")] = None,
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASKS)}.")] = "digits",
    algorithm: Annotated[str, typer.Option(help=f"default ({DEFAULT_ALGORITHM}) or {', '.join(ALGORITHMS)}.")] = "default",
    budget: Annotated[int, typer.Option(min=1, help="Evaluations.")] = 100,
    population: Annotated[int, typer.Option(min=1, help="Sub-networks a generation, or parents of the inner search.")] = 50,
    seed: Annotated[int, typer.Option(help="Of all randomness.")] = 0,
    store: Annotated[Path | None, typer.Option(help="SQLite file that keeps every evaluation; rerun to resume.")] = None,
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Search a supernet for the best sub-networks and print the measured Pareto front."""
    known("algorithm", algorithm, {"default": None, **ALGORITHMS})
    supernet = load_supernet(family, checkpoint)
    accuracy = Accuracy(supernet, known("task", task, TASKS)())
    objectives = [
        Objective(accuracy.task.metric, "max", accuracy.task.unit),
        replace(_cost(supernet.family, cost, table, batch_size, threads), at_most=at_most),
    ]
    history = optimize(
        supernet.family.space,
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
    _show({"evaluations": len(history), "front": rows}, as_json)


@app.command()
def profile(
    family: FamilyName = "digits-mbv3",
    backend: Annotated[str, typer.Option(help=f"What runs the networks: {', '.join(BACKENDS)}.")] = "torch",
    batch_size: Annotated[int, typer.Option(min=1, help="Inputs a batch.")] = 1,
    threads: Threads = 1,
    resolution: Annotated[int | None, typer.Option(help="Only sub-networks for images of so many pixels.")] = None,
    check: Annotated[int, typer.Option(min=2, help="Random sub-networks that hold the table against the clock.")] = 40,
    output: Annotated[Path | None, typer.Option(help="Where to save the table (JSON).")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a latency lookup table on this machine, and its error against end-to-end latency."""
    started = time.perf_counter()
    known("backend", backend, BACKENDS)
    built = LookupTable.measure(
        known("family", family, FAMILIES)(),
        backend,
        batch_size=batch_size,
        threads=threads,
        within={"resolution": [resolution]} if resolution else None,
        resume=output.with_suffix(".partial") if output else None,
        progress=not as_json,
    )
    build_seconds = time.perf_counter() - started
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
        "build_seconds": build_seconds,
        "lookups_per_second": _lookups_per_second(built),
        "unit": "ms",
        **built.conditions,
        **built.clockwork().facts,
    }
    if output is not None:
        result["table"] = str(built.save(output))
    _show(result, as_json)


def _lookups_per_second(table: LookupTable, n: int = 100_000) -> float:
    genotypes = table.space.sample(n, np.random.default_rng(0))
    started = time.perf_counter()
    table.latency_ms(genotypes)
    return n / (time.perf_counter() - started)


@app.command()
def race(
    benchmark: Annotated[str, typer.Option(help=f"One of {', '.join(BENCHMARKS)}.")],
    algorithms: Annotated[str, typer.Option(help=f"Some of {', '.join(ALGORITHMS)}, separated by commas.")],
    seeds: Annotated[int, typer.Option(min=1, help="Searches of each algorithm.")] = 10,
    budget: Annotated[int, typer.Option(min=1, help="Evaluations of each search.")] = 250,
    population: Annotated[int | None, typer.Option(min=1, help="Sub-networks a generation.")] = None,
    targets: Annotated[str, typer.Option(help="Further hypervolumes to reach: numbers, or algorithms of this race.")] = "",
    as_json: AsJson = False,
) -> None:
    """Run algorithms on a benchmark: evaluations to each hypervolume, medians over seeds with 95 % intervals."""
    names = [known("algorithm", name.strip(), ALGORITHMS) and name.strip() for name in algorithms.split(",")]
    problem, further = known("benchmark", benchmark, BENCHMARKS)(), read_targets(targets, names)
    settings = {} if population is None else {"population": population}
    runs = {name: run_race(problem, name, seeds, budget, progress=not as_json, **settings) for name in names}
    found = summary(runs, find_targets(problem, runs, further))
    if as_json:
        _show({"benchmark": benchmark, "seeds": seeds, "budget": budget, **settings, "algorithms": found}, as_json)
    else:
        typer.echo(as_text(found))


@app.command()
def export(
    genotype: Annotated[str, typer.Argument(help="Genes separated by commas, as `nastoolkit search` prints them.")],
    output: Annotated[Path, typer.Option(help="Folder for network.onnx, network.safetensors, network.json.")],
    family: FamilyName = "digits-mbv3",
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASKS)}.")] = "digits",
    checkpoint: Checkpoint = None,
    as_json: AsJson = False,
) -> None:
    """Extract a sub-network, calibrate it, and write it as ONNX and safetensors, checked in ONNX Runtime."""
    supernet = load_supernet(family, checkpoint)
    genes = _genotype(supernet.family, genotype)
    data, network = known("task", task, TASKS)(), supernet.extract(genes)
    measured = {f"{data.metric}_validation": Accuracy(supernet, data).of_network(network, genes)}
    card = network_card(supernet.family, genes, {**measured, "weights": supernet.fingerprint})
    example = next(data.split("validation").batches(8, supernet.family.input_shape(genes))).inputs
    made = export_network(network, example, output, card)
    result = {"files": [str(file) for file in made.files], "onnx_max_abs_difference": made.max_abs_difference}
    _show({**result, **measured}, as_json)


@app.command("fetch")
def fetch_published(
    name: Annotated[str, typer.Argument(help=f"One of {', '.join((*PUBLISHED, *DATA_SETS))}, or an address.")],
    folder: Annotated[Path | None, typer.Option("--from", help="A folder that has the files: download nothing.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring a published supernet or published measurements into the cache, once; afterwards the name alone finds them."""
    if name in DATA_SETS:
        _show(_fetch_data(name, folder, progress=not as_json), as_json)
        return
    release = Release(name) if "://" in name else known("release or data set", name, {**PUBLISHED, **DATA_SETS})
    if folder is None:
        file = fetch(release.url, release.sha256, progress=not as_json)
    else:
        file = keep_copy(check_hash(folder / release.file_name, release.sha256), release.url)
    _show({"file": str(file), "bytes": file.stat().st_size, "url": release.url}, as_json)


def _fetch_data(name: str, folder: Path | None, progress: bool) -> dict[str, Any]:
    files = list(fetch_data(name, folder, progress).values())
    data, size = DATA_SETS[name], sum(file.stat().st_size for file in files)
    source = f"https://github.com/{data.repository}/tree/{data.commit}/{data.folder}"
    return {"files": [str(file) for file in files], "bytes": size, "source": source, "licence": data.licence}


def _genotype(family: Family, text: str) -> np.ndarray:
    try:
        genes = [int(gene) for gene in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"a genotype is integers separated by commas, got {text!r}") from None
    return family.space.canonical(np.array(genes))


@app.command()
def papers(as_json: AsJson = False) -> None:
    """List the papers that the code follows, and the modules that follow them."""
    found: dict[str, dict[str, Any]] = {}
    for module in pkgutil.walk_packages(nastoolkit.__path__, "nastoolkit."):
        text = importlib.import_module(module.name).__doc__ or ""
        for key, reference in re.findall(r"^\[(\w+)\] (.+?)(?=\n\[|\n\n|\Z)", text, flags=re.MULTILINE | re.DOTALL):
            entry = found.setdefault(key, {"key": key, "reference": " ".join(reference.split()), "modules": []})
            entry["modules"].append(module.name)
    _show({"papers": [found[key] for key in sorted(found)]}, as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check that this installation works: versions, embedded supernets, a writable folder, ONNX export."""
    checks = {"embedded supernets": _check_embedded, "writable folder": _check_folder, "ONNX export": _check_export}
    results: dict[str, str] = {}
    for name, check in checks.items():
        try:
            results[name] = f"ok, {check()}"
        except Exception as error:  # a doctor reports every illness and goes on
            results[name] = f"FAILED: {error}"
    about = {**describe_machine(), "nastoolkit": nastoolkit.__version__, "energy meter": _energy_meter()}
    _show({**about, **results}, as_json)
    if any(result.startswith("FAILED") for result in results.values()):
        raise typer.Exit(1)


def _check_embedded() -> str:
    names = embedded_names()
    for name in names:
        load_supernet(name)
    return ", ".join(names)


def _energy_meter() -> str:
    try:
        return f"RAPL, {len(Rapl().packages)} packages"
    except NotAvailableError as error:
        return str(error)


def _check_folder() -> str:
    with tempfile.NamedTemporaryFile(dir=Path.cwd()):
        return str(Path.cwd())


def _check_export() -> str:
    family = FAMILIES["digits-mbv3"]()
    example = family.example_inputs(family.space.smallest, n=2)
    with tempfile.TemporaryDirectory() as folder:
        made = export_network(family.build(family.space.smallest), example, folder, {})
    return f"ONNX Runtime differs from PyTorch by {made.max_abs_difference:.0e}"


def main() -> None:
    """The console script."""
    run(app)


if __name__ == "__main__":
    main()
