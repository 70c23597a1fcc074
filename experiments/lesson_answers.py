"""Make ``nastoolkit/teaching/answers.json``: run the lessons, take each solution's ``answer``, and keep its hash.

``python experiments/lesson_answers.py 05 13``, or all lessons without arguments. An exercise says what its answer is in
its last paragraph, which begins with ```answer`:``; a number's tolerance stands there, too: "within 0.01". Lessons that
read published data are run twice, with them and without.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

from nastoolkit.studies.parameters import INJECTED
from nastoolkit.support.files import atomically
from nastoolkit.teaching.answers import FILE, Answer, hashes
from nastoolkit.teaching.students import SOLUTION, lessons, read

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = ROOT / "nastoolkit" / "teaching" / FILE
WHOLE = 0.5  # tolerance of a number whose exercise names none
SAY = "from nastoolkit.teaching.answers import plain as _plain; print('ANSWER', repr(_plain(answer)))"


def exercises(number: str, lesson: Any) -> Iterator[tuple[str, str, Any]]:
    """Name, question and solution cell of each exercise of a lesson."""
    places = [place for place, cell in enumerate(lesson.cells) if SOLUTION in cell.metadata.get("tags", [])]
    for n, place in enumerate(places, 1):
        yield f"{number}.{n}", lesson.cells[place - 1].source, lesson.cells[place]


def tolerance(question: str) -> float | None:
    """The tolerance that a question gives its answer; None if it gives none.

    Raises:
        ValueError: The question does not say what its answer is.
    """
    asked = re.findall(r"^`answer`: (.+)", question, re.MULTILINE | re.DOTALL)
    if not asked:
        raise ValueError(f"an exercise does not say what its answer is: {question[:80]}")
    within = re.search(r"within ([\d.]*\d)", asked[0])
    return float(within[1]) if within else None


def answers_of(path: Path) -> list[Answer]:
    """The answers of a lesson's solutions, from a run of all of it."""
    lesson = read(path)
    for place in reversed(range(len(lesson.cells))):
        if SOLUTION in lesson.cells[place].metadata.get("tags", []):
            lesson.cells.insert(place + 1, nbformat.v4.new_code_cell(SAY))
    with tempfile.TemporaryDirectory() as folder:
        lesson.cells.insert(2, nbformat.v4.new_code_cell(f"{INJECTED}\noutput_dir = {folder!r}"))
        sockets = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
        NotebookClient(lesson, timeout=None, kernel_name="python3", config=sockets).execute(cwd=str(ROOT))
    outputs = [output for cell in lesson.cells for output in cell.get("outputs", []) if output.output_type == "stream"]
    return [ast.literal_eval(text) for text in re.findall(r"^ANSWER (.+)$", "\n".join(o.text for o in outputs), re.MULTILINE)]


def main(numbers: Sequence[str]) -> None:
    """Run lessons, print their answers and bring the file up to date."""
    known = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    found = lessons(ROOT / "notebooks" / "learn")
    data = os.environ.get("NASTOOLKIT_DATA", "")
    for number in numbers or found:
        asked = list(exercises(number, read(found[number])))
        known |= {name: {"hashes": [], "within": tolerance(question)} for name, question, _ in asked}
        published = "nastoolkit.published" in found[number].read_text()
        for folder in [data, os.devnull] if published else [data]:
            os.environ["NASTOOLKIT_DATA"] = folder
            for (name, *_), answer in zip(asked, answers_of(found[number]), strict=True):
                print(name, repr(answer), flush=True)
                entry = known[name]
                entry["within"] = entry["within"] or (None if isinstance(answer, str) else WHOLE)
                entry["hashes"] = sorted({*entry["hashes"], hashes(name, answer, entry["within"])[0]})
        os.environ["NASTOOLKIT_DATA"] = data
        with atomically(ANSWERS) as file:
            file.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
