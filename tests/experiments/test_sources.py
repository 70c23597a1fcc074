import ast
from importlib import import_module
from importlib.util import find_spec

import nbformat
import pytest
import run
from nbformat import v4, write
from profiles import notebook_names
from sources import substance, without_docstrings

CODE = '''"""A module."""\n\n\ndef double(x):\n    """Twice a number."""\n    return 2 * x  # as it says\n'''


@pytest.fixture
def project(tmp_path):
    """A notebook, the two modules that it imports one through the other, and one that it does not."""
    modules = {"__init__": "", "a": "from nastoolkit.b import double\n", "b": CODE, "c": "x = 1\n"}
    for name, code in modules.items():
        (tmp_path / "nastoolkit").mkdir(exist_ok=True)
        (tmp_path / "nastoolkit" / f"{name}.py").write_text(code)
    (tmp_path / "notebooks").mkdir()
    cells = [v4.new_markdown_cell("# Title"), v4.new_code_cell("%matplotlib inline\nfrom nastoolkit import a\nimport numpy")]
    write(v4.new_notebook(cells=cells), tmp_path / "notebooks" / "one.ipynb")
    return tmp_path


@pytest.mark.parametrize(
    ("module", "old", "new", "changes"),
    [
        ("b", "Twice a number.", "Two times a number.", False),
        ("b", "  # as it says", "", False),
        ("b", "2 * x", "x + x", True),
        ("a", "double", "double as twice", True),
        ("c", "x = 1", "x = 2", False),
    ],
)
def test_what_changes_in_substance_and_is_imported_counts(project, module, old, new, changes):
    before, file = list(substance("one", project)), project / "nastoolkit" / f"{module}.py"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    assert (list(substance("one", project)) != before) is changes


@pytest.mark.parametrize(
    ("cells", "changes"),
    [
        (["%matplotlib inline\nfrom nastoolkit import a\nimport numpy"], False),
        (["%matplotlib inline", "from nastoolkit import (\n    a,\n)", "import numpy  # arrays"], False),
        (["%matplotlib widget\nfrom nastoolkit import a\nimport numpy"], True),
        (["%matplotlib inline\nfrom nastoolkit import a\nimport numpy as np"], True),
        (["%matplotlib inline\nimport numpy", "from nastoolkit import a"], True),
    ],
)
def test_of_the_notebook_itself_the_code_counts(project, cells, changes):
    before = list(substance("one", project))
    cells = [v4.new_markdown_cell("# Another title"), *map(v4.new_code_cell, cells)]
    write(v4.new_notebook(cells=cells), project / "notebooks" / "one.ipynb")
    assert (list(substance("one", project)) != before) is changes


@pytest.mark.parametrize("name", notebook_names(run.ROOT))
def test_every_notebook_has_a_substance(name):
    assert len(list(substance(name, run.ROOT))) > 5


def test_code_alone_is_left():
    assert without_docstrings(CODE) == without_docstrings("def double(x):\n    return (2 * x)\n")


def imports_of(name):
    """What a notebook imports of the package: pairs of a module and a name in it."""
    cells = nbformat.read(run.ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    plain = [line for cell in cells if cell.cell_type == "code" for line in cell.source.splitlines() if line[:1] not in "%!"]
    for node in ast.walk(ast.parse("\n".join(plain))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nastoolkit"):
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("name", notebook_names(run.ROOT))
def test_all_that_a_notebook_imports_is_there(name):
    for module, part in imports_of(name):
        assert hasattr(import_module(module), part) or find_spec(f"{module}.{part}"), f"{module} has no {part}"


@pytest.mark.parametrize("name", notebook_names(run.ROOT))
def test_cells_are_short(name):
    """At most 15 lines; parameters have a line each, and imports a line more."""
    for cell in nbformat.read(run.ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "code" and not {"parameters", "solution"} & {*cell.metadata.get("tags", [])}:
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= 15 + lines[0].startswith(("from ", "import ")), cell.source
