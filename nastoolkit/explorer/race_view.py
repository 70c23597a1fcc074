"""A race as a picture: hypervolume over evaluations, a thin line for each seed, a thick one for their median."""

from __future__ import annotations

from html import escape

import numpy as np

from nastoolkit.explorer.front_view import Axis
from nastoolkit.explorer.race_run import Standing
from nastoolkit.support.display_names import algorithm_name

MARGIN = {"left": 46, "right": 16, "top": 8, "bottom": 36}  # pixels
HEIGHT = 200
SHOWN = 0.9  # the axis begins at this share of what the first generations reach: the interesting part is above


def race_html(standing: Standing, width: int = 320) -> str:
    """The picture as SVG, with a legend and a sentence on who is ahead."""
    curves = [curve for side in standing.curves for curve in side.values() if len(curve)]
    values = np.concatenate(curves) if curves else np.array([0.0, 1.0])
    low = SHOWN * max(min(curve[min(len(curve), 10) - 1] for curve in curves), 0) if curves else 0.0
    across = Axis(1.0, float(standing.budget), MARGIN["left"], width - MARGIN["right"])
    up = Axis(low, float(max(values.max(), low + 1e-9)) * 1.02, HEIGHT - MARGIN["bottom"], MARGIN["top"])
    lines = [_frame(across, up)]
    for side, seeds in enumerate(standing.curves):
        lines += [_line(curve, across, up, f"race side{side}") for curve in seeds.values()]
        lines.append(_line(standing.median(side), across, up, f"race side{side} median"))
    size = f'viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}"'
    return (
        f'<svg class="explorer-race-picture" {size}>{"".join(lines)}</svg><p class="explorer-legend">{_legend(standing)}</p>'
    )


def _frame(across: Axis, up: Axis) -> str:
    grid = [f'<line class="grid" x1="{across.start}" x2="{across.end}" y1="{up(t):.1f}" y2="{up(t):.1f}"/>' for t in up.ticks]
    names = [f'<text x="{across.start - 6}" y="{up(t) + 4:.1f}" text-anchor="end">{t:.4g}</text>' for t in up.ticks]
    names += [f'<text x="{across(t):.1f}" y="{up.start + 15:.0f}" text-anchor="middle">{t:.4g}</text>' for t in across.ticks]
    label = f'<text class="label" x="{(across.start + across.end) / 2:.0f}" y="{up.start + 31:.0f}" text-anchor="middle">'
    return "".join([*grid, *names, f"{label}evaluations</text>"])


def _line(curve: np.ndarray, across: Axis, up: Axis, kind: str) -> str:
    points = " ".join(f"{across(number):.1f},{up(max(value, up.low)):.1f}" for number, value in enumerate(curve, 1))
    return f'<polyline class="{kind}" points="{points}"/>'


def _legend(standing: Standing) -> str:
    names = [algorithm_name(name) for name in standing.algorithms]
    dots = [f'<span class="explorer-dot side{side}"></span>{escape(name)}' for side, name in enumerate(names)]
    return f"{' '.join(dots)} · hypervolume of the front, each seed and the median. {verdict(standing)}"


def verdict(standing: Standing) -> str:
    """Who is ahead by the medians of the seeds so far, and how many evaluations that saves; empty before both have one."""
    ends = [standing.median(side) for side in (0, 1)]
    if not all(map(len, ends)):
        return ""
    ahead = int(ends[1][-1] > ends[0][-1])
    if ends[0][-1] == ends[1][-1]:
        return "Both reached the same."
    needed = int(np.argmax(ends[ahead] >= ends[1 - ahead][-1])) + 1
    n_seeds = min(sum(len(curve) == standing.budget for curve in seeds.values()) for seeds in standing.curves)
    seeds = "1 seed" if n_seeds == 1 else f"{n_seeds} seeds"
    winner, other = (escape(algorithm_name(standing.algorithms[side])) for side in (ahead, 1 - ahead))
    return f"<b>{winner}</b> needs {needed} evaluations for what {other} reaches with {standing.budget} ({seeds})."
