import re

import lecture
import nbformat
import pytest
from lesson_answers import tolerance

CELLS = [
    ("markdown", "# 1. A lesson", "slide", []),
    ("code", "n: int = 1", "skip", ["parameters"]),
    ("code", "print('shown')", "subslide", []),
    ("markdown", "An exercise", "slide", []),
    ("code", "answer = 'hidden'", "skip", ["solution"]),
]
NEW = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}


@pytest.fixture
def root(tmp_path):
    """A repository with one lesson, which was run with other parameters."""
    cells = [
        NEW[kind](source, metadata={"slideshow": {"slide_type": slide}, "tags": tags}) for kind, source, slide, tags in CELLS
    ]
    lesson = nbformat.v4.new_notebook(cells=cells)
    (tmp_path / "notebooks/learn").mkdir(parents=True)
    nbformat.write(lesson, tmp_path / "notebooks/learn/01_lesson.ipynb")
    for count, cell in enumerate(cells):
        if cell.cell_type == "code":
            cell.update(execution_count=count, outputs=[nbformat.v4.new_output("stream", text=f"output {count}\n")])
    lesson.cells.insert(2, nbformat.v4.new_code_cell("n = 7", metadata={"tags": ["injected-parameters"]}, execution_count=9))
    (tmp_path / "runs/learn/01_lesson/smoke").mkdir(parents=True)
    nbformat.write(lesson, tmp_path / "runs/learn/01_lesson/smoke/notebook.ipynb")
    return tmp_path


def page_of(root):
    lines = lecture.write_slides(root)
    assert lines[0] == "runs/slides/01_lesson.html: outputs of its smoke run"
    return lines[-1], (root / "runs/slides/01_lesson.html").read_text()


def test_slides_show_code_and_its_output_but_neither_parameters_nor_solutions(root):
    _, page = page_of(root)
    text = re.sub(r"<[^>]+>", "", page.partition("<body>")[2])
    assert "output 2" in text and "shown" in text and "An exercise" in text
    assert not [word for word in ("hidden", "output 4", "n = 7", "output 1") if word in text]
    assert page.count("<section") == page.count("</section>") == 2 + 3  # two slides, the first with one below it


def test_a_lecture_needs_a_network_unless_there_is_a_copy_of_reveal(root):
    said, page = page_of(root)
    assert said.endswith("needs the network, for reveal.js") and f"{lecture.CDN}/dist/reveal.js" in page
    (root / "runs/slides/reveal.js").mkdir()
    said, page = page_of(root)
    assert said.endswith("needs no network") and "://" not in re.sub(r"<svg.*?</svg>|http://www.w3.org\S*", "", page)


def test_lessons_without_outputs_are_run_first(root):
    assert lecture.without_outputs(root) == []
    (root / "runs/learn/01_lesson/smoke/notebook.ipynb").unlink()
    assert lecture.without_outputs(root) == ["learn/01_lesson"]


@pytest.mark.parametrize(
    ("text", "within"), [("a number, within 0.5.", 0.5), ("the share, within 3.", 3.0), ('`"own"`.', None)]
)
def test_the_tolerance_of_an_answer_is_in_its_exercise(text, within):
    assert tolerance(f"**1.** How many?\n\n`answer`: {text}") == within


def test_an_exercise_that_does_not_say_what_its_answer_is_is_told():
    with pytest.raises(ValueError, match="does not say what its answer is"):
        tolerance("**1.** How many?")
