"""Notebooks of the lessons without their solutions: a cell for each answer, and one that checks it."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

from nastoolkit.support.extras import needed

SOLUTION = "solution"  # the tag of cells that students do not get
CHECK = "check"
WORK = "# Your work\n\nanswer = ..."
CHECKED = 'from nastoolkit.teaching import check\n\ncheck("{name}", answer)'
UNFOLD = re.compile(r"\s*\*\(Unfold\s[^)]*\)\*")
_OUTWARD = re.compile(r"\[([^]]+)\]\(\.\./[^)]*\)")  # links to other folders, which a student does not have


def student_version(lesson: Any, number: str) -> Any:
    """A lesson without solutions.

    Args:
        lesson: Notebook, as by ``nbformat``.
        number: Of the lesson, such as ``05``.
    """
    student, cells = deepcopy(lesson), list[Any]()
    for cell in student.cells:
        if SOLUTION in cell.metadata.get("tags", []):
            cells += _exercise(cell, f"{number}.{1 + sum(is_check(other) for other in cells)}")
        else:
            if cell.cell_type == "markdown":
                cell.source = _OUTWARD.sub(r"\1", UNFOLD.sub("", cell.source))
            cells.append(cell)
    student.cells = cells
    return student


def _exercise(solution: Any, name: str) -> list[Any]:
    """The cells in place of a solution: one to work in, one that checks the answer."""
    work, check = deepcopy(solution), deepcopy(solution)
    work.update(id=f"{solution.id}-work", source=WORK, metadata={}, outputs=[], execution_count=None)
    check.update(work, id=f"{solution.id}-check", source=CHECKED.format(name=name), metadata={"tags": [CHECK]})
    return [work, check]


def is_check(cell: Any) -> bool:
    """Whether a cell checks an answer."""
    return CHECK in cell.metadata.get("tags", [])


def lessons(folder: Path) -> dict[str, Path]:
    """The lessons of a folder, by their numbers, such as ``05``."""
    return {path.name[:2]: path for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}


def read(path: Path) -> Any:
    """A notebook.

    Raises:
        ValueError: The file is none.
    """
    nbformat = needed("nbformat", "a notebook")
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # of any type: it comes from JSON, from nbformat or from its schema
        raise ValueError(f"{path} is no notebook: {error}".splitlines()[0]) from error


def write_students(source: Path, folder: Path) -> int:
    """Write the student version of each lesson of a folder to a new folder; returns how many there are."""
    found = lessons(source)
    folder.mkdir(parents=True)
    for number, path in found.items():
        needed("nbformat", "a notebook").write(student_version(read(path), number), folder / path.name)
    return len(found)
