"""``nastoolkit students``: lessons for a class, and marks for what comes back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nastoolkit.cli.notebooks import carried
from nastoolkit.cli.options import AsJson
from nastoolkit.cli.terminal import show
from nastoolkit.teaching.marks import marks
from nastoolkit.teaching.students import write_students


def students(
    folder: Annotated[Path, typer.Argument(help="New folder for the lessons; with --mark, the folder that was handed in.")],
    mark: Annotated[bool, typer.Option("--mark", help="Mark the notebooks in the folder. None of them is run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy the lessons without solutions to a folder, with a check for each answer; or mark what was handed in."""
    source = carried("notebooks") / "learn"
    if mark:
        found = marks(folder, source)
        n_right, n_looks = sum(one.right for one in found), sum(bool(one.look) for one in found)
        show({"marks": [asdict(one) for one in found], "right": n_right, "of": len(found), "to look at": n_looks}, as_json)
    elif folder.exists():
        raise typer.BadParameter(f"{folder} exists: nothing of yours is overwritten, name a new folder")
    else:
        show({"lessons": write_students(source, folder), "open them with": f"jupyter lab {folder}"}, as_json)
