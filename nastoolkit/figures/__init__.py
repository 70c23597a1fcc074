"""Figures in one style, with a file for each kind of figure. All functions draw on given axes and return their points."""

from nastoolkit.figures.forest import plot_forest
from nastoolkit.figures.fronts import (
    draw_front,
    draw_points,
    plot_clusters,
    plot_fronts,
    plot_growing_front,
    plot_hypervolume,
    plot_hypervolume_bands,
    plot_progress,
    plot_repeated_front,
)
from nastoolkit.figures.networks import draw_network, plot_breakdown
from nastoolkit.figures.ratios import plot_ratio_lines
from nastoolkit.figures.saving import COLOURS, COLUMN, MARKERS, STYLE, new_figure, output_folder, save_figure, show_numbers
from nastoolkit.figures.scenes import plot_scenes
from nastoolkit.figures.spaces import plot_genes, plot_importance, plot_options
from nastoolkit.figures.statistics import (
    plot_agreement,
    plot_bands,
    plot_changes,
    plot_intervals,
    plot_learning_curve,
    plot_lines,
    plot_matrix,
    plot_medians,
    plot_ratios,
    plot_residuals,
)

__all__ = [
    "COLOURS",
    "COLUMN",
    "MARKERS",
    "STYLE",
    "draw_front",
    "draw_network",
    "draw_points",
    "new_figure",
    "output_folder",
    "plot_agreement",
    "plot_bands",
    "plot_breakdown",
    "plot_changes",
    "plot_clusters",
    "plot_forest",
    "plot_fronts",
    "plot_genes",
    "plot_growing_front",
    "plot_hypervolume",
    "plot_hypervolume_bands",
    "plot_importance",
    "plot_intervals",
    "plot_learning_curve",
    "plot_lines",
    "plot_matrix",
    "plot_medians",
    "plot_options",
    "plot_progress",
    "plot_ratio_lines",
    "plot_ratios",
    "plot_repeated_front",
    "plot_residuals",
    "plot_scenes",
    "save_figure",
    "show_numbers",
]
