"""The study as a picture: its front, the current sub-network on it, the budget, and the search being watched."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
from matplotlib.ticker import MaxNLocator

from nastoolkit.explorer.model import Model
from nastoolkit.figures.stairs import corners, stairs
from nastoolkit.history import History

MARGIN = {"left": 56, "right": 14, "top": 14, "bottom": 44}  # pixels
HEIGHTS = 180, 360  # pixels, on a phone and on a desktop
PAD = 0.05  # of an axis' range, on both sides


@dataclass(frozen=True)
class Axis:
    """Conversion of values to pixels."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(cls, values: np.ndarray, start: float, end: float) -> Axis:
        """An axis that contains all values except NaN."""
        known = values[np.isfinite(values)]
        low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
        pad = PAD * (high - low) or 0.5
        return cls(float(low - pad), float(high + pad), start, end)

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def value(self, pixel: float) -> float:
        """The value at a pixel."""
        return self.low + (pixel - self.start) / (self.end - self.start) * (self.high - self.low)

    @property
    def ticks(self) -> list[float]:
        """Round numbers within the axis."""
        values = MaxNLocator(6).tick_values(self.low, self.high)
        return [float(value) for value in values if self.low <= value <= self.high]


def height_of(width: int) -> int:
    """Height of the picture, in pixels: less on a phone, where it stays in sight above the controls."""
    return int(np.clip(0.6 * width - 30, *HEIGHTS))


def axes_of(model: Model, width: int) -> tuple[Axis, Axis]:
    """Cost across, from the smallest to the largest sub-network at least, and quality up."""
    study = model.study
    current = [model.cost_of(model.genotype[None])[0], current_quality(model)]
    across = np.array([*model.cost_range, model.budget, current[0], *study.values[~study.failed, 1]])
    up = np.array([current[1], *study.values[~study.failed, 0]], dtype=float)
    return (
        Axis.around(across, MARGIN["left"], width - MARGIN["right"]),
        Axis.around(up, height_of(width) - MARGIN["bottom"], MARGIN["top"]),
    )


def current_quality(model: Model) -> float:
    """The current sub-network's quality: exact, measured, or else predicted; NaN if it is unknown."""
    exact = model.qualities[model.quality].exact
    if exact is not None:
        return float(exact(model.genotype[None])[0])
    known = [value for value in (model.accuracy_measured, model.accuracy_predicted) if value is not None]
    return known[0] if known else np.nan


def front_html(model: Model, width: int = 640, newest: int = 0) -> str:
    """The picture as SVG, and its legend; every point carries its genes, so that a click identifies it.

    Args:
        model: Model to draw.
        width: Width of the picture, in pixels.
        newest: Number of the watched search's last evaluations to mark: those of its last generation.
    """
    axes, study, run = axes_of(model, width), model.study, model.run
    front = study.front()
    parts = [_frame(model, axes), _budget(model, axes)]
    if run is None:
        parts += [_points(study, axes, "point"), _points(front, axes, "point on-front"), _steps(study, axes, "front")]
    else:
        parts += [_points(study, axes, "point"), _steps(study, axes, "front known")]
        parts += [_points(run, axes, "point run"), _steps(run, axes, "front")]
        parts += [_points(run[len(run) - newest :], axes, "point newest")]
    height = height_of(width)
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    picture = (
        f'<svg class="explorer-front-picture" {size}>{"".join(parts)}<g class="marks">{marks_html(model, axes)}</g></svg>'
    )
    return f'{picture}<p class="explorer-legend">{_legend(model)}</p>'


def marks_html(model: Model, axes: tuple[Axis, Axis]) -> str:
    """The current and the pinned sub-network, which change more often than the rest."""
    return _pinned(model, axes) + _current(model, axes)


def _legend(model: Model) -> str:
    known = ("run", "this search"), ("newest", "its last generation"), ("point", "known before")
    shown = known if model.run is not None else (("run", "on the front"), ("point", "known"))
    dots = [f'<span class="explorer-dot {kind}"></span>{text}' for kind, text in (("current", "this network"), *shown)]
    return " ".join([*dots, '<span class="hint">· click a point to load it, drag the line</span>'])


def _frame(model: Model, axes: tuple[Axis, Axis]) -> str:
    across, up = axes
    quality, cost = model.objectives
    bottom, left, right, middle = up.start, across.start, across.end, (up.start + up.end) / 2
    lines = [f'<line class="grid" x1="{left}" x2="{right}" y1="{up(t):.1f}" y2="{up(t):.1f}"/>' for t in up.ticks]
    ticks = [f'<text x="{left - 8}" y="{up(t) + 4:.1f}" text-anchor="end">{_number(t)}</text>' for t in up.ticks]
    ticks += [f'<text x="{across(t):.1f}" y="{bottom + 18}" text-anchor="middle">{_number(t)}</text>' for t in across.ticks]
    places = [f'x="{(left + right) / 2:.0f}" y="{bottom + 38}"', f'transform="translate(13,{middle:.0f}) rotate(-90)"']
    names = [
        f'<text class="label" {place} text-anchor="middle">{escape(objective.label)}</text>'
        for place, objective in zip(places, (cost, quality), strict=True)
    ]
    return "".join([*lines, *ticks, *names])


def _number(value: float) -> str:
    return f"{value:.6g}" if abs(value) < 1e5 else f"{value / 1e6:.4g} M"


def _points(history: History, axes: tuple[Axis, Axis], kind: str) -> str:
    across, up = axes
    labels = [objective.label for objective in history.objectives]
    return "".join(
        f'<circle class="{kind}" data-genes="{",".join(map(str, genes))}" cx="{across(cost):.1f}" cy="{up(quality):.1f}" '
        f'r="4"><title>{labels[0]} {quality:.4g}, {labels[1]} {cost:.4g}: click to load</title></circle>'
        for genes, (quality, cost) in zip(history.genotypes.tolist(), history.values.tolist(), strict=True)
        if quality == quality  # not NaN
    )


def _steps(history: History, axes: tuple[Axis, Axis], kind: str) -> str:
    """The front as a line of stairs."""
    across, up = axes
    line = corners(*stairs(history)).tolist()
    return f'<polyline class="{kind}" points="{" ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line)}"/>'


def _budget(model: Model, axes: tuple[Axis, Axis]) -> str:
    """The budget as a line, and a ring around the best sub-network within it."""
    x, top, bottom = axes[0](model.budget), axes[1].end, axes[1].start
    beyond = f'<rect class="beyond" x="{x:.1f}" y="{top}" width="{max(axes[0].end - x, 0):.1f}" height="{bottom - top}"/>'
    ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"'
    lines = f'<line class="budget" {ends}/><line class="handle" {ends}/>'
    text = f'<text class="budget" x="{x - 5:.1f}" y="{bottom - 6}" text-anchor="end">budget</text>'
    best = model.within_budget()
    ring = [f'<circle class="best" cx="{axes[0](c):.1f}" cy="{axes[1](q):.1f}" r="9"/>' for q, c in best.values.tolist()]
    return "".join([beyond, text, *ring, lines])


def _pinned(model: Model, axes: tuple[Axis, Axis]) -> str:
    """The pinned sub-network as a line across the picture: its cost."""
    if model.pinned is None:
        return ""
    x, (top, bottom) = axes[0](float(model.cost_of(model.pinned[None])[0])), (axes[1].end, axes[1].start)
    line = f'<line class="pinned" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'
    return f'{line}<text class="pinned" x="{x + 4:.1f}" y="{top + 10}">pinned</text>'


def _current(model: Model, axes: tuple[Axis, Axis]) -> str:
    """The current sub-network: a diamond, hollow if its quality is a prediction, or a line if that is unknown."""
    x, quality = axes[0](float(model.cost_of(model.genotype[None])[0])), current_quality(model)
    if np.isnan(quality):
        return f'<line class="current" x1="{x:.1f}" x2="{x:.1f}" y1="{axes[1].end}" y2="{axes[1].start}"/>'
    y, sure = axes[1](quality), model.quality != model.metric or model.accuracy_measured is not None
    points = f"{x:.1f},{y - 8:.1f} {x + 8:.1f},{y:.1f} {x:.1f},{y + 8:.1f} {x - 8:.1f},{y:.1f}"
    return f'<polygon class="current{"" if sure else " predicted"}" points="{points}"/>'
