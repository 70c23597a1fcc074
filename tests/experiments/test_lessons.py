"""The form of the lessons: a question, short cells, pictures, folded solutions, what to take home, slides, links."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import run
from sources import is_install

FOLDER = run.ROOT / "notebooks" / "learn"
LESSONS = sorted(FOLDER.glob("*.ipynb"))
GLOSSARY = run.ROOT / "docs" / "glossary.md"
FOLDED = {
    "jupyter": {"outputs_hidden": True, "source_hidden": True},
    "slideshow": {"slide_type": "skip"},
    "tags": ["hide-cell", "solution"],
}
PLUMBING = re.compile(r"\b(save_figure|claim|verdict|assert|raise|to_csv)\b")
NEW_WORDS = "**New words**, see the [glossary](../../docs/glossary.md): "

each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def cells(path, kind=("code", "markdown")):
    own = [cell for cell in nbformat.read(path, as_version=4).cells if not is_install(cell)]
    return [cell for cell in own if cell.cell_type in kind]


def number(path):
    return int(path.stem[:2])


def title(path):
    return cells(path)[0].source.partition("\n")[0].removeprefix("# ")


def glossary():
    """Every term of the glossary with what it says."""
    (*blocks,) = re.findall(r"^```{glossary}\n(.+?)^```", GLOSSARY.read_text(), re.MULTILINE | re.DOTALL)
    return {term: says for block in blocks for term, says in re.findall(r"^(\S.*)\n  (.+)$", block, re.MULTILINE)}


def new_words(path):
    (line,) = (line for line in cells(path)[0].source.splitlines() if line.startswith(NEW_WORDS))
    return line.removeprefix(NEW_WORDS).removesuffix(".").split(", ")


def test_the_lessons_have_numbers_of_their_own():
    assert [number(path) for path in LESSONS][:10] == list(range(1, 11))
    assert len({number(path) for path in LESSONS}) == len(LESSONS)
    assert all(title(path).startswith(f"{number(path)}. ") for path in LESSONS)


def is_imports(cell):
    """Whether a cell only imports, and sets up at most."""
    if cell.cell_type != "code":
        return False
    own = [statement for statement in ast.parse(cell.source).body if not isinstance(statement, ast.Import | ast.ImportFrom)]
    return all(ast.unparse(statement).startswith(("out = set_up(", "set_up(")) for statement in own)


@each_lesson
def test_a_lesson_opens_with_a_question_its_minutes_and_what_one_should_know(path):
    question, _, rest = cells(path)[0].source.partition("**Time:** ")
    assert "?" in question and re.match(r"\d+ minutes, one of them for the cells to run\. \*\*You should know:\*\* \w", rest)


@each_lesson
def test_a_lesson_ends_with_what_to_take_home(path):
    assert [cell.source.startswith("**What to take home:** ") for cell in cells(path)].index(True) == len(cells(path)) - 2


@each_lesson
def test_a_lesson_has_cells_of_at_most_ten_lines(path):
    """Declarations, imports and the folded solutions may have more: none of them is read in a lecture."""
    for cell in cells(path, "code"):
        lines, tags = cell.source.splitlines(), cell.metadata.get("tags", [])
        apart = {"parameters", "solution"} & {*tags} or is_imports(cell)
        assert len(lines) <= (18 if apart else 10), cell.source
    assert max(len(cell.source.split()) for cell in cells(path, "markdown")) <= 200


@each_lesson
def test_a_lesson_shows_its_idea_and_no_plumbing(path):
    for cell in cells(path, "code"):
        assert not PLUMBING.findall(cell.source), cell.source


@each_lesson
def test_a_lesson_has_a_picture_every_few_cells(path):
    code = [cell.source for cell in cells(path, "code")[1:-3] if not is_imports(cell)]
    pictures = ["new_figure(" in source for source in code]
    assert [False] * 7 not in [pictures[start : start + 7] for start in range(len(pictures))] and sum(pictures) >= 3


@each_lesson
def test_a_lecture_leaves_out_parameters_imports_solutions_and_references(path):
    for cell in cells(path):
        kind, tags = cell.metadata["slideshow"]["slide_type"], cell.metadata.get("tags", [])
        skipped = {"parameters", "solution"} & {*tags} or is_imports(cell)
        shown = "slide" if cell.cell_type == "markdown" else "subslide"
        assert kind == ("skip" if skipped or cell == cells(path)[-1] else shown)


@each_lesson
def test_a_lesson_ends_with_three_exercises_whose_solutions_are_folded(path):
    *before, ask_1, solve_1, ask_2, solve_2, ask_3, solve_3, _, _ = cells(path)
    assert "## Exercises" in ask_1.source
    for n, ask, solve in ((1, ask_1, solve_1), (2, ask_2, solve_2), (3, ask_3, solve_3)):
        assert f"**{n}.** " in ask.source and solve.cell_type == "code" and solve.metadata == FOLDED
    assert not any(cell.metadata.get("jupyter") for cell in before)


@each_lesson
def test_a_lesson_links_to_its_neighbours_in_its_last_line(path):
    place, links = LESSONS.index(path), [("Glossary", "../../docs/glossary.md")]
    if place:
        links.insert(0, (f"← {title(LESSONS[place - 1])}", LESSONS[place - 1].name))
    if path != LESSONS[-1]:
        links.append((f"{title(LESSONS[place + 1])} →", LESSONS[place + 1].name))
    assert cells(path)[-1].source.splitlines()[-1] == " · ".join(f"[{text}]({target})" for text, target in links)


@each_lesson
def test_the_links_of_a_lesson_lead_somewhere(path):
    for cell in cells(path, "markdown"):
        for target in re.findall(r"\]\(([^)#:]+)\)", cell.source):
            assert (FOLDER / target).is_file(), target
        for name in re.findall(r"`((?:\w+/)*\w+\.ipynb)`", cell.source):
            assert (FOLDER.parent / name).is_file(), name


@each_lesson
def test_new_words_are_in_the_glossary_which_names_the_lesson(path):
    words = new_words(path)
    assert set(words) <= glossary().keys()
    assert {term for term, says in glossary().items() if f"Lesson {number(path)}." in says} <= set(words)


def test_a_word_is_new_once():
    words = [word for path in LESSONS for word in new_words(path)]
    assert len(words) == len(set(words))


@each_lesson
def test_the_header_of_its_parameters_tells_that_it_takes_less_than_a_minute(path):
    header = Path(run.ROOT, "experiments", "learn", f"{path.stem}.yaml").read_text().partition("\nprofiles:")[0]
    assert re.search(r"--profile laptop: (under a minute|[1-5]?\d seconds) on 2 ", header)
