"""Search spaces: the options that sub-networks use, and which choices matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke

from nastoolkit.figures.saving import COLOURS
from nastoolkit.figures.statistics import plot_matrix
from nastoolkit.history import History
from nastoolkit.space import SearchSpace

SPREAD = 0.16  # of the lines through one option, as a share of the span of a choice's options


def plot_options(axes: Axes, history: History, smaller: SearchSpace) -> pd.DataFrame:
    """Share of each option (row) at each place (column) among sub-networks that have it; crosses: not in a smaller space."""
    shares, rows = history.option_shares(), []
    for choice, before, after in zip(history.space.choices, history.space.allowed, smaller.allowed, strict=True):
        for index in before if len(before) > 1 else ():
            cross = "" if index in after else "×"
            option, place = f"{choice.kind} {choice.options[index]}", choice.place or choice.kind
            rows.append((option, place, shares[choice.name][index], cross))
    points = pd.DataFrame(rows, columns=["option", "place", "share", "dropped"])
    order = {"index": points.option.unique(), "columns": points.place.unique()}
    values, crosses = (points.pivot(index="option", columns="place", values=name) for name in ("share", "dropped"))
    plot_matrix(axes, values.reindex(**order), crosses.reindex(**order).fillna(""), "")
    axes.tick_params(axis="x", rotation=90)
    return points


def plot_genes(axes: Axes, history: History) -> pd.DataFrame:
    """Parallel coordinates of a front: a line for each sub-network through its options, with the first objective's colour.

    Choices with one option are left out; a line stops where a choice is dead. Lines through the same option are side by side,
    in the order of the first objective.
    """
    front = history.front()
    places, options = _option_heights(axes, front.space)
    heights = np.full((len(front), len(places)), np.nan)  # of dead genes
    for row, gene in np.argwhere(front.space.alive(front.genotypes)[:, places]):
        heights[row, gene] = options[gene][int(front.genotypes[row, places[gene]])]
    heights += SPREAD * np.linspace(0.5, -0.5, len(front))[:, None]
    lines = np.stack([np.broadcast_to(np.arange(len(places)), heights.shape), heights], axis=2)
    style: dict[str, Any] = {"array": front.values[:, 0], "cmap": "viridis", "linewidths": 1.2, "alpha": 0.85}
    axes.add_collection(LineCollection(list(lines), **style))
    across, up = lines.reshape(-1, 2).T
    dots = axes.scatter(across, up, c=np.repeat(front.values[:, 0], len(places)), s=5, cmap="viridis", zorder=3)
    axes.figure.colorbar(dots, ax=axes, label=front.objectives[0].label, pad=0.02)
    return front.to_frame()


def _option_heights(axes: Axes, space: SearchSpace) -> tuple[list[int], list[dict[int, float]]]:
    """Draw a vertical line with options for each open gene; returns these genes, and the height of each option index."""
    places = [gene for gene, allowed in enumerate(space.allowed) if len(allowed) > 1]
    heights = [dict(zip(space.allowed[gene], np.linspace(0, 1, len(space.allowed[gene])), strict=True)) for gene in places]
    outline = [withStroke(linewidth=2, foreground="white")]
    for place, (gene, options) in enumerate(zip(places, heights, strict=True)):
        axes.axvline(place, color="0.85", linewidth=0.8, zorder=0)
        for index, height in options.items():
            text = str(space.choices[gene].options[index])
            axes.text(place - 0.12, height, text, ha="right", va="center", fontsize=6, zorder=4, path_effects=outline)
    axes.set_xticks(range(len(places)), [space.names[gene] for gene in places], rotation=90, fontsize=6.5)
    axes.set(yticks=[], xlim=(-0.8, len(places) - 0.5), ylim=(-0.15, 1.15))
    axes.spines[:].set_visible(False)
    return places, heights


def plot_importance(axes: Axes, importance: pd.DataFrame, label: str) -> pd.DataFrame:
    """How much each choice matters, by :func:`nastoolkit.predictors.importance.gene_importance`, with standard deviations."""
    rows = np.arange(len(importance))
    axes.barh(rows, importance.importance, xerr=importance["std"], color=COLOURS[0], error_kw={"elinewidth": 0.8})
    axes.set_yticks(rows, importance.choice, fontsize=6.5)
    axes.axvline(0, color="0.6", linewidth=1)
    axes.set(xlabel=label)
    axes.invert_yaxis()
    return importance
