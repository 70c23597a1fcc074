"""What a notebook is made of: its code, and the package's modules that it imports, without comments and docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat

from nastoolkit import _HOME_OF

PACKAGE = "nastoolkit"
COMMANDS = "%", "!"  # with which lines for IPython begin
INSTALL = "install"  # the tag of a cell that installs the package where there is none


def substance(name: str, root: Path) -> Iterator[str]:
    """A notebook's code as a whole, then that of every module of the package that it imports, directly or indirectly.

    How the code is divided into cells, and how its lines are broken, does not count.
    """
    cells = nbformat.read(root / "notebooks" / f"{name}.ipynb", as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code" and not is_install(cell))
    yield from of_cells(code)
    found, waiting = set[Path](), [*_imported(_without_commands(code), root)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(file.read_text(), root)
    yield from (without_docstrings(file.read_text()) for file in sorted(found))


def is_install(cell: nbformat.NotebookNode) -> bool:
    """Whether a cell only installs the package, see ``badges.py``."""
    return INSTALL in cell.metadata.get("tags", [])


@cache
def without_docstrings(source: str) -> str:
    """Python code as its syntax tree, so that comments, spaces and docstrings do not count."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


def of_cells(code: str) -> tuple[str, str]:
    """The syntax tree of a notebook's code, and IPython's own lines in it: commands after a percent or exclamation mark."""
    commands = [line for line in code.splitlines() if line.startswith(COMMANDS)]
    return without_docstrings(_without_commands(code)), "\n".join(commands)


def _without_commands(code: str) -> str:
    return "\n".join("" if line.startswith(COMMANDS) else line for line in code.splitlines())


@cache
def _imported(source: str, root: Path) -> list[Path]:
    """Files of the package that some code imports, with the packages around them."""
    names = [name for node in ast.walk(ast.parse(source)) for name in _names(node) if name.split(".")[0] == PACKAGE]
    return [file for name in names for file in _files(name, root)]


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom) or not node.module:
        return []
    homes = _HOME_OF if node.module == PACKAGE else {}
    return [".".join([node.module, *([homes[a.name]] if a.name in homes else []), a.name]) for a in node.names]


def _files(name: str, root: Path) -> Iterator[Path]:
    """The files that are run when a dotted name is imported: those of its packages, and its module's."""
    parts = name.split(".")
    for n in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:n])
        yield from (file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file())
