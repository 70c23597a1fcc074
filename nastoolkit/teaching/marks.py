"""Marks for notebooks that students hand in. Nothing in them is run.

A check prints the answer that it was given. The mark comes from that number or text, which is checked anew, not from the
word beside it. Three more looks are hidden from students: were the lesson's own cells changed, was a number typed in
rather than computed, was the answer checked at all? None of this tells who found the answer, nor that the cells give what
their outputs say.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nastoolkit.teaching.answers import RIGHT, WRONG, Answer, is_right
from nastoolkit.teaching.students import WORK, lessons, read, student_version

CHANGED = "the lesson's own cells were changed"
_PRINTED = re.compile(rf"^(\d\d\.\d): (.+) (?:{RIGHT}|{WRONG})$", re.MULTILINE)
_CHECKS = re.compile(r'check\("(\d\d\.\d)", answer\)')


@dataclass(frozen=True)
class Mark:
    """The mark for one exercise.

    Args:
        notebook: Path of the notebook in the folder of all.
        exercise: Such as ``05.2``.
        answer: The answer that was checked; None if none was.
        right: Whether it is right.
        look: What a teacher should look at; empty if nothing.
    """

    notebook: str
    exercise: str
    answer: Answer | None
    right: bool
    look: str


def marks(folder: Path, source: Path) -> list[Mark]:
    """A mark for each exercise of all notebooks in a folder and in the folders inside it.

    Args:
        folder: What was handed in. A notebook's name ends with that of its lesson: ``ada/05_predictors.ipynb`` or
            ``ada_05_predictors.ipynb``.
        source: Folder of the lessons.

    Raises:
        ValueError: There are no such notebooks, or one cannot be read.
    """
    found = list[Mark]()
    for path in sorted(folder.rglob("*.ipynb")):
        for number, lesson in lessons(source).items():
            if path.name.endswith(lesson.name) and ".ipynb_checkpoints" not in path.parts:
                name = path.relative_to(folder).as_posix()
                found += _marks_of(name, read(path), student_version(read(lesson), number))
    if not found:
        raise ValueError(f"no notebook in {folder} has the name of a lesson, such as 05_predictors.ipynb")
    return found


def _marks_of(name: str, notebook: Any, lesson: Any) -> list[Mark]:
    """The marks of one notebook, compared with the lesson as students get it."""
    given, work = _answers(notebook), _work(notebook)
    kept = {cell.source for cell in notebook.cells}
    changed = any(source != WORK and source not in kept for source in _code(lesson))
    found = []
    for exercise in _CHECKS.findall("\n".join(_code(lesson))):
        answer = given.get(exercise)
        typed = isinstance(answer, float) and _is_typed(work.get(exercise, ""))
        looks = (answer is None, "not checked"), (typed, "a number that was typed in"), (changed, CHANGED)
        look = "; ".join(text for applies, text in looks if applies)
        found.append(Mark(name, exercise, answer, answer is not None and _fits(exercise, answer), look))
    return found


def _code(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _answers(notebook: Any) -> dict[str, Answer]:
    """The answer that the last check of each exercise printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"]
    printed = _PRINTED.findall("\n".join(output.text for output in outputs))
    return {name: answer for name, text in printed if (answer := _literal(text)) is not None}


def _literal(text: str) -> Answer | None:
    """A printed number or text; None for anything else."""
    try:
        value = float(text) if text in ("nan", "inf", "-inf") else ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, float | str) else None


def _work(notebook: Any) -> dict[str, str]:
    """The code cell in front of each check."""
    code = _code(notebook)
    return {name: before for before, source in zip(code, code[1:], strict=False) for name in _CHECKS.findall(source)}


def _is_typed(source: str) -> bool:
    """Whether the last answer that a cell assigns is a plain number."""
    assigned = re.findall(r"^answer\s*=\s*(.+?)\s*(?:#.*)?$", source, re.MULTILINE)
    return bool(assigned) and re.fullmatch(r"[-+\d._e]+", assigned[-1]) is not None


def _fits(exercise: str, answer: Answer) -> bool:
    """Whether an answer is right; one of the wrong kind is not."""
    try:
        return is_right(exercise, answer)
    except TypeError:
        return False
