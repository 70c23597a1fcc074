"""Figures in one style, each saved as PDF, PNG and the CSV of its points, and the folder they go to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from nastoolkit.blocks import BlockSpec, describe_block
from nastoolkit.families import Plan
from nastoolkit.history import History

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito: safe for colour-blind readers
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


def plot_agreement(axes: Axes, frame: pd.DataFrame, across: str, up: str, title: str = "") -> pd.DataFrame:
    """Two measurements of the same sub-networks as a scatter, with the line where they agree."""
    ends = [frame[[across, up]].to_numpy().min(), frame[[across, up]].to_numpy().max()]
    axes.plot(ends, ends, color="0.6", linewidth=1, label="equal")
    axes.scatter(frame[across], frame[up], s=14, color=COLOURS[0])
    axes.set(xlabel=across, ylabel=up, title=title)
    return frame[[across, up]]


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
