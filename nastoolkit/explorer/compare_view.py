"""Two networks next to each other, block by block: what was pinned, and what is on the page."""

from __future__ import annotations

from html import escape

import numpy as np

from nastoolkit.blocks import describe_block
from nastoolkit.explorer.model import Model
from nastoolkit.explorer.network_view import Block, blocks_of
from nastoolkit.explorer.totals_view import LABELS, shown


def compare_html(model: Model) -> str:
    """The totals of both, and a card for each place; places that hold the same block are faint. Empty if nothing is pinned."""
    if model.pinned is None:
        return ""
    pairs = zip(blocks_of(model, model.pinned), blocks_of(model), strict=True)
    cards = "".join(_card(pinned, current) for pinned, current in pairs)
    return f'<p class="explorer-compared">{_totals(model)}</p><div class="explorer-pairs">{cards}</div>'


def _totals(model: Model) -> str:
    both = np.stack([model.pinned, model.genotype])
    costs = {"latency_ms": model.table.latency_ms(both)} if model.table else {}
    costs |= {"macs": model.family.macs(both), "params": model.family.params(both)}
    parts = [_change(name, *pair) for name, pair in costs.items()]
    accuracies = [model.accuracy_of(genotype) for genotype in both]
    if model.accuracy is not None and None not in accuracies:
        unit = model.accuracy.task.unit
        parts.insert(0, f"{model.accuracy.task.metric} {accuracies[0]:.2f} → <b>{accuracies[1]:.2f} {unit}</b>")
    return "pinned → this: " + " · ".join(parts)


def _change(name: str, before: float, after: float) -> str:
    return f"{LABELS[name]} {shown(name, before)} → <b>{shown(name, after)}</b> ({after / before - 1:+.0%})"


def _card(pinned: Block, current: Block) -> str:
    name = escape(current.name)
    if pinned.spec == current.spec:
        text = f"<b>{name}</b><small>{_about(current)}</small><i>same</i>"
        return f'<div class="explorer-pair same" data-block="{name}">{text}</div>'
    cost = next(iter({**pinned.costs, **current.costs}))
    difference = current.costs.get(cost, 0.0) - pinned.costs.get(cost, 0.0)
    kind = "more" if difference > 0 else "less"
    sign = "+" if difference > 0 else "−"
    return (
        f'<div class="explorer-pair {kind}" data-block="{name}"><b>{name}</b><small>{_about(pinned)}</small>'
        f"<small>{_about(current)}</small><i>{sign}{shown(cost, abs(difference))}</i></div>"
    )


def _about(block: Block) -> str:
    if block.spec is None:
        return "left out"
    return f"{escape(describe_block(block.spec))}: {shown(*next(iter(block.costs.items())))}"
