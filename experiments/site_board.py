"""The scoreboard as pages of the site: an index, a page for each paper, and a gallery; verdicts have colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from board_history import Claim
from board_page import OTHER_PAGES, OTHER_RUNS, WORDS, card, first_screen, papers, papers_claims
from board_papers import PAPERS
from board_plot import PICTURE
from board_rows import Figures, history_table, wide_table
from board_words import ALSO_SEEN, NOT_SEEN, OUTDATED, STANDINGS, counted
from text_tables import markdown_table, plain

from nastoolkit.verdicts import AGREES, EXACT, INCONCLUSIVE, NO_EFFECT, NOT_TESTED, STRONGER

FOLDER = "papers"  # of the papers' pages, in the folder of generated pages
KINDS = dict.fromkeys((EXACT, AGREES, STRONGER, ALSO_SEEN, "reproduced"), "holds")
KINDS |= dict.fromkeys((NO_EFFECT, NOT_SEEN, "not reproduced"), "fails")
KINDS |= dict.fromkeys((INCONCLUSIVE, NOT_TESTED, OUTDATED), "open")
EMPHASISED = re.compile(rf"(?<!\*)\*({'|'.join(map(re.escape, sorted(STANDINGS, key=len, reverse=True)))})\*(?!\*)")
FIRST_IN_CELL = re.compile(rf"^({'|'.join(map(re.escape, sorted(STANDINGS, key=len, reverse=True)))})\b")
CELLS = re.compile(r"(?<!\\)\|")
VERDICT = -3  # the cell before the link to the run, and the empty end of a line

Titles = Mapping[str, str]


def pages(claims: Sequence[Claim], figures: Figures, titles: Titles) -> dict[str, str]:
    """The pages, by the names of their files in the folder of generated pages.

    Args:
        claims: All claims of the scoreboard.
        figures: Paths of each notebook's figures, relative to ``experiments/``.
        titles: Each notebook's title.
    """
    theirs = papers_claims(claims)
    made = {"claims.md": index_page(theirs), "figures.md": figures_page(figures, titles)}
    for paper in papers(theirs):
        made[f"{FOLDER}/{paper}.md"] = paper_page(paper, theirs, figures, titles)
    return {file: coloured("\n\n".join(parts) + "\n") for file, parts in made.items()}


def index_page(claims: Sequence[Claim]) -> list[str]:
    """How all claims stand, and a line for each paper that leads to its page; part of a page in ``docs/``."""
    rows = [[f"[{_title(paper)}](_notebooks/{FOLDER}/{paper}.md)", counted(_of(paper, claims))] for paper in papers(claims)]
    toctree = f"```{{toctree}}\n:glob:\n:hidden:\n\n_notebooks/{FOLDER}/*\n```"
    shown = [*first_screen(claims, PICTURE), OTHER_PAGES, markdown_table(["paper", "its claims, as we find them"], rows)]
    return ["# Claims", *shown, WORDS, toctree]


def paper_page(paper: str, claims: Iterable[Claim], figures: Figures, titles: Titles) -> list[str]:
    """What a paper claims, what we find, and for each notebook its figures and claims; a page two folders below ``docs/``."""
    ours = _of(paper, claims)
    parts = [card(paper, ours).replace("### ", "# ", 1)]
    for name in dict.fromkeys(claim["notebook"] for claim in ours):
        table = wide_table([claim for claim in ours if claim["notebook"] == name], {}).replace(f"| {paper}, ", "| ")
        heading = f"## [{titles.get(name, name)}](../{name}.ipynb)"
        parts += [heading, *thumbnails([name], figures, titles, "../../../experiments/", ".."), _from_page(table)]
    again = [claim for claim in ours if claim.get("history")]
    return [*parts, *([OTHER_RUNS, _from_page(history_table(again))] if again else [])]


def figures_page(figures: Figures, titles: Titles) -> list[str]:
    """All figures that are kept, small, by notebook; part of a page in ``docs/``."""
    parts = ["# Figures", "Those of each notebook's best run. A picture leads to its notebook."]
    for name in figures:
        heading = f"## {titles.get(name, name)}"
        parts += [heading, *thumbnails([name], figures, titles, "../experiments/", "_notebooks")]
    return parts


def gallery(figures: Figures, titles: Titles) -> str:
    """One figure of each system, small; part of a page in ``docs/``."""
    first = {Path(name).parent.as_posix(): name for name in reversed(list(figures)) if "/" in name}
    return "\n\n".join(thumbnails(sorted(first.values()), figures, titles, "../experiments/", "_notebooks", most=1))


def thumbnails(
    names: Iterable[str], figures: Figures, titles: Titles, to_figures: str, to_pages: str, most: int | None = None
) -> list[str]:
    """Notebooks' figures as small pictures that lead to their pages; none if there are no figures."""
    shown = [
        f"[![{plain(titles.get(name, name))}: {Path(path).stem}]({to_figures}{path})]({to_pages}/{name}.ipynb)"
        for name in names
        for path in list(figures.get(name, ()))[:most]
    ]
    return ['<div class="thumbnails">', "\n".join(shown), "</div>"] if shown else []


def coloured(text: str) -> str:
    """Markdown whose verdicts, emphasised or first in their cell of a table, have a class for their colour."""
    lines = EMPHASISED.sub(lambda found: _chip(found[1]), text).split("\n")
    return "\n".join(_row(line) if line.startswith("| ") else line for line in lines)


def _row(line: str) -> str:
    cells = CELLS.split(line)
    if len(cells) > -VERDICT:
        cells[VERDICT] = FIRST_IN_CELL.sub(lambda found: _chip(found[1]), cells[VERDICT].strip()).join("  ")
    return "|".join(cells)


def _chip(word: str) -> str:
    return f'<span class="verdict {KINDS.get(word, "partly")}">{word}</span>'


def _from_page(table: str) -> str:
    """A table whose links start from a paper's page."""
    return table.replace("](../notebooks/", "](../")


def _of(paper: str, claims: Iterable[Claim]) -> list[Claim]:
    return [claim for claim in claims if claim["paper"] == paper]


def _title(paper: str) -> str:
    return PAPERS[paper].title if paper in PAPERS else plain(paper)
