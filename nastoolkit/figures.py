"""Figures in one style, each saved as PDF, PNG and the CSV of its points, and the folder they go to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from nastoolkit import pareto
from nastoolkit.benchmarks.race import median_interval
from nastoolkit.blocks import BlockSpec, describe_block
from nastoolkit.families import Plan
from nastoolkit.history import History
from nastoolkit.search.popdb import option_shares
from nastoolkit.space import SearchSpace

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito: safe for colour-blind readers
MARKERS = ("o", "s", "^", "D", "v", "P")  # for readers who see no colours at all
STYLE: dict[Any, Any] = {
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "font.size": 9,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # embeds TrueType fonts
    "savefig.dpi": 200,
}
COLUMN = 3.4  # inches, the width of a column of text


def output_folder(path: str | Path) -> Path:
    """A run's folder, made if missing; in a clone of the repository a relative path starts at its root, wherever one is."""
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / "experiments" / "run.py").is_file()), here)
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new_figure(columns: int = 1, height: float = 2.6) -> tuple[Figure, np.ndarray]:
    """A figure in the toolkit's style, which stays on, and its ``columns`` axes side by side, each a column of text wide."""
    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(1, columns, figsize=(COLUMN * columns, height), squeeze=False)
    return figure, axes[0]


def save_figure(figure: Figure, points: pd.DataFrame, path: str | Path) -> list[Path]:
    """Write ``path`` with the suffixes pdf, png and csv; the last one holds the points that are drawn."""
    stem = Path(path)
    stem.parent.mkdir(parents=True, exist_ok=True)
    files = [stem.with_name(f"{stem.name}.{suffix}") for suffix in ("pdf", "png", "csv")]
    figure.savefig(files[0])
    figure.savefig(files[1])
    points.to_csv(files[2], index=False)
    return files


def plot_fronts(axes: Axes, histories: Mapping[str, History]) -> pd.DataFrame:
    """Measured sub-networks and Pareto fronts of searches: second objective across, first objective up."""
    frames = []
    for colour, (label, history) in zip(cycle(COLOURS), histories.items(), strict=False):
        up, across = history.objectives[:2]
        frame = history.to_frame()[[across.name, up.name]].assign(search=label)
        front = history.front().to_frame().sort_values(across.name)
        axes.scatter(frame[across.name], frame[up.name], s=6, alpha=0.35, color=colour, linewidths=0)
        axes.step(front[across.name], front[up.name], where="post", color=colour, marker="o", markersize=3, label=label)
        frames.append(frame.assign(on_front=pareto.non_dominated(history.costs)))
    axes.set(xlabel=across.label, ylabel=up.label)
    axes.legend(loc="lower right")
    return pd.concat(frames, ignore_index=True)


def plot_hypervolume(axes: Axes, histories: Mapping[str, History], reference_point: ArrayLike) -> pd.DataFrame:
    """Hypervolume after each evaluation of searches, at a reference point in raw units."""
    frames = []
    for colour, (label, history) in zip(cycle(COLOURS), histories.items(), strict=False):
        curve = history.hypervolume_curve(reference_point)
        evaluations = np.arange(1, len(curve) + 1)
        axes.plot(evaluations, curve, color=colour, label=label)
        frames.append(pd.DataFrame({"search": label, "evaluations": evaluations, "hypervolume": curve}))
    axes.set(xlabel="evaluations", ylabel="hypervolume")
    axes.legend(loc="lower right")
    return pd.concat(frames, ignore_index=True)


def plot_progress(axes: Axes, history: History) -> pd.DataFrame:
    """Sub-networks that a search measured, the later the darker, and their front: second objective across, first up."""
    up, across = history.objectives[:2]
    frame = history.to_frame()[[across.name, up.name]].assign(evaluation=np.arange(1, len(history) + 1))
    front = history.front().to_frame().sort_values(across.name)
    axes.step(front[across.name], front[up.name], where="post", color=COLOURS[1], linewidth=1, label="front")
    style: dict[str, Any] = {"s": 7, "cmap": "viridis_r", "linewidths": 0, "zorder": 2}
    points = axes.scatter(frame[across.name], frame[up.name], c=frame.evaluation, **style)
    axes.figure.colorbar(points, ax=axes, label="evaluation")
    axes.set(xlabel=across.label, ylabel=up.label)
    return frame.assign(on_front=pareto.non_dominated(history.costs))


def plot_growing_front(axes: Axes, history: History, steps: Sequence[int], known: History | None = None) -> pd.DataFrame:
    """Fronts after so many evaluations, the later the darker, over what was measured till then; in grey a known front."""
    up, across = history.objectives[:2]
    colours = plt.get_cmap("viridis_r")(np.linspace(0.15, 1, len(steps)))
    shown = [*zip(colours, map(str, steps), (history[:n] for n in steps), strict=True)]
    if known is not None:
        shown.insert(0, ("0.7", "known front", known))
    frames = []
    for colour, label, done in shown:
        front = done.front().to_frame().sort_values(across.name)
        axes.step(front[across.name], front[up.name], "o-", where="post", color=colour, markersize=3, label=label)
        frames.append(front[[across.name, up.name]].assign(evaluations=label))
    start = 0
    for colour, n in zip(colours, steps, strict=True):
        axes.scatter(history.values[start:n, 1], history.values[start:n, 0], s=6, alpha=0.5, color=colour, linewidths=0)
        start = n
    axes.set(xlabel=across.label, ylabel=up.label)
    return pd.concat(frames, ignore_index=True)


def plot_agreement(axes: Axes, frame: pd.DataFrame, across: str, up: str, title: str = "") -> pd.DataFrame:
    """Two measurements of the same sub-networks as a scatter, with the line where they agree."""
    ends = [frame[[across, up]].to_numpy().min(), frame[[across, up]].to_numpy().max()]
    axes.plot(ends, ends, color="0.6", linewidth=1, label="equal")
    axes.scatter(frame[across], frame[up], s=14, color=COLOURS[0])
    axes.set(xlabel=across, ylabel=up, title=title)
    return frame[[across, up]]


def plot_bands(axes: Axes, frame: pd.DataFrame, across: str, up: str, by: str) -> pd.DataFrame:
    """Mean and standard deviation of ``up`` over rows with the same ``across``: for each ``by`` a line and its band."""
    points = frame.groupby([by, across], sort=False)[up].agg(["mean", "std", "size"]).fillna({"std": 0.0}).reset_index()
    for colour, marker, (label, line) in zip(cycle(COLOURS), cycle(MARKERS), points.groupby(by, sort=False), strict=False):
        axes.plot(line[across], line["mean"], color=colour, marker=marker, markersize=4, label=str(label))
        low, high = line["mean"] - line["std"], line["mean"] + line["std"]
        axes.fill_between(line[across], low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel=across, ylabel=up)
    return points.assign(quantity=up)


def plot_intervals(axes: Axes, frame: pd.DataFrame, across: str, rows: str, by: str) -> pd.DataFrame:
    """Mean and standard deviation of ``across`` for each of ``rows``, from top to bottom, and each ``by``, side by side."""
    points = frame.groupby([by, rows], sort=False)[across].agg(["mean", "std", "size"]).fillna({"std": 0.0}).reset_index()
    ends = points.assign(center=points["mean"], low=points["mean"] - points["std"], high=points["mean"] + points["std"])
    _draw_intervals(axes, ends, rows, by)
    axes.set(xlabel=across)
    return points.assign(quantity=across)


def plot_medians(axes: Axes, frame: pd.DataFrame, across: str, rows: str, by: str) -> pd.DataFrame:
    """The same with medians and their 95 % bootstrap intervals; what is infinite is not drawn."""
    found = []
    for key, group in frame.groupby([by, rows], sort=False)[across]:
        center, ends = median_interval(group.to_numpy())
        found.append((*key, center, *ends, len(group)))
    points = pd.DataFrame(found, columns=[by, rows, "center", "low", "high", "size"])
    _draw_intervals(axes, points.astype({"center": float, "low": float, "high": float}), rows, by)
    axes.set(xlabel=across)
    return points.assign(quantity=across)


def _draw_intervals(axes: Axes, points: pd.DataFrame, rows: str, by: str) -> None:
    """Columns ``center``, ``low`` and ``high`` of points."""
    labels, groups = list(dict.fromkeys(points[rows])), list(dict.fromkeys(points[by]))
    for place, (colour, marker, label) in enumerate(zip(cycle(COLOURS), cycle(MARKERS), groups, strict=False)):
        line = points[points[by] == label]
        at = line[rows].map(labels.index) + 0.7 * ((place + 0.5) / len(groups) - 0.5)
        style: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 4, "elinewidth": 1}
        axes.errorbar(line.center, at, xerr=[line.center - line.low, line.high - line.center], label=str(label), **style)
    axes.set(yticks=range(len(labels)), yticklabels=labels, ylim=(len(labels) - 0.5, -0.5))


def plot_matrix(axes: Axes, values: pd.DataFrame, texts: pd.DataFrame, title: str) -> pd.DataFrame:
    """A matrix as colours, the darker the greater, with the text of the same row and column in each cell; NaN stays white."""
    numbers = values.to_numpy(float)
    image = axes.imshow(numbers, cmap="Blues", aspect="auto")
    dark = np.ma.filled(np.asarray(image.norm(numbers)), 0) > 0.6
    for place in np.ndindex(*numbers.shape):
        row, column = values.index[place[0]], values.columns[place[1]]
        colour = "white" if dark[place] else "black"
        axes.text(place[1], place[0], str(texts.loc[row, column]), ha="center", va="center", fontsize=7, color=colour)
    for set_ticks, names in ((axes.set_xticks, values.columns), (axes.set_yticks, values.index)):
        set_ticks(range(len(names)), [str(name).replace(", ", "\n") for name in names], fontsize=6.5)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_title(title, fontsize="medium")
    return values


def plot_options(axes: Axes, history: History, smaller: SearchSpace) -> pd.DataFrame:
    """Share of each option (row) at each place (column) among sub-networks that have it; a cross: not in a smaller space."""
    shares, rows = option_shares(history), []
    for choice, before, after in zip(history.space.choices, history.space.allowed, smaller.allowed, strict=True):
        place, _, kind = choice.name.rpartition(".")
        for index in before if len(before) > 1 else ():
            cross = "" if index in after else "×"
            rows.append((f"{kind} {choice.options[index]}", place or kind, shares[choice.name][index], cross))
    points = pd.DataFrame(rows, columns=["option", "place", "share", "dropped"])
    order = {"index": points.option.unique(), "columns": points.place.unique()}
    values, crosses = (points.pivot(index="option", columns="place", values=name) for name in ("share", "dropped"))
    plot_matrix(axes, values.reindex(**order), crosses.reindex(**order).fillna(""), "")
    axes.tick_params(axis="x", rotation=90)
    return points


def draw_network(axes: Axes, plan: Plan, cost: Callable[[BlockSpec], float], label: str) -> pd.DataFrame:
    """A sub-network from top to bottom: a bar for each block, as long as its cost, with the block's settings."""
    frame = pd.DataFrame(
        [{"block": name, label: cost(spec), "settings": describe_block(spec)} for name, spec in plan],
    )
    rows = np.arange(len(frame))
    axes.barh(rows, frame[label], color=COLOURS[0])
    axes.set_yticks(rows, frame.block)
    for row, length, text in zip(rows, frame[label], frame.settings, strict=True):
        axes.annotate(text, (length, row), xytext=(3, 0), textcoords="offset points", va="center", fontsize=7)
    axes.set(xlabel=label, xlim=(0, 1.9 * frame[label].max()))
    axes.invert_yaxis()
    return frame
