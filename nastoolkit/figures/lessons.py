"""Pictures that one lesson shows each: a part of a layer, the area under a front, parents and children, options as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import ArrayLike

from nastoolkit.figures.fronts import draw_front
from nastoolkit.figures.saving import COLOURS
from nastoolkit.history import History
from nastoolkit.pareto import hypervolume
from nastoolkit.space import SearchSpace

ORIGINS = ("of both parents", "of parent 1", "of parent 2", "new")


def plot_slice(axes: Axes, weights: np.ndarray, parts: Mapping[str, tuple[int, ...]], centred: bool = False) -> None:
    """A layer's weights, larger ones darker, with a frame around the part that each network takes.

    Args:
        axes: Axes to draw on.
        weights: Absolute values ``(height, width)``.
        parts: Height and width of each network's part.
        centred: Whether a part is the middle, as of kernels, or the first rows and columns, as of channels.
    """
    axes.imshow(weights, cmap="Greys", aspect="auto")
    for colour, (name, (height, width)) in zip(COLOURS, parts.items(), strict=False):
        top, left = ((np.array(weights.shape) - (height, width)) / 2 if centred else (0, 0)) - np.array(0.5)
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) * (width, height) + (left, top)
        axes.plot(*corners.T, color=colour, linewidth=2, label=name, clip_on=False)
    axes.set(xticks=[], yticks=[])


def plot_area(axes: Axes, histories: Mapping[str, History], reference_point: ArrayLike) -> None:
    """The area that fronts dominate, up to a reference point; points that are not better than it in both values are hollow.

    Args:
        axes: Axes to draw on.
        histories: The first objective is to be large, the second one small.
        reference_point: Value of both objectives.
    """
    least, most = np.asarray(reference_point)
    for colour, history in zip(COLOURS, histories.values(), strict=False):
        values = history.front().values[::-1]
        counts = (values[:, 0] > least) & (values[:, 1] < most)
        accuracies, costs = values[counts].T
        steps = [costs[0], *costs, most], [least, *accuracies, accuracies[-1]]
        axes.fill_between(*steps, least, step="post", color=colour, alpha=0.25, linewidth=0)
        axes.plot(costs, accuracies, "o", color=colour, markersize=3)
        axes.plot(*values[~counts].T[::-1], "o", color=colour, markersize=3, markerfacecolor="w")
    axes.plot(most, least, "kX", markersize=7, clip_on=False)


def plot_winners(axes: Axes, two: Mapping[str, History], costs: np.ndarray, accuracies: np.ndarray) -> None:
    """Fronts of two searches, and the colour of the one with the larger hypervolume wherever the reference point may be.

    Args:
        axes: Axes to draw on.
        two: Two searches, whose first objective is to be large and the second one small.
        costs: Places across of the reference point.
        accuracies: Places up.
    """
    first, second = (
        np.array([[hypervolume(history.front().costs, (-up, across)) for across in costs] for up in accuracies])
        for history in two.values()
    )
    winner = np.where(np.maximum(first, second) > 0, np.sign(second - first), np.nan)
    colours = ListedColormap([COLOURS[0], "w", COLOURS[1]])
    axes.pcolormesh(costs, accuracies, winner, cmap=colours, vmin=-1, vmax=1, alpha=0.25, rasterized=True)
    for colour, (name, history) in zip(COLOURS, two.items(), strict=False):
        draw_front(axes, history, color=colour, marker="o", label=f"front of the {name} ones; where they win")
        axes.set(xlabel=history.objectives[1].label, ylabel=history.objectives[0].label)


def plot_one_hot(axes: Axes, features: np.ndarray, missing: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> None:
    """Networks as rows of zeros and ones; columns of choices that a network does not have are pale.

    Args:
        axes: Axes to draw on.
        features: One-hot encodings ``(networks, options)``.
        missing: Whether the network lacks the choice ``(networks, options)``.
        rows: Names of the networks.
        columns: Names of the options.
    """
    axes.imshow(features + 0.2 * missing, cmap="Blues", vmax=1.2, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=7)
    axes.set_yticks(range(len(rows)), rows)
    axes.vlines(np.arange(1, len(columns)) - 0.5, -0.5, len(rows) - 0.5, color="w", linewidth=0.5)
    axes.hlines(np.arange(1, len(rows)) - 0.5, -0.5, len(columns) - 0.5, color="w", linewidth=0.5)


def plot_joined(axes: Axes, history: History, texts: Sequence[str], colour: str) -> None:
    """Networks from the cheapest to the dearest, joined by a line, each with a text."""
    order = np.argsort(history.values[:, 1], kind="stable")
    axes.plot(*history.values[order].T[::-1], "o-", color=colour, markersize=4, linewidth=1)
    for text, (up, across) in zip(texts, history.values, strict=True):
        axes.annotate(text, (across, up), (5, 3), textcoords="offset points", color=colour, fontsize=8)
    axes.set(xlabel=history.objectives[1].label, ylabel=history.objectives[0].label)


def plot_children(axes: Axes, space: SearchSpace, parents: np.ndarray, children: np.ndarray) -> pd.DataFrame:
    """Two parents and their children, a row each, with the option of every open choice in the colour of where it comes from.

    A field is white where the network does not have the choice.

    Returns:
        A row for each field: ``network``, ``choice`` and ``origin``, an index of ``ORIGINS``.
    """
    networks, open_genes = (
        np.concatenate([parents, children]),
        [n for n, allowed in enumerate(space.allowed) if len(allowed) > 1],
    )
    first, second = (networks == parent for parent in parents)
    origin = np.select([~space.alive(networks), first & second, first, second], [np.nan, 0, 1, 2], 3)[:, open_genes]
    colours = ["0.85", COLOURS[5], COLOURS[4], COLOURS[1]]
    axes.pcolormesh(origin, cmap=ListedColormap(colours), vmin=0, vmax=3, edgecolors="w", linewidth=1)
    for colour, label in zip(colours, ORIGINS, strict=True):
        axes.plot([], [], "s", color=colour, label=label)
    rows = ["parent 1", "parent 2", *["child"] * len(children)]
    fields = [(row, column) for row, column in np.argwhere(~np.isnan(origin))]
    for row, column in fields:
        option = space.choices[open_genes[column]].options[networks[row, open_genes[column]]]
        axes.text(column + 0.5, row + 0.5, str(option), ha="center", va="center", fontsize=7)
    axes.set_xticks(np.arange(len(open_genes)) + 0.5, [space.names[gene] for gene in open_genes], rotation=90, fontsize=7)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.invert_yaxis()
    points = [(rows[row], space.names[open_genes[column]], int(origin[row, column])) for row, column in fields]
    return pd.DataFrame(points, columns=["network", "choice", "origin"])


def plot_survivors(axes: Axes, history: History, survives: np.ndarray, n_parents: int) -> None:
    """Parents and children of one generation; those that do not survive are hollow.

    Args:
        axes: Axes to draw on.
        history: The parents, then the children.
        survives: Whether each survives ``(networks,)``.
        n_parents: Number of parents.
    """
    is_child = np.arange(len(history)) >= n_parents
    for label, mask, marker, colour in (("parent", ~is_child, "o", COLOURS[0]), ("child", is_child, "^", COLOURS[1])):
        for kept, face, what in ((survives, colour, "survives"), (~survives, "none", "does not")):
            up, across = history.values[mask & kept].T
            label_of = f"{label} {what}: {len(up)}"
            axes.scatter(across, up, s=22, marker=marker, edgecolors=colour, facecolors=face, linewidths=0.8, label=label_of)
    axes.set(xlabel=history.objectives[1].label, ylabel=history.objectives[0].label)
