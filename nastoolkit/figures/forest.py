"""A forest plot: effects of many claims on one axis, each with its interval and coloured by its verdict."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from nastoolkit.figures.saving import COLOURS
from nastoolkit.verdicts import AGREES, EXACT, NO_EFFECT, STRONGER, WEAKER

EDGE = 1.4  # margin of the axis: a factor on the smallest and the largest number shown
REACH = 30  # factor from 1 beyond which nothing is shown
BLUE, RED, GREEN, _, ORANGE, _ = COLOURS
DECIDED = {EXACT: (GREEN, "D"), AGREES: (GREEN, "o"), STRONGER: (BLUE, "^"), WEAKER: (ORANGE, "v"), NO_EFFECT: (RED, "X")}
GREY, HOLLOW = "0.5", "sphd"  # all other words


def plot_forest(axes: Axes, frame: pd.DataFrame, across: str) -> pd.DataFrame:
    """Effects in rows from top to bottom, with their intervals on a logarithmic axis and a line at 1.

    An unknown effect has no marker. If an end of an interval is unknown, 0 or less, or far away, it is beyond the axis, and an
    arrow points to it.

    Args:
        axes: Axes to draw on.
        frame: Columns ``claim``, ``value``, ``low``, ``high``, ``verdict`` and ``text``, which is shown at the right of the
            row. Rows are grey unless their verdict is one of the deciding words of :mod:`nastoolkit.verdicts`.
        across: Label of the axis.

    Returns:
        The frame.
    """
    rows = frame.reset_index(drop=True).astype({"value": float, "low": float, "high": float})
    left, right = _limits(rows[["value", "low", "high"]].to_numpy())
    undecided = [word for word in dict.fromkeys(rows.verdict) if word not in DECIDED]
    looks = DECIDED | {word: (GREY, marker) for word, marker in zip(undecided, cycle(HOLLOW), strict=False)}
    axes.axvline(1, color="0.4", linewidth=1)
    for word, group in rows.groupby("verdict", sort=False):
        _draw_rows(axes, group, str(word), looks[word], (left, right))
    for place, text in enumerate(rows.text):
        axes.text(1.05, place, text, transform=axes.get_yaxis_transform(), va="center", fontsize="small")
    axes.set(yticks=range(len(rows)), yticklabels=rows.claim, ylim=(len(rows) - 0.5, -0.5))
    axes.set(xscale="log", xlim=(left, right), xlabel=across)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    return frame


def _limits(numbers: np.ndarray) -> tuple[float, float]:
    """Both ends of the axis."""
    known = numbers[np.isfinite(numbers) & (numbers > 0)].clip(1 / REACH, REACH)
    return min(1, *known) / EDGE, max(1, *known) * EDGE


def _draw_rows(axes: Axes, rows: pd.DataFrame, word: str, look: tuple[str, str], limits: tuple[float, float]) -> None:
    """Draw rows of one verdict at their places, which are their numbers."""
    (colour, marker), (left, right) = look, limits
    style: dict[str, Any] = {"color": colour, "linestyle": "none", "clip_on": False}
    low, high = rows.low.fillna(-np.inf).clip(left, right), rows.high.fillna(np.inf).clip(left, right)
    axes.hlines(rows.index, low, high, color=colour, linewidth=1.2)
    axes.plot(low[low == left], rows.index[low == left], marker="<", markersize=4, **style)
    axes.plot(high[high == right], rows.index[high == right], marker=">", markersize=4, **style)
    inside = rows.value.where(rows.value.between(left, right))
    face = colour if word in DECIDED else "white"
    axes.plot(inside, rows.index, marker=marker, markersize=5.5, markerfacecolor=face, label=word, **style)
