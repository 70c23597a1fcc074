"""A class does lesson 13: the student version is run with the solutions, then with wrong answers, and both are marked."""

import nbformat
import pytest
from lesson_answers import ROOT, exercises
from nbclient import NotebookClient
from traitlets.config import Config
from typer.testing import CliRunner

from nastoolkit import cli
from nastoolkit.teaching.answers import is_right, known_answers
from nastoolkit.teaching.marks import marks
from nastoolkit.teaching.students import WORK, lessons, read

LEARN = ROOT / "notebooks" / "learn"
LESSON = lessons(LEARN)["13"]


def hand_in(folder, works):
    """Put works in place of the dots of the student version, one after the other, run it, and save it."""
    path = folder / LESSON.name
    notebook, works = nbformat.read(path, as_version=4), iter(works)
    for cell in notebook.cells:
        if cell.source == WORK:
            cell.source = next(works)
    sockets = Config({"KernelManager": {"transport": "ipc", "ip": str(folder / "kernel")}})
    NotebookClient(notebook, timeout=None, kernel_name="python3", config=sockets).execute(cwd=str(folder))
    nbformat.write(notebook, path)


@pytest.fixture
def students(tmp_path):
    """A new folder with what students get."""
    ran = CliRunner().invoke(cli.app, ["students", str(tmp_path / "class"), "--json"])
    assert ran.exit_code == 0, ran.output
    return tmp_path / "class"


@pytest.mark.slow
def test_the_solutions_are_right(students):
    hand_in(students, [solution.source for *_, solution in exercises("13", read(LESSON))])
    found = [one for one in marks(students, LEARN) if one.notebook == LESSON.name]
    assert [(one.exercise, one.right, one.look) for one in found] == [(f"13.{n}", True, "") for n in (1, 2, 3)]


@pytest.mark.slow
def test_wrong_answers_are_wrong(students):
    hand_in(students, ["answer = -latency(space.smallest)", "answer = 1.0", "answer = -budget"])
    ran = CliRunner().invoke(cli.app, ["students", str(students), "--mark"])
    assert ran.exit_code == 0, ran.output
    (typed,) = (line for line in ran.output.splitlines() if "exercise=13.2" in line)
    assert "right=False" in typed and "a number that was typed in" in typed
    assert "right: 0\n" in ran.output and f"of: {len(known_answers())}\n" in ran.output


@pytest.mark.parametrize("name", known_answers())
def test_what_nobody_would_answer_is_wrong(name):
    wrong = ["", "no idea"] if known_answers()[name].within is None else [-12345.0, 1e9]
    assert not any(is_right(name, answer) for answer in wrong)


def test_nothing_of_yours_is_overwritten(students):
    ran = CliRunner().invoke(cli.app, ["students", str(students)])
    assert ran.exit_code == 2 and "nothing of yours is overwritten" in " ".join(ran.output.replace("│", " ").split())
