"""Parts that all commands share: how they end and what they print.

Unknown names list the known ones, and errors that users can fix are one sentence.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nastoolkit.support.display_names import QUANTITIES, quantity_label
from nastoolkit.support.names import unknown

if TYPE_CHECKING:  # a help text needs no pandas
    import pandas as pd

    from nastoolkit.history import History

Seed = Annotated[int, typer.Option(min=0, help="Random seed.")]
INTERRUPTED = 130  # exit code after Ctrl-C, by the shells' convention


def known(kind: str, name: str, registry: Mapping[str, Any]) -> Any:
    """The entry of a registry that an option names."""
    if name not in registry:
        raise typer.BadParameter(unknown(kind, name, registry))
    return registry[name]


def run(app: typer.Typer) -> None:
    """Run a command; errors that users can fix end it without a traceback, and Ctrl-C with advice on how to continue."""
    try:
        app()
    except Exception as error:
        from nastoolkit.studies.failures import EvaluationError  # not needed for a help text

        if not isinstance(error, ValueError | OSError | EvaluationError):
            raise
        typer.echo(f"error: {_sentence(error)}", err=True)
        sys.exit(1)
    except SystemExit as ended:
        if (interrupt := _interrupt_behind(ended)) is None:
            raise
        typer.echo(str(interrupt) or "interrupted; run the same command again to start anew", err=True)
        sys.exit(INTERRUPTED)


def _sentence(error: Exception) -> str:
    """An error in words: the operating system's own without its number."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _interrupt_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """The Ctrl-C that typer turned into an exit."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


def front_rows(history: History) -> list[dict[str, Any]]:
    """The front of a search, a row for each sub-network: its values, and its genotype in the form that ``export`` takes."""
    front, names = history.front(), [objective.name for objective in history.objectives]
    return [
        {**dict(zip(names, values, strict=True)), "genotype": ",".join(map(str, genotype))}
        for genotype, values in zip(front.genotypes.tolist(), front.values.tolist(), strict=True)
    ]


def show(result: Mapping[str, Any], as_json: bool) -> None:
    """Print facts and lists: as JSON, as tables on a terminal, or as plain lines if the output goes elsewhere."""
    if as_json:
        typer.echo(json.dumps({key: None if value != value else value for key, value in result.items()}))  # JSON has no NaN
    elif sys.stdout.isatty():
        _show_tables(result)
    else:
        _show_lines(result)


def show_frame(frame: pd.DataFrame) -> None:
    """Print a table with named rows: drawn on a terminal, plain if the output goes elsewhere."""
    if sys.stdout.isatty():
        _draw(frame.rename_axis("").reset_index())
    else:
        typer.echo(frame.to_string())


def _show_tables(result: Mapping[str, Any]) -> None:
    import pandas as pd

    facts = [(key, value) for key, value in result.items() if not isinstance(value, list)]
    if facts:
        _draw(pd.DataFrame(facts, dtype=object), show_header=False)
    for key, value in result.items():
        if isinstance(value, list):
            rows = [row if isinstance(row, dict) else {key: row} for row in value]
            _draw(pd.DataFrame(rows, columns=None if rows else [key], dtype=object), title=key)


def _draw(frame: pd.DataFrame, **style: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title_justify="left", **style)
    for column in frame:
        is_number = all(isinstance(value, int | float) for value in frame[column])
        title = quantity_label(column) if column in QUANTITIES else str(column)
        table.add_column(title, justify="right" if is_number else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*map(_text, row))
    Console(markup=False, highlight=False).print(table)


def _show_lines(result: Mapping[str, Any]) -> None:
    for key, value in result.items():
        if not isinstance(value, list):
            typer.echo(f"{key}: {_text(value)}")
            continue
        typer.echo(f"{key}:")
        for row in value:
            typer.echo("  " + ("  ".join(f"{k}={_text(v)}" for k, v in row.items()) if isinstance(row, dict) else row))


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
