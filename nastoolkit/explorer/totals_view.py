"""The totals of the current sub-network: accuracy, latency, MACs and parameters as tiles of HTML."""

from __future__ import annotations

import numpy as np

from nastoolkit.explorer.model import Model
from nastoolkit.support.display_names import quantity_label

LABELS = {"latency_ms": "latency", "macs": "MACs", "params": "params"}
STEPS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def shown(name: str, value: float) -> str:
    """A cost in readable form, e.g. ``0.214 ms`` or ``3.49 M``."""
    if name == "latency_ms":
        return f"{value:.3f} ms" if value < 10 else f"{value:.1f} ms"
    for size, letter in STEPS:
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:g}"


def totals_html(model: Model) -> str:
    """A tile for each total; its bar shows the place between the totals of the smallest and the largest sub-network."""
    ends = np.stack([model.space.smallest, model.genotype, model.space.largest])
    costs = {"macs": model.family.macs(ends), "params": model.family.params(ends)}
    tiles = [
        _tile(name, LABELS[name], shown(name, row[1]), f"{row[1] / row[2]:.0%} of the largest", _place(row))
        for name, row in costs.items()
    ]
    return f'<div class="explorer-totals">{_accuracy_tile(model)}{_latency_tile(model, ends)}{"".join(tiles)}</div>'


def _accuracy_tile(model: Model) -> str:
    if model.accuracy is None:
        return ""
    measured, predicted, unit = model.accuracy_measured, model.accuracy_predicted, model.accuracy.task.unit
    note = "not predicted yet" if predicted is None else f"predicted {predicted:.1f} {unit}"
    value = "not measured" if measured is None else f"{measured:.2f} {unit}"
    return _tile("accuracy", quantity_label(model.accuracy.task.metric), value, note, None)


def _latency_tile(model: Model, ends: np.ndarray) -> str:
    if model.table is None:
        return ""
    row, measured = model.table.latency_ms(ends), model.latency_measured
    note = "not measured" if measured is None else f"measured {shown('latency_ms', measured)} ({measured / row[1] - 1:+.0%})"
    return _tile("latency_ms", "latency, by the table", shown("latency_ms", row[1]), note, _place(row))


def _place(row: np.ndarray) -> float:
    """Position of the middle one of three values between the outer ones, as a share."""
    low, value, high = row
    return float(np.clip((value - low) / ((high - low) or 1.0), 0, 1))


def _tile(name: str, label: str, value: str, note: str, place: float | None) -> str:
    track = "" if place is None else f'<div class="explorer-track"><span style="left:{100 * place:.1f}%"></span></div>'
    return (
        f'<div class="explorer-total" data-total="{name}"><div class="label">{label}</div>'
        f'<div class="value">{value}</div>{track}<div class="note">{note}</div></div>'
    )
