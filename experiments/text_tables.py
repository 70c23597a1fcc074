"""Values as texts, and tables of texts: for a terminal, and for pages in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def text_of(value: Any) -> str:
    """A value as a table shows it: four digits, a question mark for an unknown number in a list, nothing for None."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return f"[{', '.join(text_of(element) or '?' for element in value)}]"
    return "" if value is None else str(value)


def text_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under a header, columns aligned by spaces."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under a header, as Markdown."""
    escaped = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *escaped])


def plain(text: str) -> str:
    """A text on one line, in which Markdown takes nothing for HTML."""
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").split())
