"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from nastoolkit.families import FAMILIES, family_named


def _known(name: str) -> str:
    """The name of a family, if that exists."""
    try:
        family_named(name)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return name


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
FamilyName = Annotated[
    str, typer.Option(callback=_known, help=f"One of {', '.join(FAMILIES)}; or a class in a file: my_net.py:MyFamily.")
]
Checkpoint = Annotated[
    str | None,
    typer.Option(help="Weights: a file, a Hugging Face folder or a URL. Default: what ships or was fetched."),
]
Threads = Annotated[int, typer.Option(min=1, help="PyTorch threads.")]
