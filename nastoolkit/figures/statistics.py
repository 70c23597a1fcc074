"""Measurements as numbers: repeated, compared, or in rows and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from nastoolkit.figures.colours import colours_of
from nastoolkit.figures.saving import COLOURS, MARKERS
from nastoolkit.predictors import kendall_tau, mape
from nastoolkit.statistics import Censored, median_interval
from nastoolkit.support.display_names import readable

MANY = 16  # points; a line with fewer has a marker on each


def plot_agreement(axes: Axes, frame: pd.DataFrame, across: str, up: str, title: str = "") -> pd.DataFrame:
    """Two measurements of the same sub-networks as a scatter, with the line where they agree."""
    ends = [frame[[across, up]].to_numpy().min(), frame[[across, up]].to_numpy().max()]
    axes.plot(ends, ends, color="0.6", linewidth=1, label="equal")
    axes.scatter(frame[across], frame[up], s=14, color=COLOURS[0])
    axes.set(xlabel=across, ylabel=up, title=title)
    return frame[[across, up]]


def plot_residuals(axes: Sequence[Axes], frame: pd.DataFrame, across: str, up: str) -> pd.DataFrame:
    """Predictions compared with measurements, on two axes: the agreement with its scores, then the residuals.

    Args:
        axes: Two, see :func:`nastoolkit.figures.new_figure`.
        frame: A row for each sub-network.
        across: Column of predictions.
        up: Column of measured values.

    Returns:
        Both columns and their difference, ``residual``.
    """
    points = frame[[across, up]].assign(residual=frame[up] - frame[across])
    tau, error = (
        kendall_tau(frame[up].to_numpy(), frame[across].to_numpy()),
        mape(frame[up].to_numpy(), frame[across].to_numpy()),
    )
    plot_agreement(axes[0], frame, across, up, f"Kendall tau {tau:.2f}, MAPE {error:.2g} %")
    middle, spread = points.residual.mean(), points.residual.std()
    axes[1].axhspan(middle - spread, middle + spread, color=COLOURS[0], alpha=0.15, linewidth=0)
    axes[1].axhline(0, color="0.6", linewidth=1)
    axes[1].scatter(points[across], points.residual, s=14, color=COLOURS[0])
    axes[1].set(xlabel=across, ylabel=f"{up} - {across}", title="band: mean ± standard deviation")
    return points


def plot_bands(axes: Axes, frame: pd.DataFrame, across: str, up: str, by: str) -> pd.DataFrame:
    """Mean and standard deviation of ``up`` over rows with the same ``across``: a line and its band for each ``by``."""
    points = frame.groupby([by, across], sort=False)[up].agg(["mean", "std", "size"]).fillna({"std": 0.0}).reset_index()
    lines = points.groupby(by, sort=False)
    for colour, marker, (label, line) in zip(colours_of(name for name, _ in lines), cycle(MARKERS), lines, strict=False):
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4, "markevery": 1 + len(line) // MANY}
        axes.plot(line[across], line["mean"], label=str(label), **style)
        low, high = line["mean"] - line["std"], line["mean"] + line["std"]
        axes.fill_between(line[across], low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel=across, ylabel=up)
    return points.assign(quantity=up)


def plot_lines(axes: Axes, frame: pd.DataFrame, across: str, up: str, by: str, **style: Any) -> pd.DataFrame:
    """A line for each group of rows, from left to right, with a marker at every point.

    Args:
        axes: Axes to draw on.
        frame: Points.
        across: Column of the horizontal axis.
        up: Column of the vertical axis.
        by: Column that names the groups.
        **style: Options of Matplotlib's lines, such as ``drawstyle="steps-post"`` for fronts.
    """
    lines = frame.groupby(by, sort=False)
    for colour, marker, (label, line) in zip(colours_of(name for name, _ in lines), cycle(MARKERS), lines, strict=False):
        points = line.sort_values(across, kind="stable")
        how = {"color": colour, "marker": marker, "markersize": 3, "linewidth": 1, **style}
        axes.plot(points[across], points[up], label=str(label), **how)
    axes.set(xlabel=across, ylabel=up)
    return frame


def plot_changes(axes: Axes, frame: pd.DataFrame) -> pd.DataFrame:
    """A row for each of the frame's, from top to bottom, with a marker for each column: how far a quantity moved."""
    rows = np.arange(len(frame))
    axes.hlines(rows, frame.min(axis=1), frame.max(axis=1), color="0.8", zorder=0)
    for marker, colour, (label, values) in zip(MARKERS, COLOURS, frame.items(), strict=False):
        axes.plot(values, rows, marker, color=colour, markersize=4, label=str(label))
    axes.set_yticks(rows, frame.index, fontsize=7)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    return frame


def plot_learning_curve(axes: Sequence[Axes], curve: pd.DataFrame) -> pd.DataFrame:
    """Errors and rank correlations of predictors over the size of their training set, mean and standard deviation.

    Args:
        axes: Two axes, see :func:`nastoolkit.figures.new_figure`.
        curve: Frame with the columns of :func:`nastoolkit.predictors.learning_curve`.
    """
    quantities, ticks = {"mape_percent": "MAPE in %", "kendall_tau": "Kendall tau"}, sorted(curve.n_train.unique())
    points = [plot_bands(axis, curve, "n_train", name, "predictor") for axis, name in zip(axes, quantities, strict=True)]
    for axis, label in zip(axes, quantities.values(), strict=True):
        axis.set(xscale="log", xlabel="training sub-networks", xticks=ticks, xticklabels=ticks, ylabel=label)
        axis.minorticks_off()
    axes[0].set(ylim=(0, None))
    axes[1].set(ylim=(min(0.5, points[1]["mean"].min()), 1))
    return pd.concat(points)


def plot_intervals(axes: Axes, frame: pd.DataFrame, across: str, rows: str, by: str) -> pd.DataFrame:
    """Mean and standard deviation of ``across`` for each of ``rows``, from top to bottom, and each ``by``, side by side."""
    points = frame.groupby([by, rows], sort=False)[across].agg(["mean", "std", "size"]).fillna({"std": 0.0}).reset_index()
    ends = points.assign(center=points["mean"], low=points["mean"] - points["std"], high=points["mean"] + points["std"])
    _draw_intervals(axes, ends, rows, by)
    axes.set(xlabel=across)
    return points.assign(quantity=across)


def plot_medians(axes: Axes, frame: pd.DataFrame, across: str, rows: str, by: str) -> pd.DataFrame:
    """The same with medians and their 95 % bootstrap intervals; infinite values are not drawn."""
    found = []
    for key, group in frame.groupby([by, rows], sort=False)[across]:
        center, ends = median_interval(group.to_numpy())
        found.append((*key, center, *ends, len(group)))
    points = pd.DataFrame(found, columns=[by, rows, "center", "low", "high", "size"])
    _draw_intervals(axes, points.astype({"center": float, "low": float, "high": float}), rows, by)
    axes.set(xlabel=across)
    return points.assign(quantity=across)


def plot_ratios(axes: Axes, ratios: Mapping[tuple[str, str], Censored], across: str) -> pd.DataFrame:
    """Medians of ratios that may be censored, with 95 % intervals, on a logarithmic axis; open ends run off the axes.

    Args:
        axes: Axes to draw on.
        ratios: Ratios of the seeds, by the names of a group, which has a colour, and of a row.
        across: Label of the axis.

    Returns:
        Columns ``group``, ``row``, ``center``, ``low``, ``high``, ``seeds`` and ``text``. A median that depends on what
        censored searches would have needed has no center and no marker.
    """
    rows = [(*key, *_middle(ratio), len(ratio.low), str(ratio)) for key, ratio in ratios.items()]
    points = pd.DataFrame(rows, columns=["group", "row", "center", "low", "high", "seeds", "text"])
    ends = points[["center", "low", "high"]].to_numpy()
    drawn = ends[np.isfinite(ends) & (ends > 0)]
    least, most = 0.7 * min(1, *drawn), 1.4 * max(1, *drawn)
    is_known = np.isfinite(points.low) | np.isfinite(points.high)
    shown = points.assign(low=points.low.clip(least / 10).where(is_known), high=points.high.clip(upper=10 * most))
    _draw_intervals(axes, shown, "row", "group")
    axes.set(xscale="log", xlim=(least, most))
    axes.set_xlabel(across, loc="right")  # a long one reaches below the rows' names, not out of the figure
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    return points


def _middle(ratio: Censored) -> tuple[float, float, float]:
    """The median, which may be unknown, and its interval."""
    least, most = ratio.median
    return least if least == most else np.nan, *ratio.interval()


def _draw_intervals(axes: Axes, points: pd.DataFrame, rows: str, by: str) -> None:
    """Draw columns ``center``, ``low`` and ``high`` of points."""
    labels, groups = list(dict.fromkeys(points[rows])), list(dict.fromkeys(points[by]))
    for place, (colour, marker, label) in enumerate(zip(colours_of(groups), cycle(MARKERS), groups, strict=False)):
        line = points[points[by] == label]
        at = line[rows].map(labels.index) + 0.7 * ((place + 0.5) / len(groups) - 0.5)
        style: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 4}
        axes.hlines(at, line.low, line.high, color=colour, linewidth=1)
        axes.errorbar(line.center, at, label=str(label), **style)
    names = [readable(str(label)) for label in labels]
    axes.set(yticks=range(len(labels)), yticklabels=names, ylim=(len(labels) - 0.5, -0.5))


def plot_matrix(axes: Axes, values: pd.DataFrame, texts: pd.DataFrame, title: str) -> pd.DataFrame:
    """A matrix as colours, greater values darker, with the text of the same row and column in each cell; NaN is white."""
    numbers = values.to_numpy(float)
    image = axes.imshow(numbers, cmap="Blues", aspect="auto")
    dark = np.ma.filled(np.asarray(image.norm(numbers)), 0) > 0.6
    for place in np.ndindex(*numbers.shape):
        row, column = values.index[place[0]], values.columns[place[1]]
        colour = "white" if dark[place] else "black"
        axes.text(place[1], place[0], str(texts.loc[row, column]), ha="center", va="center", fontsize=7, color=colour)
    for set_ticks, names in ((axes.set_xticks, values.columns), (axes.set_yticks, values.index)):
        set_ticks(range(len(names)), [readable(str(name)).replace(", ", "\n") for name in names], fontsize=6.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title(title, fontsize="medium")
    return values
