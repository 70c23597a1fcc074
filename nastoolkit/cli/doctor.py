"""``nastoolkit doctor``: whether this installation works."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer

from nastoolkit.checkpoints import embedded_names
from nastoolkit.cli.checks import facts, packages, traps
from nastoolkit.cli.options import AsJson
from nastoolkit.cli.terminal import show
from nastoolkit.export import export_network
from nastoolkit.families import FAMILIES
from nastoolkit.measurements import NotAvailableError, Rapl
from nastoolkit.supernets import load_supernet


def doctor(as_json: AsJson = False) -> None:
    """Check this installation and machine; print what a bug report needs."""
    checks = {"embedded supernets": _check_embedded, "writable folder": _check_folder, "ONNX export": _check_export}
    results: dict[str, str] = {}
    for name, check in checks.items():
        try:
            results[name] = f"ok, {check()}"
        except Exception as error:  # report every failed check and continue
            results[name] = f"FAILED: {error}"
    about = {**facts(), "energy meter": _energy_meter()}
    show({**about, **results, "packages": packages(), "traps": traps()}, as_json)
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
