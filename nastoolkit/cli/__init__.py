"""The command line: ``nastoolkit search | profile | race | export | fetch | papers | doctor``, ``--json`` for programs."""

from __future__ import annotations

from collections.abc import Callable

import typer

from nastoolkit.cli.doctor import doctor
from nastoolkit.cli.export import export
from nastoolkit.cli.fetch import fetch_published
from nastoolkit.cli.papers import papers
from nastoolkit.cli.profile import profile
from nastoolkit.cli.race import race
from nastoolkit.cli.search import search
from nastoolkit.cli.terminal import run

COMMANDS: dict[str, Callable[..., None]] = {
    "search": search,
    "profile": profile,
    "race": race,
    "export": export,
    "fetch": fetch_published,
    "papers": papers,
    "doctor": doctor,
}

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for name, command in COMMANDS.items():
    app.command(name)(command)


def main() -> None:
    """The console script."""
    run(app)
