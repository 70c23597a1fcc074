"""Colab and Binder badges on every notebook: ``python experiments/badges.py [OWNER/NAME]``, once there is an address.

They stand under the title, in the first cell of text. Binder installs from ``environment.yml``. For Colab, a cell below the
title installs the package where there is none; it has a tag of its own, and is not a part of the notebook's code, so that
stored runs stay as they are. A second run replaces both.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
from profiles import notebook_names
from sources import INSTALL, is_install

from nastoolkit.support.files import atomically

ROOT = Path(__file__).parents[1]
BADGES = re.compile(r"\n\n\[!\[Binder\]\([^\n]*")
COLAB, BINDER = "https://colab.research.google.com/github/", "https://mybinder.org/v2/gh/"
CODE = """import importlib.util
import subprocess
import sys

if not importlib.util.find_spec("nastoolkit"):  # in Colab, for example
    package = "{package}"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", package], check=True)"""
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


def links(repository: str, name: str) -> dict[str, str]:
    """Addresses at which a notebook can be changed and run without installing anything."""
    path = f"notebooks/{name}.ipynb"
    return {"Binder": f"{BINDER}{repository}/HEAD?labpath={path}", "Colab": f"{COLAB}{repository}/blob/HEAD/{path}"}


def requirement(repository: str) -> str:
    """What pip installs for notebooks."""
    return f"nastoolkit[notebooks] @ git+https://github.com/{repository}"


def install_cell(package: str) -> nbformat.NotebookNode:
    """A cell that installs a package, in pip's words, and does nothing where ``nastoolkit`` can be imported."""
    metadata = {"tags": [INSTALL, "hide-cell"], "slideshow": {"slide_type": "skip"}}
    return nbformat.v4.new_code_cell(CODE.format(package=package), metadata=metadata, id="install")


def without_badges(text: str) -> str:
    """A notebook's first cell as it was before."""
    return BADGES.sub("", text, count=1)


def with_badges(text: str, repository: str, name: str) -> str:
    """A notebook's first cell with badges under its title."""
    title, _, rest = without_badges(text).partition("\n")
    to = links(repository, name)
    badges = f"[![Binder](https://mybinder.org/badge_logo.svg)]({to['Binder']}) "
    badges += f"[![Colab](https://colab.research.google.com/assets/colab-badge.svg)]({to['Colab']})"
    return f"{title}\n\n{badges}\n{rest}".rstrip("\n")


def write_badges(root: Path, repository: str) -> int:
    """Put badges on all notebooks; how many there are.

    Raises:
        ValueError: The repository is not an owner and a name.
    """
    if not REPOSITORY.fullmatch(repository):
        raise ValueError(f"a repository must be OWNER/NAME, got {repository!r}")
    names = notebook_names(root)
    for name in names:
        path = root / "notebooks" / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        title, *others = (cell for cell in notebook.cells if not is_install(cell))
        title.source = with_badges(title.source, repository, name)
        notebook.cells = [title, install_cell(requirement(repository)), *others]
        with atomically(path) as new:
            nbformat.write(notebook, new)
    return len(names)


def address_here(root: Path) -> str:
    """Owner and name of the repository, as GitHub's workflows tell them, or as the address that it was cloned from does.

    Raises:
        ValueError: Neither is on GitHub.
    """
    if told := os.environ.get("GITHUB_REPOSITORY"):
        return told
    asked = subprocess.run(["git", "-C", str(root), "remote", "get-url", "origin"], capture_output=True, text=True)
    if found := re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(\.git)?/?$", asked.stdout.strip()):
        return found[1]
    raise ValueError("this clone does not come from GitHub; name the repository: python experiments/badges.py OWNER/NAME")


if __name__ == "__main__":
    try:
        print(f"badges on {write_badges(ROOT, sys.argv[1] if sys.argv[1:] else address_here(ROOT))} notebooks")
    except ValueError as error:
        sys.exit(str(error))
