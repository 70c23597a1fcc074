"""Tables that notebooks show for objects: compact, and with all outside text escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

N_COLUMNS = 16  # that are shown; dots replace those left out in the middle


def table(title: str, frame: pd.DataFrame, note: str = "", n_rows: int | None = None) -> str:
    """A frame below its title, with a limited number of rows, and a note below; missing values stay empty."""
    cells = frame.astype(object).where(frame.notna(), "")
    shown = cells.to_html(max_rows=n_rows, max_cols=N_COLUMNS, index=False, border=0, float_format="{:.4g}".format)
    return f"<div><strong>{escape(title)}</strong>\n{shown}\n{escape(note)}</div>"


def facts(title: str, values: Mapping[str, Any]) -> str:
    """Names and values, one below another."""
    rows = "".join(
        f"<tr><th style='text-align: left'>{escape(name)}</th><td style='text-align: left'>{escape(str(value))}</td></tr>"
        for name, value in values.items()
    )
    return f"<div><strong>{escape(title)}</strong>\n<table>{rows}</table></div>"
