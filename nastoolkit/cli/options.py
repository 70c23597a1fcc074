"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from nastoolkit.families import FAMILIES

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
FamilyName = Annotated[str, typer.Option(help=f"One of {', '.join(FAMILIES)}; or a class in a file: my_net.py:MyFamily.")]
Checkpoint = Annotated[
    str | None, typer.Option(help="A file, a Hugging Face folder or an address; by default what ships or was fetched.")
]
Threads = Annotated[int, typer.Option(min=1, help="Threads that PyTorch may use.")]
