"""A class hands in lessons 1 to 3 of a small course: right, wrong, typed in, changed, forged, forgotten."""

from contextlib import redirect_stdout
from io import StringIO

import nbformat
import pytest

from nastoolkit.teaching import answers
from nastoolkit.teaching.answers import Expected, hashes
from nastoolkit.teaching.marks import Mark, marks
from nastoolkit.teaching.students import is_check, student_version

SOLUTIONS = {"01.1": "answer = half * 2", "01.2": 'answer = "warm start"'}
WITHIN = {"01.1": 0.1, "01.2": None}


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with one lesson of two exercises, whose answers are 1 and "warm start"."""
    cells = [nbformat.v4.new_markdown_cell("# 1. A lesson"), nbformat.v4.new_code_cell("half = 0.5")]
    for solution in SOLUTIONS.values():
        cells.append(nbformat.v4.new_markdown_cell("A question"))
        cells.append(nbformat.v4.new_code_cell(solution, metadata={"tags": ["solution"]}))
    (tmp_path / "learn").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "learn" / "01_lesson.ipynb")
    right = {"01.1": 1.0, "01.2": "warm start"}
    known = {name: Expected(hashes(name, right[name], WITHIN[name])[:1], WITHIN[name]) for name in right}
    monkeypatch.setattr(answers, "known_answers", lambda: known)
    return tmp_path


def hand_in(course, student, works, changes=(), says=None):
    """What a student's notebook is after a run: code in place of the dots, and what the checks print."""
    lesson = nbformat.read(course / "learn" / "01_lesson.ipynb", as_version=4)
    notebook, names, values = student_version(lesson, "01"), iter(SOLUTIONS), {}
    for place, cell in enumerate(notebook.cells):
        cell.source = dict(changes).get(cell.source, cell.source)
        if is_check(cell):
            name = next(names)
            notebook.cells[place - 1].source = works.get(name, "answer = ...")
            said = StringIO()
            if name in works:
                exec(notebook.cells[1].source + "\n" + works[name], values)
                with redirect_stdout(said):
                    exec(cell.source, values)
            text = (says or {}).get(name, said.getvalue())
            cell.outputs = [nbformat.v4.new_output("stream", text=text)] if text else []
    (course / "in" / student).mkdir(parents=True)
    nbformat.write(notebook, course / "in" / student / "01_lesson.ipynb")
    return marks(course / "in", course / "learn")


def test_right_answers(course):
    handed_in = "ada/01_lesson.ipynb"
    right = [Mark(handed_in, "01.1", 1.0, True, ""), Mark(handed_in, "01.2", "warm start", True, "")]
    assert hand_in(course, "ada", SOLUTIONS) == right


def test_wrong_answers(course):
    found = hand_in(course, "bob", {"01.1": "answer = half * 3", "01.2": 'answer = "PopDB"'})
    assert [(one.answer, one.right) for one in found] == [(1.5, False), ("PopDB", False)]


def test_an_answer_that_nobody_checked_is_no_answer(course):
    assert [(one.right, one.look) for one in hand_in(course, "cy", {"01.1": SOLUTIONS["01.1"]})] == [
        (True, ""),
        (False, "not checked"),
    ]


def test_a_forged_word_is_not_believed(course):
    found = hand_in(course, "eve", {}, says={"01.1": "01.1: 7.0 is right\n", "01.2": "01.2: __import__('os') is right\n"})
    assert [(one.answer, one.right) for one in found] == [(7.0, False), (None, False)]


def test_a_number_that_was_typed_in_is_told_and_a_text_is_not(course):
    found = hand_in(course, "dan", {"01.1": "answer = 1.02  # Ada says", "01.2": 'answer = "warm start"'})
    assert [(one.right, one.look) for one in found] == [(True, "a number that was typed in"), (True, "")]


def test_a_changed_lesson_is_told(course):
    (first, _) = hand_in(course, "fay", {"01.1": "answer = half"}, changes=[("half = 0.5", "half = 1.0")])
    assert first.right and first.look == "the lesson's own cells were changed"


def test_nothing_that_was_handed_in_is_run(course):
    (course / "in" / "mal").mkdir(parents=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("raise SystemExit('it was run')")])
    nbformat.write(notebook, course / "in" / "mal_01_lesson.ipynb")
    assert [one.look for one in marks(course / "in", course / "learn")] == [
        "not checked; the lesson's own cells were changed"
    ] * 2


def test_a_folder_without_lessons_is_told(course):
    with pytest.raises(ValueError, match="no notebook in .* has the name of a lesson"):
        marks(course, course / "none")
