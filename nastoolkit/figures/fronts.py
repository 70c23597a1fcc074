"""What searches found: Pareto fronts, and the hypervolume that they dominate, over evaluations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from nastoolkit.figures.colours import colours_of
from nastoolkit.figures.saving import COLOURS
from nastoolkit.figures.stairs import drawn_objectives, stairs
from nastoolkit.figures.statistics import plot_bands
from nastoolkit.history import History


def plot_fronts(axes: Axes, histories: Mapping[str, History]) -> pd.DataFrame:
    """Measured sub-networks and Pareto fronts of searches: second objective across, first objective up."""
    frames = []
    for colour, (label, history) in zip(colours_of(histories), histories.items(), strict=True):
        frame = _points(history)
        axes.scatter(history.values[:, 1], history.values[:, 0], s=6, alpha=0.35, color=colour, linewidths=0)
        draw_front(axes, history, color=colour, marker="o", label=label)
        frames.append(frame.assign(search=label, on_front=history.on_front))
        _name_axes(axes, history)
        axes.legend(loc=_worst_corner(history))
    return pd.concat(frames, ignore_index=True)


def draw_points(axes: Axes, history: History, **style: Any) -> pd.DataFrame:
    """Measured sub-networks as dots: second objective across, first objective up.

    Args:
        axes: Axes to draw on.
        history: Measured sub-networks.
        **style: Options of Matplotlib's ``scatter``.
    """
    how = {"linewidths": 0, "rasterized": len(history) > 1000, **style}
    axes.scatter(history.values[:, 1], history.values[:, 0], **how)
    _name_axes(axes, history)
    return _points(history)


def draw_front(axes: Axes, history: History, **style: Any) -> pd.DataFrame:
    """The front of a history as a line of stairs: second objective across, first objective up.

    Between two points, it shows what a network reaches that is at least as good across. With more than two objectives, the
    line goes through the points that are best in the first two; the others have a marker, too.

    Args:
        axes: Axes to draw on.
        history: Measured sub-networks.
        **style: Options of Matplotlib's lines.

    Returns:
        The points of the front, ordered by the second objective.
    """
    front = _points(history.front()).sort_values(drawn_objectives(history)[0].name, ignore_index=True)
    points, where = stairs(history)
    (line,) = axes.step(points[:, 0], points[:, 1], where=where, **{"markersize": 3, **style})
    if len(points) < len(front):
        axes.plot(*front.to_numpy().T, color=line.get_color(), marker=line.get_marker(), markersize=3, linestyle="")
    return front


def _points(history: History) -> pd.DataFrame:
    """Second and first objective of every row."""
    across, up = drawn_objectives(history)
    return pd.DataFrame(history.values[:, [1, 0]], columns=[across.name, up.name])


def _name_axes(axes: Axes, history: History) -> None:
    across, up = drawn_objectives(history)
    axes.set(xlabel=across.label, ylabel=up.label)


def _worst_corner(history: History) -> Any:
    """A point that is worse than every front."""
    across, up = drawn_objectives(history)
    return f"{'lower' if up.direction == 'max' else 'upper'} {'right' if across.direction == 'min' else 'left'}"


def plot_repeated_front(axes: Axes, repeats: Sequence[History]) -> pd.DataFrame:
    """The front of repeatedly measured sub-networks by their means, with standard deviations as bars; others are pale.

    Args:
        axes: Axes to draw on.
        repeats: Two or more measurements of the same sub-networks, in the same order.

    Returns:
        A row for each sub-network: means, standard deviations, and whether it is on the front.

    Raises:
        ValueError: There are fewer than two measurements, or they are not of the same sub-networks.
    """
    means, deviations = _over_repeats(repeats)
    across, up = drawn_objectives(means)
    numbers = np.column_stack([means.values[:, :2], deviations[:, :2]])
    frame = pd.DataFrame(numbers, columns=[up.name, across.name, "up_std", "across_std"]).assign(on_front=means.on_front)
    front, others = frame[frame.on_front], frame[~frame.on_front]
    axes.scatter(others[across.name], others[up.name], s=6, alpha=0.35, color=COLOURS[0], linewidths=0)
    draw_front(axes, means, color=COLOURS[0], linewidth=1)
    style: dict[str, Any] = {"fmt": "o", "color": COLOURS[1], "markersize": 3, "capsize": 1.5, "elinewidth": 0.8}
    axes.errorbar(front[across.name], front[up.name], xerr=front.across_std, yerr=front.up_std, **style)
    axes.set(xlabel=across.label, ylabel=up.label)
    return frame.rename(columns={"up_std": f"{up.name}_std", "across_std": f"{across.name}_std"})


def _over_repeats(repeats: Sequence[History]) -> tuple[History, np.ndarray]:
    """A history of means, and the standard deviations ``(n, m)``."""
    if len(repeats) < 2 or any(not np.array_equal(other.genotypes, repeats[0].genotypes) for other in repeats):
        raise ValueError(f"bars need two or more measurements of the same sub-networks in the same order, got {len(repeats)}")
    values = np.stack([history.values for history in repeats])
    return replace(repeats[0], values=values.mean(axis=0)), values.std(axis=0, ddof=1)


def plot_hypervolume(axes: Axes, histories: Mapping[str, History], reference_point: ArrayLike) -> pd.DataFrame:
    """Hypervolume after each evaluation of searches, at a reference point in raw units."""
    frames = []
    for colour, (label, history) in zip(colours_of(histories), histories.items(), strict=True):
        frame = _hypervolume_frame(history, reference_point, search=label)
        axes.plot(frame.evaluations, frame.hypervolume, color=colour, label=label)
        frames.append(frame)
    axes.set(xlabel="evaluations", ylabel="hypervolume")
    axes.legend(loc="lower right")
    return pd.concat(frames, ignore_index=True)


def plot_hypervolume_bands(axes: Axes, histories: Mapping[str, Sequence[History]], reference_point: ArrayLike) -> pd.DataFrame:
    """Hypervolume after each evaluation, mean and standard deviation over the seeds of each search."""
    frames = [
        _hypervolume_frame(history, reference_point, search=label) for label, seeds in histories.items() for history in seeds
    ]
    points = plot_bands(axes, pd.concat(frames, ignore_index=True), "evaluations", "hypervolume", "search")
    axes.legend(loc="lower right")
    return points


def _hypervolume_frame(history: History, reference_point: ArrayLike, search: str) -> pd.DataFrame:
    curve = history.hypervolume_curve(reference_point)
    return pd.DataFrame({"search": search, "evaluations": np.arange(1, len(curve) + 1), "hypervolume": curve})


def plot_progress(axes: Axes, history: History) -> pd.DataFrame:
    """Sub-networks that a search measured, later ones darker, and their front: second objective across, first up."""
    frame, evaluation = _points(history), np.arange(1, len(history) + 1)
    draw_front(axes, history, color=COLOURS[1], linewidth=1, label="front")
    style: dict[str, Any] = {"s": 7, "cmap": "viridis_r", "linewidths": 0, "zorder": 2}
    points = axes.scatter(history.values[:, 1], history.values[:, 0], c=evaluation, **style)
    axes.figure.colorbar(points, ax=axes, label="evaluation")
    _name_axes(axes, history)
    return frame.assign(evaluation=evaluation, on_front=history.on_front)


def plot_clusters(axes: Axes, history: History, labels: Sequence[int]) -> pd.DataFrame:
    """Sub-networks that a search measured in the colours of their clusters: second objective across, first objective up.

    Args:
        axes: Axes to draw on.
        history: Sub-networks that the search measured.
        labels: Cluster number of each sub-network, -1 for noise.
    """
    points = _points(history).assign(cluster=list(labels))
    for label, rows in points.groupby("cluster"):
        colour, name = ("0.75", "noise") if label < 0 else (COLOURS[label % len(COLOURS)], f"cluster {label + 1}")
        axes.scatter(rows.iloc[:, 0], rows.iloc[:, 1], s=3, color=colour, linewidths=0, label=f"{name}: {len(rows):,}")
    _name_axes(axes, history)
    axes.legend(loc=_worst_corner(history), markerscale=3, fontsize=7)
    return points


def plot_growing_front(axes: Axes, history: History, steps: Sequence[int], known: History | None = None) -> pd.DataFrame:
    """Fronts after some numbers of evaluations, later ones darker, over what was measured by then; a known front in grey."""
    colours = plt.get_cmap("viridis_r")(np.linspace(0.15, 1, len(steps)))
    shown = [*zip(colours, map(str, steps), (history[:n] for n in steps), strict=True)]
    if known is not None:
        shown.insert(0, ("0.7", "known front", known))
    frames = []
    for colour, label, done in shown:
        frames.append(draw_front(axes, done, color=colour, marker="o", label=label).assign(evaluations=label))
    start = 0
    for colour, n in zip(colours, steps, strict=True):
        axes.scatter(history.values[start:n, 1], history.values[start:n, 0], s=6, alpha=0.5, color=colour, linewidths=0)
        start = n
    _name_axes(axes, history)
    return pd.concat(frames, ignore_index=True)
