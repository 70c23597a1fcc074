"""The command line: ``nastoolkit search``, and the other commands of ``COMMANDS``.

Each prints readable text, or with ``--json`` one object for programs.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nastoolkit.cli.terminal import run

COMMANDS = {  # a command is the function in the module of the same name; this is the first line of its help
    "search": "Search a supernet for its best networks and print the Pareto front.",
    "show": "Show what a store of searches holds, and its Pareto front.",
    "profile": "Measure a latency table on this machine, and how far it is from whole networks' latency.",
    "race": "Compare search algorithms on a benchmark, over seeds.",
    "train": "Train a supernet; run the same command again to resume.",
    "notebooks": "Copy the notebooks to a folder: quickstart, explorer, lessons, and one for each paper's figure.",
    "students": "Copy the lessons without solutions to a folder, with a check for each answer; or mark what was handed in.",
    "explore": "Open the explorer in the browser: a control for every choice of a network, and searches to watch.",
    "export": "Write one network as ONNX and safetensors, checked in ONNX Runtime.",
    "fetch": "Download a published supernet or published measurements.",
    "papers": "List the papers that are reproduced here, and all papers that the code follows.",
    "doctor": "Check this installation and machine; print what a bug report needs.",
}


def command(name: str) -> Any:
    """A command with its options, which imports what it needs: for most, PyTorch."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(getattr(import_module(f"nastoolkit.cli.{name}"), name))
    return typer.main.get_command(alone)


class _Imported(TyperGroup):
    """Imports only the command that is called, and none to list them all."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, listed and command(str(name)), rest


ABOUT = "Search supernets for the networks that suit a device. Each command prints for people, and with --json for programs."
app = typer.Typer(help=ABOUT, cls=_Imported, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for name, summary in COMMANDS.items():
    app.command(name, help=summary)(lambda: None)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nastoolkit {version('nastoolkit')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, help="Show the version and exit.")] = False,
) -> None:
    """What can be asked without a command."""


def main() -> None:
    """The console script."""
    run(app)
