"""The command line: ``nastoolkit search | show | profile | race | train | export | fetch | papers | doctor``.

Each prints for people, and with ``--json`` one object for programs.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nastoolkit.cli.terminal import run

COMMANDS = {  # a command is the function of its name in the module of its name, and this is the first line of its help
    "search": "Search a supernet for the best sub-networks and print the measured Pareto front.",
    "show": "Tell what a store holds: what was measured and how, its searches, what failed, and the front of all of it.",
    "profile": "Measure a latency lookup table on this machine, and its error against end-to-end latency.",
    "race": "Run algorithms on a benchmark: evaluations to each hypervolume, medians over seeds with 95 % intervals.",
    "train": "Train a supernet with the sandwich rule and in-place distillation; run it again to go on where it was killed.",
    "export": "Extract a sub-network, calibrate it, and write it as ONNX and safetensors, checked in ONNX Runtime.",
    "fetch": "Bring a published supernet or published measurements into the cache; afterwards the name alone finds them.",
    "papers": "List the systems, each with its paper and claim, and all papers that the code follows, with their modules.",
    "doctor": "Check that this installation works, tell what a bug report needs, and name the known traps of this machine.",
}


def command(name: str) -> Any:
    """A command with its options, which imports what it needs: PyTorch, for most."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(getattr(import_module(f"nastoolkit.cli.{name}"), name))
    return typer.main.get_command(alone)


class _Imported(TyperGroup):
    """Imports the one command that is called, and none to list them all."""

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
