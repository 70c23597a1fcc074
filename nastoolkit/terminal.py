"""What all commands have in common: unknown names list the known ones, and what users can mend is told in a sentence."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import typer

from nastoolkit.search.failures import EvaluationError


def known(kind: str, name: str, registry: Mapping[str, Any]) -> Any:
    """The entry of a registry that an option names."""
    if name not in registry:
        raise typer.BadParameter(f"unknown {kind} {name!r}; known: {', '.join(registry)}")
    return registry[name]


def run(app: typer.Typer) -> None:
    """Run a command; an error that the user can mend ends it without a traceback."""
    try:
        app()
    except (ValueError, OSError, EvaluationError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
