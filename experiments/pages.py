"""Notebooks as pages of the documentation: with the outputs of a run, or with the results that are stored in git.

A run counts if it finished and ran the notebook's present code. A run with smoke parameters decides nothing, so its page shows
the stored results too, as does the page of a notebook that was not run here at all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import badges
import board_page
import nbformat
import site_board
from board_plot import PICTURE
from board_rows import narrow_table
from gallery import BEST_FIRST, FOLDER, known_figures
from nbformat import NotebookNode
from profiles import notebook_names
from record import read_record
from scoreboard import COLUMNS, PLACE, read_claims
from sources import is_install, of_cells

TO_EXPERIMENTS = re.compile(r"(!\[[^]]*\]\()")  # pictures, from a page in docs
TO_PAGES = re.compile(r"(\]\([A-Z_]+\.md)")
TO_DOCS = re.compile(r"(\]\((?:\.\./)+)docs/")  # a page is in docs already
WIDGET = "application/vnd.jupyter.widget-view+json"  # dead without a kernel, and its scripts are on other servers
LESSONS = "learn"
FIRST_SYSTEM = "hardware_aware_nas"
INJECTED = "injected-parameters"  # Papermill's tag for the cell that it adds
RUN = "The outputs below are those of a run with the `{profile}` parameters."
SMOKE = " They make it quick, to show that it works: its figures and numbers decide nothing."
ONLINE = (  # the site is built where its repository is known: on GitHub
    " Change it without installing anything: [Binder]({Binder}), or [Colab]({Colab}); where the first cell does not do it,"
    " run `%pip install '{requirement}'` there."
)
NOT_RUN = "It was not run where this page was made, so that the cells have no outputs; `make figures NOTEBOOK={name}` runs it."


def write_pages(root: Path, target: Path) -> None:
    """Write all notebooks of the repository, the pages of the scoreboard, and three parts of pages to a folder."""
    claims = read_claims(root / "experiments" / "claims.json", (*PLACE, *COLUMNS))
    figures = known_figures(root)
    names = notebook_names(root)
    titles = dict[str, str]()
    for name in names:
        ours = [claim for claim in claims if claim["notebook"] == name]
        page = notebook_page(root, name, ours, figures.get(name, []))
        titles[name] = page.cells[0].source.partition("\n")[0].lstrip("# ")
        (target / f"{name}.ipynb").parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(page, target / f"{name}.ipynb")
    board = {file.lower(): text for file, text in board_page.pages(claims, {}).items()}  # figures are beside the papers
    board |= site_board.pages(claims, figures, titles)
    board["scoreboard.md"] = "\n\n".join(board_page.first_screen(board_page.papers_claims(claims), PICTURE))
    for file, text in board.items():
        (target / file).parent.mkdir(exist_ok=True)
        in_docs = text if "/" in file else board_for_docs(text, target.name)
        (target / file).write_text(site_board.coloured(in_docs))
    (target / "gallery.md").write_text(site_board.gallery(figures, titles))
    (target / "contents.md").write_text(contents(names, target.name))


def board_for_docs(text: str, folder: str) -> str:
    """A page of the scoreboard, with links from ``experiments/`` changed to links from ``docs/``."""
    text = TO_EXPERIMENTS.sub(r"\1../experiments/", text).replace("](../notebooks/", f"]({folder}/")
    return TO_PAGES.sub(lambda link: link[1].lower(), text)


def contents(names: Iterable[str], folder: str) -> str:
    """The table of contents of all systems' notebooks, the first system first."""
    systems = {name.partition("/")[0] for name in names if "/" in name} - {LESSONS}
    in_order = sorted(systems, key=lambda system: (system != FIRST_SYSTEM, system))
    entries = "\n".join(f"{folder}/{system}/*" for system in in_order)
    return f"```{{toctree}}\n:caption: Papers\n:glob:\n:hidden:\n:maxdepth: 1\n\n{entries}\n```\n"


def notebook_page(root: Path, name: str, claims: list[dict[str, Any]], figures: list[str]) -> NotebookNode:
    """One notebook's page: its title, then where its outputs come from, then its cells.

    Args:
        root: The repository.
        name: Name of the notebook.
        claims: Claims of the scoreboard that it made.
        figures: Figures in git that it made, as paths relative to ``experiments/``.
    """
    page = nbformat.read(root / "notebooks" / f"{name}.ipynb", as_version=4)
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = TO_DOCS.sub(r"\1", cell.source)
    profile = add_outputs(page, root / "runs" / name)
    notes = [RUN.format(profile=profile) + SMOKE * (profile == "smoke") if profile else NOT_RUN.format(name=name)]
    if profile in (None, "smoke"):
        notes += stored_results(name, claims, figures)
    if profile:
        notes[0] += cost(root / "runs" / name / profile)
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        notes[0] += ONLINE.format(**badges.links(repository, name), requirement=badges.requirement(repository))
    title, _, rest = badges.without_badges(page.cells[0].source).partition("\n")
    page.cells[0].source = f"{title}\n\n*{notes[0]}*\n{rest}"
    page.cells[1:1] = [nbformat.v4.new_markdown_cell(note) for note in notes[1:]]
    return page


def cost(run: Path) -> str:
    """How long a run took and how much memory it held, as far as its record says."""
    record = read_record(run)
    told = [f"{record['seconds']:.0f} s"] if record.get("seconds") else []
    told += [f"{record['memory_mb']:.0f} MB of memory"] if record.get("memory_mb") else []
    return f" It took {' and '.join(told)}." if told else ""


def add_outputs(notebook: NotebookNode, runs: Path) -> str | None:
    """Give a notebook the outputs of its best run, except widgets, and the cell that set its parameters.

    Returns:
        The run's profile; None if there is no run.
    """
    cells = _code_cells(notebook)
    for profile in (*BEST_FIRST, "smoke"):
        path = runs / profile / "notebook.ipynb"
        ran = _code_cells(nbformat.read(path, as_version=4)) if path.exists() else []
        injected = [cell for cell in ran if INJECTED in cell.metadata.get("tags", [])]
        ran = [cell for cell in ran if cell not in injected]
        if all(map(_came_to_its_end, ran)) and _code(ran) == _code(cells):
            for cell, done in zip(cells, ran, strict=True):
                cell.outputs = [output for output in done.outputs if WIDGET not in output.get("data", {})]
                cell.execution_count = done.execution_count
            place = 1 + notebook.cells.index(cells[0])
            notebook.cells[place:place] = injected
            return profile
    return None


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code" and not is_install(cell)]


def _code(cells: Iterable[NotebookNode]) -> list[tuple[str, str]]:
    return [of_cells(cell.source) for cell in cells]


def _came_to_its_end(cell: NotebookNode) -> bool:
    failed = any(output.output_type == "error" for output in cell.outputs)
    return not failed and (cell.execution_count is not None or not cell.source.strip())


def _made(claim: dict[str, Any]) -> str:
    """How a claim was made: profile, machine, seconds and date of the run, as far as they are known."""
    known = [f"{claim['profile']} profile", claim.get("machine", "some machine")]
    known += [f"{claim['seconds']:.0f} s"] if claim.get("seconds") else []
    return ", ".join([*known, *filter(None, [claim.get("date")])])


def stored_results(name: str, claims: list[dict[str, Any]], figures: list[str]) -> list[str]:
    """Markdown with the claims and figures in git, as one text; none if there are neither."""
    if not claims and not figures:
        return []
    up = "../" * (name.count("/") + 2)  # from docs/_notebooks/<name> to the repository
    made = sorted({_made(claim) for claim in claims})
    shown = [f"![{Path(path).stem}]({up}{FOLDER.parent.as_posix()}/{path})" for path in figures]
    table = [narrow_table(claims)] if claims else []
    return ["\n\n".join([f"**Stored results** ({'; '.join(made) or 'laptop profile'})", *table, *shown])]
