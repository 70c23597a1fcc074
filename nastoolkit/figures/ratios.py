"""Ratios of counts, some of which are only known to lie beyond a budget."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from nastoolkit.figures.colours import colours_of
from nastoolkit.figures.saving import MARKERS, show_numbers
from nastoolkit.statistics import Censored

EDGE = 1.3  # margin of the axis: a factor on the smallest and the largest known number


def plot_ratio_lines(axes: Axes, ratios: Mapping[tuple[str, int], Censored], across: str, up: str, by: str) -> pd.DataFrame:
    """Medians of ratios over a number, with 95 % intervals, on logarithmic axes; a line through 1 means no difference.

    A median that depends on unknown ratios is left out, and an end of an interval that depends on them lies beyond all known
    numbers.

    Args:
        axes: Axes to draw on.
        ratios: Ratios of the seeds, by the name of a line and the number.
        across: Name of the number.
        up: Name of the ratio.
        by: Name of what distinguishes the lines.

    Returns:
        Columns of these three names, and ``low`` and ``high``.
    """
    rows = [(*key, _median(ratio), *ratio.interval()) for key, ratio in ratios.items()]
    points = pd.DataFrame(rows, columns=[by, across, up, "low", "high"])
    ends = points[[up, "low", "high"]].to_numpy()
    known = ends[np.isfinite(ends) & (ends > 0)]
    bottom, top = min(1, *known) / EDGE, max(1, *known) * EDGE
    lines = points.groupby(by, sort=False)
    for colour, marker, (name, line) in zip(colours_of(name for name, _ in lines), cycle(MARKERS), lines, strict=False):
        axes.plot(line[across], line[up], color=colour, marker=marker, markersize=4, label=str(name))
        axes.fill_between(
            line[across], *line[["low", "high"]].clip(bottom, top).T.to_numpy(), color=colour, alpha=0.15, linewidth=0
        )
    axes.axhline(1, color="0.4", linewidth=1)
    axes.set(xscale="log", yscale="log", xlabel=across, ylabel=up.replace("_", " "))
    show_numbers(axes)
    return points


def _median(ratio: Censored) -> float:
    low, high = ratio.median
    return low if low == high else np.nan
