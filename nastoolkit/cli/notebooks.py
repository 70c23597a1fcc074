"""``nastoolkit notebooks``: a copy of the notebooks, to open anywhere."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from nastoolkit.cli.options import AsJson
from nastoolkit.cli.terminal import show

PACKAGE = Path(__file__).resolve().parents[1]


def carried(part: str) -> Path:
    """A folder that comes with the package: inside it if installed from a wheel, next to it in a clone."""
    inside = PACKAGE / "_notebooks"
    return (inside if inside.is_dir() else PACKAGE.parent) / part


def notebooks(
    folder: Annotated[Path, typer.Argument(help="Folder to copy the notebooks to; it must not exist yet.")],
    as_json: AsJson = False,
) -> None:
    """Copy the notebooks to a folder: quickstart, explorer, lessons, and one for each paper's figure."""
    if folder.exists():
        raise typer.BadParameter(f"{folder} exists: nothing of yours is overwritten, name a new folder")
    shutil.copytree(carried("notebooks"), folder)
    n_copied = sum(1 for _ in folder.rglob("*.ipynb"))
    show({"notebooks": n_copied, "open them with": f"jupyter lab {folder} (pip install 'nastoolkit[notebooks,lab]')"}, as_json)
