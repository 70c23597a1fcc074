import nbformat
import pytest
from lesson_answers import ROOT, exercises

from nastoolkit.teaching.answers import known_answers
from nastoolkit.teaching.students import WORK, is_check, lessons, read, student_version, write_students

LESSONS = lessons(ROOT / "notebooks" / "learn")
each_lesson = pytest.mark.parametrize("number", LESSONS)


def student(number):
    return student_version(read(LESSONS[number]), number)


@each_lesson
def test_no_line_of_a_solution_is_left(number):
    lesson = read(LESSONS[number])
    code = "\n".join(cell.source for cell in student(number).cells if cell.cell_type == "code")
    text = nbformat.writes(student(number))
    solutions = [solution.source for _, _, solution in exercises(number, lesson)]
    others = "\n".join(cell.source for cell in lesson.cells if cell.source not in solutions)
    lines = {line.strip() for source in solutions for line in source.splitlines() if len(line.strip()) > 12}
    own = {line for line in lines if line not in others}
    assert len(own) >= 6 and not [line for line in own if line in code]
    assert "Unfold" not in text and "](../" not in text


@each_lesson
def test_every_exercise_has_a_place_to_work_and_a_check(number):
    cells = student(number).cells
    checks = [place for place, cell in enumerate(cells) if is_check(cell)]
    assert [cells[place].source.splitlines()[-1] for place in checks] == [f'check("{number}.{n}", answer)' for n in (1, 2, 3)]
    assert all(cells[place - 1].source == WORK and "\n\n`answer`: " in cells[place - 2].source for place in checks)
    assert not any(cell.get("outputs") for cell in cells)


@each_lesson
def test_the_rest_of_a_lesson_is_as_it_was(number):
    lesson = read(LESSONS[number])
    solutions = [solution.source for _, _, solution in exercises(number, lesson)]
    kept = [
        cell.source
        for cell in student(number).cells
        if cell.cell_type == "code" and cell.source != WORK and not is_check(cell)
    ]
    assert kept == [cell.source for cell in lesson.cells if cell.cell_type == "code" and cell.source not in solutions]


def test_every_exercise_has_an_answer_and_every_answer_an_exercise():
    asked = [name for number, path in LESSONS.items() for name, *_ in exercises(number, read(path))]
    assert asked == list(known_answers())


def test_they_are_notebooks_with_the_names_of_the_lessons(tmp_path):
    assert write_students(ROOT / "notebooks" / "learn", tmp_path / "class") == len(LESSONS)
    for path in LESSONS.values():
        nbformat.validate(nbformat.read(tmp_path / "class" / path.name, as_version=4))


def test_a_file_that_is_no_notebook_is_told(tmp_path):
    (tmp_path / "a.ipynb").write_text("{}")
    with pytest.raises(ValueError, match=r"a\.ipynb is no notebook"):
        read(tmp_path / "a.ipynb")
