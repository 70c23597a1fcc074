"""What a notebook is made of: its code, and the package's modules that it imports, without comments and docstrings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat

from nastoolkit import _HOME_OF

PACKAGE = "nastoolkit"


def substance(name: str, root: Path) -> Iterator[str]:
    """The code of a notebook's cells, then that of every module of the package that it imports, directly or indirectly."""
    cells = nbformat.read(root / "notebooks" / f"{name}.ipynb", as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    yield from code
    found, waiting = set[Path](), [file for source in code for file in _imported(source, root)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported(file.read_text(), root)
    yield from (without_docstrings(file.read_text()) for file in sorted(found))


@cache
def without_docstrings(source: str) -> str:
    """Python code as its syntax tree, so that comments, spaces and docstrings do not count."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


@cache
def _imported(source: str, root: Path) -> list[Path]:
    """Files of the package that some code imports, with the packages around them; IPython's own lines are left out."""
    plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    names = [name for node in ast.walk(ast.parse(plain)) for name in _names(node) if name.split(".")[0] == PACKAGE]
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
