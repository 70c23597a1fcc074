"""``nastoolkit show``: the content of a store of searches."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from nastoolkit.cli import terminal
from nastoolkit.cli.options import AsJson
from nastoolkit.cli.stored import EXACT, evaluations
from nastoolkit.figures import new_figure, plot_fronts
from nastoolkit.history import History
from nastoolkit.studies.past import summary
from nastoolkit.support import tables
from nastoolkit.support.files import atomically

NAMED = ("measured", "settings")


def show(
    store: Annotated[Path, typer.Argument(help="SQLite file that `nastoolkit search --store FILE` wrote.")],
    cost: Annotated[str, typer.Option(help=f"Cost axis of the front: {', '.join(EXACT)}.")] = "mmacs",
    page: Annotated[Path | None, typer.Option("--html", help="Write the report as an HTML page to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a store of searches holds, and its Pareto front.

    Counts measurements, searches and failures.
    """
    terminal.known("cost", cost, EXACT)
    told = summary(store)
    past = evaluations(store, told, cost)
    lines = told | {part: ", ".join(f"{name} {value}".strip() for name, value in told[part].items()) for part in NAMED}
    front = [] if past is None else terminal.front_rows(past)
    if page is not None:
        with atomically(page) as file:
            file.write_text(_page(store.name, lines, past))
    terminal.show({**(told if as_json else lines), "front": front}, as_json)


def _page(title: str, lines: dict[str, Any], past: History | None) -> str:
    """The report as a self-contained HTML page."""
    facts = {name: value for name, value in lines.items() if not isinstance(value, list)}
    lists = {name: value for name, value in lines.items() if isinstance(value, list) and value}
    parts = [tables.facts("What it holds", facts), *(tables.table(name, pd.DataFrame(rows)) for name, rows in lists.items())]
    if past is not None and len(past):
        parts += [past._repr_html_(), f'<img alt="the front" src="data:image/png;base64,{_picture(past)}">']
    head = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><h1>{escape(title)}</h1>'
    return "\n".join([head, *parts])


def _picture(past: History) -> str:
    figure, (axis,) = new_figure()
    plot_fronts(axis, {"all evaluations": past})
    content = BytesIO()
    figure.savefig(content, format="png")
    return base64.b64encode(content.getvalue()).decode()
