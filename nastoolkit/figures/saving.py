"""One style for all figures, and the files saved for a figure: PDF, PNG and a CSV of its points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from nastoolkit.support.display_names import readable
from nastoolkit.support.files import all_atomically, beside

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe and Ito: safe for colour-blind readers
MARKERS = ("o", "s", "^", "D", "v", "P")  # for readers who cannot see colours
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
    """A run's folder, made if missing; anywhere in a clone of the repository, a relative path starts at its root."""
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / "experiments" / "run.py").is_file()), here)
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new_figure(columns: int = 1, height: float = 2.6) -> tuple[Figure, np.ndarray]:
    """A figure in the toolkit's style, which stays on, and its ``columns`` axes side by side, each a text column wide."""
    plt.rcParams.update(STYLE)
    figure, axes = plt.subplots(1, columns, figsize=(COLUMN * columns, height), squeeze=False)
    return figure, axes[0]


def show_numbers(axes: Axes) -> None:
    """Show plain numbers, not powers of ten, at the ticks of logarithmic axes."""
    for ticks in (axes.xaxis, axes.yaxis):
        ticks.set_major_formatter("{x:g}")
        ticks.set_minor_formatter("")


def _space_ticks(axes: Axes) -> None:
    """Ticks with labels that do not overlap, on logarithmic axes that span less than two powers of ten."""
    for ticks in (axes.xaxis, axes.yaxis):
        low, high = sorted(ticks.get_view_interval())
        if ticks.get_scale() == "log" and 0 < low and high < 100 * low:
            subs = (1, 3) if high > 20 * low else (1, 2, 5)
            ticks.set_major_locator(LogLocator(subs=subs) if high > 5 * low else MaxNLocator(4))
            ticks.set_major_formatter("{x:g}")
            ticks.set_minor_formatter("")


def _name_for_readers(axes: Axes) -> None:
    """One name for a quantity, an algorithm or a hardware setting in all figures, whatever their points call it."""
    legend = axes.get_legend()
    for text in (axes.xaxis.label, axes.yaxis.label, axes.title, *(legend.get_texts() if legend else ())):
        if text.get_text():
            text.set_text(readable(text.get_text()))


def save_figure(figure: Figure, points: pd.DataFrame, path: str | Path) -> list[Path]:
    """Write ``path`` with the suffixes pdf, png and csv; the last one holds the drawn points.

    Labels, titles and legends get the names of :mod:`nastoolkit.support.display_names`.
    """
    for axes in figure.axes:
        _space_ticks(axes)
        _name_for_readers(axes)
    for text in (text for legend in figure.legends for text in legend.get_texts()):
        text.set_text(readable(text.get_text()))
    files = [beside(path, suffix) for suffix in (".pdf", ".png", ".csv")]
    with all_atomically(*files) as (pdf, png, csv):
        figure.savefig(pdf, format="pdf")
        figure.savefig(png, format="png")
        points.to_csv(csv, index=False)
    return files
